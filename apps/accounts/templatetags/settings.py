"""Tabs of settings and administration."""

from dataclasses import dataclass
from typing import Any

from django import template
from django.urls import reverse

from apps.accounts.permission_table import PERMISSIONS
from apps.accounts.selectors.people import Place, place_of

register = template.Library()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """One page of settings; `section` is what the page passes as `settings_section`."""

    section: str
    title: str
    route: str
    permission: str
    icon: str

    @property
    def address(self) -> str:
        return reverse(self.route)


_ACCOUNT = (
    Tab(section="profile", title="Profile", route="accounts:profile", permission="account", icon="person"),
    Tab(section="security", title="Security", route="accounts:security", permission="account", icon="shield"),
    Tab(section="sessions", title="Sessions", route="accounts:sessions", permission="account", icon="screen"),
    Tab(section="api-keys", title="API keys", route="accounts:api-keys", permission="key_write", icon="key"),
    Tab(section="usage", title="Usage", route="conversations:usage", permission="account", icon="meter"),
    Tab(
        section="gaps-mine",
        title="Unanswered",
        route="conversations:gaps-mine",
        permission="conversation_read",
        icon="document",
    ),
)
_WORKSPACE = (
    Tab(
        section="evaluation",
        title="Search quality",
        route="rag:evaluation-list",
        permission="evaluation_manage",
        icon="check",
    ),
    Tab(
        section="laboratory",
        title="Search laboratory",
        route="rag:laboratory",
        permission="evaluation_manage",
        icon="flask",
    ),
    Tab(section="gaps", title="Knowledge gaps", route="conversations:gaps", permission="gaps_read", icon="documents"),
    Tab(section="people", title="People", route="accounts:people", permission="people_manage", icon="people"),
    Tab(section="groups", title="Groups", route="accounts:groups", permission="people_manage", icon="group"),
    Tab(
        section="workspace",
        title="Workspace",
        route="accounts:workspace",
        permission="workspace_manage",
        icon="building",
    ),
    Tab(section="audit-log", title="Audit log", route="accounts:audit-log", permission="audit_read", icon="log"),
)
_SITE = (
    Tab(
        section="sign-in-rules",
        title="Single sign-on",
        route="accounts:sign-in-rules",
        permission="sign_in_rules_manage",
        icon="link",
    ),
    Tab(section="indexes", title="Search indexes", route="rag:index-list", permission="index_manage", icon="search"),
    Tab(section="admin", title="Django admin", route="admin:index", permission="site_manage", icon="gear"),
)


@register.inclusion_tag("components/_settings_tabs.html", takes_context=True)
def settings_tabs(context: dict[str, Any]) -> dict[str, Any]:
    """The tabs that the person's role allows, in groups. One query."""
    place = place_of(user=context["request"].user)
    workspace = place.workspace.name if place.workspace else ""
    groups = [("Your account", _ACCOUNT), (workspace, _WORKSPACE), ("Organisation", _SITE)]
    shown = [(title, [tab for tab in tabs if _is_open(tab, place)]) for title, tabs in groups]
    return {
        "groups": [(title, tabs) for title, tabs in shown if tabs],
        "settings_section": context.get("settings_section", ""),
    }


def _is_open(tab: Tab, place: Place) -> bool:
    if tab in _ACCOUNT:
        # One's own account is there before one belongs anywhere.
        return place.role is None or place.role in PERMISSIONS[tab.permission].roles
    return place.allows(tab.permission) and (tab not in _WORKSPACE or place.workspace is not None)
