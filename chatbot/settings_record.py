"""Which settings a start finds changed, for the audit log. They are environment variables: nobody signs in for it."""

import os

from django.db import transaction
from django.utils.crypto import salted_hmac

from apps.audit.actions import SETTINGS_CHANGED
from apps.audit.content import ORGANISATION_CHAIN
from apps.audit.models import Event
from apps.audit.services import event_record

_PREFIX = "CHATBOT_"
_ACTOR_LABEL = "prepare"
# Enough to tell two values apart, and useless for guessing one.
_MARK_LENGTH = 12


@transaction.atomic
def settings_changes_record() -> None:
    """Record the names of variables that were set, changed or taken away since the last time. One query, or two.

    Values stay here: of each there is only a keyed hash, by which the next start tells whether it is the same.
    """
    marks = {name: _mark(name, value) for name, value in os.environ.items() if name.startswith(_PREFIX)}
    earlier = Event.objects.filter(chain=ORGANISATION_CHAIN, action=SETTINGS_CHANGED, actor_label=_ACTOR_LABEL)
    last = earlier.order_by("-created_at", "-id").first()
    before = dict(mark.split("=", 1) for mark in last.data["marks"]) if last else {}
    changed = sorted(name for name in marks.keys() | before.keys() if marks.get(name) != before.get(name))
    if changed:
        event_record(
            action=SETTINGS_CHANGED,
            actor=None,
            actor_label=_ACTOR_LABEL,
            workspace_id=None,
            data={"changed": changed, "marks": [f"{name}={mark}" for name, mark in sorted(marks.items())]},
        )


def _mark(name: str, value: str) -> str:
    return salted_hmac(name, value, algorithm="sha256").hexdigest()[:_MARK_LENGTH]
