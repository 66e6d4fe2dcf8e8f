"""Saving memberships from Django's admin by the services."""

from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from typing_extensions import override

from apps.accounts.admin.acting import acting
from apps.accounts.models import Membership, User
from apps.accounts.services.people import member_add, member_limits_change, member_remove, role_change

_LIMITS = ("messages_per_day", "documents_limit", "bytes_limit")


def membership_save(*, actor: User, membership: Membership) -> None:
    """Bring the stored membership to what stands in this one. Another workspace is a new membership there."""
    before = Membership.objects.filter(pk=membership.pk).first()
    workspace_id = membership.workspace_id
    if before is None or before.workspace_id != workspace_id:
        if before is not None:
            member_remove(actor=actor, workspace_id=before.workspace_id, person_id=before.user_id)
        member_add(actor=actor, workspace_id=workspace_id, email=membership.user.email, role=membership.role)
    else:
        role_change(actor=actor, workspace_id=workspace_id, person_id=membership.user_id, role=membership.role)
    limits = {name: getattr(membership, name) for name in _LIMITS}
    member_limits_change(actor=actor, workspace_id=workspace_id, person_id=membership.user_id, **limits)


@admin.register(Membership)
class MembershipAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("user", "workspace", "role", "managed_by", "created_at")
    list_filter = ("role", "workspace", "managed_by")
    list_select_related = ("user", "workspace")
    search_fields = ("user__email", "user__name")
    autocomplete_fields = ("user", "workspace")
    readonly_fields = ("managed_by", "created_at")
    fields = ("user", "workspace", "role", *_LIMITS, "managed_by", "created_at")

    @override
    def get_readonly_fields(self, request: HttpRequest, obj: Membership | None = None) -> tuple[str, ...]:
        return (*self.readonly_fields, "user", "workspace") if obj else self.readonly_fields

    @override
    def save_model(self, request: HttpRequest, obj: Membership, form: "ModelForm[Membership]", change: bool) -> None:
        membership_save(actor=acting(request), membership=obj)
        obj.pk = Membership.objects.get(user_id=obj.user_id, workspace_id=obj.workspace_id).pk

    @override
    def delete_model(self, request: HttpRequest, obj: Membership) -> None:
        member_remove(actor=acting(request), workspace_id=obj.workspace_id, person_id=obj.user_id)

    @override
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Membership]) -> None:
        with transaction.atomic():
            for row in queryset:
                self.delete_model(request, row)
