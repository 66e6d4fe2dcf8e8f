"""Writing the audit log."""

from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Model

from apps.audit.actions import ACTIONS
from apps.audit.models import Event
from chatbot.lib.request_context import request_context

_LABEL_LENGTH = 200
_ACTOR_LABEL_LENGTH = 254


def event_record(
    *,
    action: str,
    actor: AbstractBaseUser | None,
    workspace_id: UUID | None,
    target: Model | None = None,
    data: Mapping[str, Any] | None = None,
    result: str = Event.Result.ALLOWED,
    actor_label: str = "",
    on_behalf_of: AbstractBaseUser | None = None,
) -> Event:
    """Write one event, in the caller's transaction: it stands if and only if the change stands.

    `data` holds ids and counts, never texts of chats or documents, never secrets. `actor_label` names who tried
    where there is no actor. Address, browser and request id come from the request that is being answered.
    Raises ValueError for an action that is not registered. One query.
    """
    if action not in ACTIONS:
        raise ValueError(f"The audit action {action!r} is not registered in apps/audit/actions.py.")
    context = request_context()
    return Event.objects.create(
        action=action,
        # Its class lives in an app above this one.
        actor=cast("Any", actor),
        actor_label=(actor.get_username() if actor else actor_label)[:_ACTOR_LABEL_LENGTH],
        workspace_id=workspace_id,
        target_type=target._meta.label_lower if target else "",
        target_id=str(target.pk) if target else "",
        target_label=_plain(str(target))[:_LABEL_LENGTH] if target else "",
        data={key: _scalar(value) for key, value in (data or {}).items()},
        result=result,
        ip_address=context.ip_address,
        user_agent=_plain(context.user_agent),
        request_id=context.request_id,
    )


def _scalar(value: object) -> object:
    return value if isinstance(value, int | float | bool) else str(value)


def _plain(text: str) -> str:
    """Without the one character that Postgres does not store."""
    return text.replace("\x00", "")
