"""Single sign-on in Django's admin, to be looked at. The product's own page of single sign-on changes it."""

from django.contrib import admin

from apps.accounts.models import ExternalIdentity, SignInRule
from chatbot.lib.admin import ReadOnly


@admin.register(ExternalIdentity)
class ExternalIdentityAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("user", "source", "external_id", "created_at", "updated_at")
    list_filter = ("source",)
    list_select_related = ("user",)
    search_fields = ("user__email", "external_id")
    ordering = ("-created_at",)
    fields = ("user", "source", "external_id", "created_at", "updated_at")


@admin.register(SignInRule)
class SignInRuleAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("source", "claim", "value", "workspace", "role", "group", "makes_super_admin", "created_at")
    list_filter = ("source", "workspace")
    list_select_related = ("workspace", "group")
    ordering = ("source", "created_at")
