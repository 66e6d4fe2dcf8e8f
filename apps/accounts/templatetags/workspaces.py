"""The switcher of workspaces in the person's menu."""

from typing import Any

from django import template

from apps.accounts.models import User
from apps.accounts.selectors.workspaces import workspace_choices

register = template.Library()


@register.simple_tag
def workspaces_of(user: User) -> dict[str, Any]:
    """`choices` to offer, none where there is only one, and the `current` one's name. One query."""
    choices = workspace_choices(user=user)
    current = next((choice.name for choice in choices if choice.is_current), "")
    return {"choices": choices if len(choices) > 1 else [], "current": current}
