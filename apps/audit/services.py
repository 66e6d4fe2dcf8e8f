"""Writing the audit log."""

import math
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Model

from apps.audit.actions import ACTIONS
from apps.audit.models import Event
from apps.audit.sources import actor_role
from chatbot.lib.request_context import request_context

_LABEL_LENGTH = 200
_ACTOR_LABEL_LENGTH = 254
# From here on a float no longer has a fraction, and JSON would read it back as a whole number.
_EXACT = 1e15


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
    Nothing is locked before the transaction commits, so the order of events and other writes does not matter.
    Raises ValueError for an action that is not registered. One query, and one for the actor's role where no permission
    check has read it.
    """
    if action not in ACTIONS:
        raise ValueError(f"The audit action {action!r} is not registered in apps/audit/actions.py.")
    context = request_context()
    return Event.objects.create(
        action=action,
        actor_id=actor.pk if actor else None,
        actor_label=_plain(actor.get_username() if actor else actor_label)[:_ACTOR_LABEL_LENGTH],
        on_behalf_of_id=on_behalf_of.pk if on_behalf_of else None,
        on_behalf_of_label=_plain(on_behalf_of.get_username())[:_ACTOR_LABEL_LENGTH] if on_behalf_of else "",
        role=actor_role(actor, workspace_id),
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
    """As JSON, and as Postgres gives it back: it stores numbers as decimals, without infinity and exponents."""
    if isinstance(value, list | tuple):
        return [_scalar(item) for item in value]
    if isinstance(value, float):
        return value + 0.0 if math.isfinite(value) and abs(value) < _EXACT else str(value)
    return value if isinstance(value, int) else _plain(str(value))


def _plain(text: str) -> str:
    """Without what Postgres does not store: the zero character and halves of characters."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
