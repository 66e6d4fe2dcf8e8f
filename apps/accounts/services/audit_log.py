"""That somebody looked into the audit log, and took something out of it."""

from typing import Any

from django.db import transaction

from apps.accounts.models import Membership, User
from apps.accounts.selectors.audit_log import Reader
from apps.audit.actions import AUDIT_EXPORTED, AUDIT_READ
from apps.audit.content import ORGANISATION_CHAIN
from apps.audit.selectors import Scope, Wanted
from apps.audit.services import event_record


@transaction.atomic
def audit_read_record(*, actor: User, reader: Reader, scope: Scope, wanted: Wanted) -> None:
    """For each opening of the log, not for each further page of it."""
    _record(AUDIT_READ, actor, reader, _described(reader, scope, wanted))


@transaction.atomic
def audit_export_record(
    *, actor: User, reader: Reader, scope: Scope, wanted: Wanted, file_format: str, limit: int | None
) -> None:
    """Before the first byte leaves: who breaks off has read something too."""
    data = {
        "format": file_format,
        **({"limit": limit} if limit is not None else {}),
        **_described(reader, scope, wanted),
    }
    _record(AUDIT_EXPORTED, actor, reader, data)


def _record(action: str, actor: User, reader: Reader, data: dict[str, Any]) -> None:
    workspace_id = reader.workspace.pk if reader.workspace else None
    event_record(action=action, actor=actor, workspace_id=workspace_id, data=data)


def _described(reader: Reader, scope: Scope, wanted: Wanted) -> dict[str, Any]:
    """The search, without what is empty in it.

    Of those whose address begins with what was typed, only the workspace's own: its administrators read this event,
    and would learn who has an account elsewhere.
    """
    people = wanted.people
    if wanted.label and people and reader.workspace:
        own = Membership.objects.filter(workspace=reader.workspace, user__in=people)
        people = tuple(own.values_list("user", flat=True))
    chains = [] if scope.chains is None else [str(chain) for chain in scope.chains if chain != ORGANISATION_CHAIN]
    described = {
        "workspaces": chains,
        "people": [str(person) for person in people],
        "person": wanted.label,
        "actions": list(wanted.actions),
        "target_type": wanted.target_type,
        "target_id": wanted.target_id,
        "result": wanted.result,
        "request_id": wanted.request_id,
        "ip_address": wanted.ip_address,
        "since": wanted.since.isoformat() if wanted.since else "",
        "until": wanted.until.isoformat() if wanted.until else "",
    }
    return {name: value for name, value in described.items() if value}
