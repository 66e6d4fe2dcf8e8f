"""People in Django's admin, for super admins. Every change goes through the services, which check and audit."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.db import transaction
from django.db.models import QuerySet
from django.forms import BaseInlineFormSet, ModelForm
from django.http import HttpRequest, HttpResponse
from typing_extensions import override

from apps.accounts.admin.acting import acting, each
from apps.accounts.admin.memberships import membership_save
from apps.accounts.models import Membership, User
from apps.accounts.services.accounts import (
    account_delete,
    email_change,
    person_changed_record,
    person_created_record,
    super_admin_change,
)
from apps.accounts.services.people import member_remove, person_sign_out
from apps.accounts.services.sessions import person_disable, person_enable
from apps.accounts.services.sign_in import sign_in_unlock
from apps.accounts.tokens import tokens_revoke_all
from apps.audit.actions import PASSWORD_CHANGED
from apps.audit.services import event_record

# What services of their own change, one by one.
_BY_SERVICE = ("email", "is_active", "is_super_admin")


class UserCreationForm(AdminUserCreationForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ("email", "name")
        field_classes = {"email": forms.EmailField}


class UserEditForm(UserChangeForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = "__all__"
        field_classes = {"email": forms.EmailField}
        help_texts = {
            "is_active": "Without it the person is signed out everywhere, at once.",
            "is_super_admin": "Above every workspace; may use this administration.",
        }


class MembershipFormSet(forms.BaseInlineFormSet):  # type: ignore[type-arg]
    """The table's heads name the columns for eyes only."""

    @override
    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        for name, field in form.fields.items():
            words = "Delete this membership" if name == "DELETE" else name.capitalize()
            # Keys of other rows come in a wrapper that hands none of its own attributes on.
            inner = getattr(field.widget, "widget", field.widget)
            inner.attrs.setdefault("aria-label", words)


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Membership
    formset = MembershipFormSet
    extra = 0
    fields = ("workspace", "role", "managed_by")
    readonly_fields = ("managed_by",)


@admin.register(User)
class UserAdmin(DjangoUserAdmin):  # type: ignore[type-arg]
    add_form = UserCreationForm
    form = UserEditForm
    list_display = ("email", "name", "is_active", "is_super_admin", "last_login")
    list_filter = ("is_active", "is_super_admin", "memberships__workspace")
    search_fields = ("email", "name")
    ordering = ("email",)
    readonly_fields = ("last_login", "date_joined")
    inlines = (MembershipInline,)
    actions = ("disable", "enable", "end_sessions", "unlock")
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("email", "name", "password")}),
        ("Rights", {"fields": ("is_active", "is_super_admin")}),
        ("Times", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("email", "name", "usable_password", "password1", "password2")}),
    )

    @override
    def save_model(self, request: HttpRequest, obj: User, form: "ModelForm[User]", change: bool) -> None:
        if not change:
            super().save_model(request, obj, form, change)
            person_created_record(actor=acting(request), person=obj)
            return
        wanted = {name: getattr(obj, name) for name in _BY_SERVICE if name in form.changed_data}
        before = User.objects.get(pk=obj.pk)
        for name in wanted:
            setattr(obj, name, getattr(before, name))
        if others := [name for name in form.changed_data if name not in wanted]:
            super().save_model(request, obj, form, change)
            person_changed_record(actor=acting(request), person=obj, fields=others)
        _changes_apply(request, obj, wanted)

    @override
    def save_formset(
        self, request: HttpRequest, form: "ModelForm[User]", formset: "BaseInlineFormSet[Any, Any, Any]", change: bool
    ) -> None:
        """Memberships: who leaves, who changes and who comes, each by its service."""
        formset.save(commit=False)
        for row in formset.deleted_objects:
            member_remove(actor=acting(request), workspace_id=row.workspace_id, person_id=row.user_id)
        for row, _ in formset.changed_objects:
            membership_save(actor=acting(request), membership=row)
        for row in formset.new_objects:
            membership_save(actor=acting(request), membership=row)

    @admin.action(description="Disable the selected people")
    def disable(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        each(self, request, queryset, lambda row: person_disable(actor=acting(request), user=row), "disabled")

    @admin.action(description="Enable the selected people")
    def enable(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        each(self, request, queryset, lambda row: person_enable(actor=acting(request), user=row), "enabled")

    @admin.action(description="Sign the selected people out everywhere")
    def end_sessions(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        each(self, request, queryset, lambda row: person_sign_out(actor=acting(request), person=row), "signed out")

    @admin.action(description="Unlock the selected people's accounts")
    def unlock(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        each(self, request, queryset, lambda row: sign_in_unlock(actor=acting(request), user=row), "unlocked")

    @override
    def delete_model(self, request: HttpRequest, obj: User) -> None:
        account_delete(actor=acting(request), person=obj)

    @override
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        with transaction.atomic():
            for person in queryset:
                account_delete(actor=acting(request), person=person)

    @override
    def get_deleted_objects(
        self, objs: QuerySet[User] | Sequence[User], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """What goes, by number: names of what people wrote are not shown, and none of it is deletable by itself."""
        _, counts, _, protected = super().get_deleted_objects(objs, request)
        return [str(person) for person in objs], counts, set(), protected

    @override
    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        with transaction.atomic():
            person = self.get_object(request, id)
            before = person.password if person else ""
            response = super().user_change_password(request, id, form_url)
            person = self.get_object(request, id)
            if person and person.password != before:
                tokens_revoke_all(user=person)
                event_record(action=PASSWORD_CHANGED, actor=acting(request), workspace_id=None, target=person)
        return response


def _changes_apply(request: HttpRequest, person: User, wanted: dict[str, Any]) -> None:
    actor = acting(request)
    if "is_active" in wanted:
        (person_enable if wanted["is_active"] else person_disable)(actor=actor, user=person)
    if "email" in wanted:
        email_change(actor=actor, person=person, email=wanted["email"])
    if "is_super_admin" in wanted:
        super_admin_change(actor=actor, person=person, is_super_admin=wanted["is_super_admin"])
