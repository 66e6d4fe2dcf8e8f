"""Workspaces and groups in Django's admin."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import Count, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from typing_extensions import override

from apps.accounts.admin.acting import acting
from apps.accounts.models import Group, Membership, Workspace
from apps.accounts.services.groups import group_delete, group_rename
from apps.accounts.services.workspace_settings import workspace_change
from apps.accounts.services.workspaces import workspace_create


class WorkspaceForm(forms.ModelForm):  # type: ignore[type-arg]
    second_factor_roles = forms.MultipleChoiceField(
        choices=Membership.Role.choices, required=False, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = Workspace
        fields = (
            *("name", "messages_per_day", "documents_limit", "bytes_limit"),
            *("messages_per_day_per_user", "documents_per_user", "bytes_per_user"),
            *("second_factor_roles", "second_factor_grace_days"),
        )


@admin.register(Workspace)
class WorkspaceAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    form = WorkspaceForm
    list_display = ("name", "slug", "people", "created_at")
    search_fields = ("name", "slug")
    ordering = ("name",)
    readonly_fields = ("slug", "second_factor_since", "created_at")

    @override
    def get_queryset(self, request: HttpRequest) -> QuerySet[Workspace]:
        rows: QuerySet[Workspace] = super().get_queryset(request)
        return rows.annotate(people_count=Count("memberships"))

    @admin.display(description="people", ordering="people_count")
    def people(self, workspace: Any) -> int:
        return int(workspace.people_count)

    @override
    def get_fields(self, request: HttpRequest, obj: Workspace | None = None) -> tuple[str, ...]:
        """A new one is named first; its settings have their defaults until it is there."""
        return (*WorkspaceForm.Meta.fields, *self.readonly_fields) if obj else ("name",)

    @override
    def save_model(self, request: HttpRequest, obj: Workspace, form: "ModelForm[Workspace]", change: bool) -> None:
        if change:
            wanted = {name: form.cleaned_data[name] for name in form.changed_data}
            workspace_change(actor=acting(request), workspace_id=obj.pk, **wanted)
        else:
            made = workspace_create(actor=acting(request), name=obj.name)
            obj.pk, obj.slug = made.pk, made.slug

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Workspace | None = None) -> bool:
        """Conversations and documents of everybody in it would go, with files and index left behind."""
        return False


@admin.register(Group)
class GroupAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("title", "workspace", "people", "external_id", "created_at")
    list_filter = ("workspace",)
    list_select_related = ("workspace",)
    search_fields = ("title",)
    fields = ("title", "workspace", "people", "external_id", "created_at")
    readonly_fields = ("workspace", "people", "external_id", "created_at")

    @override
    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        rows: QuerySet[Group] = super().get_queryset(request)
        return rows.annotate(people_count=Count("user"))

    @admin.display(description="people", ordering="people_count")
    def people(self, group: Any) -> int:
        return int(group.people_count)

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        """Made on the groups page of its workspace."""
        return False

    @override
    def save_model(self, request: HttpRequest, obj: Group, form: "ModelForm[Group]", change: bool) -> None:
        group_rename(actor=acting(request), group_id=obj.key, title=obj.title)

    @override
    def delete_model(self, request: HttpRequest, obj: Group) -> None:
        group_delete(actor=acting(request), group_id=obj.key)

    @override
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Group]) -> None:
        with transaction.atomic():
            for group in queryset:
                self.delete_model(request, group)
