"""Events of the audit log as the page shows them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from apps.accounts.devices import device_name
from apps.accounts.models import Workspace
from apps.audit.actions import ACTIONS
from apps.audit.export import links_of, row_of
from apps.audit.models import Event

# Types of targets in words where the model's own name would not be understood.
_KINDS = {"user": "person", "documentversion": "document", "modelprofile": "model", "messages": "message"}


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """One line. `target` is what to search for to find all about it; `kind` what it is, in a word."""

    event: Event
    title: str
    kind: str
    target: str

    @property
    def is_refused(self) -> bool:
        return self.event.result == Event.Result.REFUSED

    @property
    def is_about_another(self) -> bool:
        """Whether there is a target, other than who did it."""
        return bool(self.target) and self.event.target_id != str(self.event.actor_id)

    @property
    def actor(self) -> str:
        """What to search for to find all about who did it."""
        return str(self.event.actor_id or self.event.actor_label)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDetails:
    """Everything about one event. `seq` and `hash`: its place in the chain, empty until its transaction commits."""

    row: EventRow
    workspace: str
    device: str
    data: Mapping[str, str]
    seq: int | None
    content_hash: str
    hash: str


def event_row(event: Event) -> EventRow:
    name = event.target_type.rpartition(".")[2]
    return EventRow(
        event=event,
        title=ACTIONS.get(event.action, event.action),
        kind=_KINDS.get(name, name),
        target=f"{event.target_type}:{event.target_id}" if event.target_id else "",
    )


def event_rows(events: Iterable[Event]) -> list[EventRow]:
    return [event_row(event) for event in events]


def event_details(event: Event) -> EventDetails:
    """Two queries."""
    values = row_of(event, links_of([event]).get(event.pk))
    return EventDetails(
        row=event_row(event),
        workspace=_workspace_name(event.workspace_id),
        device=device_name(event.user_agent),
        data={name: _words(value) for name, value in event.data.items()},
        seq=values["seq"],
        content_hash=values["content_hash"],
        hash=values["hash"] or "",
    )


def _words(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(item) for item in value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _workspace_name(workspace_id: UUID | None) -> str:
    """A workspace may be gone; its events are not."""
    if workspace_id is None:
        return "None: about the whole organisation"
    name = Workspace.objects.filter(pk=workspace_id).values_list("name", flat=True).first()
    return name or str(workspace_id)
