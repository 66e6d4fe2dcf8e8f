"""Keys, invitations, locks and accesses in Django's admin: to be looked at, and ended."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.accounts.admin.acting import acting, each
from apps.accounts.models import ApiKey, BreakGlass, Invitation, SignInGuard
from apps.accounts.services.invitations import invitation_revoke
from apps.accounts.services.keys import key_revoke
from chatbot.lib.admin import ReadOnly


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("prefix", "name", "user", "workspace", "created_at", "expires_at", "last_used_at", "revoked_at")
    list_filter = ("workspace",)
    list_select_related = ("user", "workspace")
    search_fields = ("prefix", "name", "user__email")
    ordering = ("-created_at",)
    actions = ("revoke",)
    fields = (
        *("prefix", "name", "user", "workspace", "scopes", "allowed_networks", "created_at", "expires_at"),
        *("last_used_at", "last_used_address", "revoked_at"),
    )

    @admin.action(description="Revoke the selected keys")
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        each(self, request, queryset, lambda row: key_revoke(actor=acting(request), key=row), "revoked")


@admin.register(Invitation)
class InvitationAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("email", "workspace", "role", "invited_by", "created_at", "expires_at", "accepted_at", "revoked_at")
    list_filter = ("workspace", "role")
    list_select_related = ("workspace", "invited_by")
    search_fields = ("email",)
    ordering = ("-created_at",)
    fields = ("email", "workspace", "role", "invited_by", "created_at", "expires_at", "accepted_at", "revoked_at")
    actions = ("take_back",)

    @admin.action(description="Take back the selected invitations")
    def take_back(self, request: HttpRequest, queryset: QuerySet[Invitation]) -> None:
        each(
            self,
            request,
            queryset.select_related("workspace"),
            lambda row: invitation_revoke(actor=acting(request), workspace=row.workspace, invitation_id=row.pk),
            "taken back",
        )


@admin.register(SignInGuard)
class SignInGuardAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """Whom a row is about is a keyed hash; the people page opens accounts by name."""

    list_display = ("kind", "failures", "last_failure_at", "locked_until")
    list_filter = ("kind",)
    ordering = ("-last_failure_at",)
    fields = ("kind", "failures", "last_failure_at", "locked_until")


@admin.register(BreakGlass)
class BreakGlassAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("created_at", "actor", "owner", "workspace", "expires_at", "ended_at")
    list_filter = ("workspace",)
    list_select_related = ("actor", "owner", "workspace")
    ordering = ("-created_at",)
    fields = ("actor", "owner", "workspace", "reason", "created_at", "expires_at", "ended_at")
