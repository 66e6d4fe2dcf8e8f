"""Shape of a search in the audit log, the same for the page, the export and the API."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.dateparse import parse_date, parse_datetime
from typing_extensions import override

from apps.accounts.models import Workspace
from apps.accounts.selectors.audit_log import people_meant
from apps.audit.actions import ACTIONS
from apps.audit.content import ORGANISATION_CHAIN
from apps.audit.models import Event
from apps.audit.selectors import Wanted

_TARGET_TYPE = RegexValidator(r"^[a-z_]+\.[a-z_]+$", "Write a target as type:id, such as documents.document:….")
# What the columns of a target's type and id hold.
_LENGTH = 60
# Times before and after these make no sense, and the database cannot hold all that Python can.
_FIRST_YEAR, _LAST_YEAR = 2000, 2999


class MomentField(forms.CharField):
    """A date or a time; without a zone it is UTC. A date means its beginning, with `is_end` the next day's."""

    def __init__(self, *, is_end: bool = False, **arguments: Any) -> None:
        super().__init__(
            required=False, max_length=40, widget=forms.DateTimeInput(attrs={"type": "datetime-local"}), **arguments
        )
        self.is_end = is_end

    @override
    def clean(self, value: Any) -> datetime | None:
        text = super().clean(value)
        if not text:
            return None
        try:
            day, moment = parse_date(text), parse_datetime(text)
        except ValueError:
            day = moment = None
        read = day or moment
        if read is None or not _FIRST_YEAR <= read.year <= _LAST_YEAR:
            raise ValidationError("Write a date or a time, such as 2026-01-31 or 2026-01-31T13:45.")
        if day:
            moment = datetime.combine(day + timedelta(days=1 if self.is_end else 0), time.min)
        assert moment is not None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class AuditForm(forms.Form):
    """What to look for. `wanted()` and `chain` are there once it is valid."""

    actor = forms.CharField(required=False, max_length=254, label="Person")
    action = forms.MultipleChoiceField(
        required=False, choices=list(ACTIONS.items()), label="Action", widget=forms.CheckboxSelectMultiple
    )
    target = forms.CharField(required=False, max_length=121, label="Target")
    result = forms.ChoiceField(required=False, choices=[("", "Any result"), *Event.Result.choices], label="Result")
    after = MomentField(label="From (UTC)")
    before = MomentField(is_end=True, label="Until (UTC)")
    request_id = forms.CharField(required=False, max_length=64, label="Request")
    ip = forms.GenericIPAddressField(required=False, label="Address")
    workspace = forms.ChoiceField(required=False, label="Workspace")

    def __init__(self, *arguments: Any, is_above: bool = False, **named: Any) -> None:
        """`is_above`: may choose among all workspaces. One more query."""
        super().__init__(*arguments, **named)
        if not is_above:
            del self.fields["workspace"]
            return
        workspaces = Workspace.objects.order_by("name").values_list("pk", "name")
        choices = [("", "Everything"), (str(ORGANISATION_CHAIN), "Outside workspaces")]
        choices += [(str(key), name) for key, name in workspaces]
        field = self.fields["workspace"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def clean_target(self) -> tuple[str, str]:
        """Type and id; a text without a colon is an id."""
        kind, colon, key = self.cleaned_data["target"].strip().rpartition(":")
        if colon:
            _TARGET_TYPE(kind)
        if len(kind) > _LENGTH or len(key) > _LENGTH:
            raise ValidationError("This target is too long.")
        return kind, key

    @property
    def chain(self) -> UUID | None:
        chosen = self.cleaned_data.get("workspace")
        return UUID(chosen) if chosen else None

    def wanted(self) -> Wanted:
        """At most one query: whose address it is."""
        values = self.cleaned_data
        person = values["actor"].strip()
        key_given = _key(person)
        people = (key_given,) if key_given else people_meant(person)
        kind, key = values["target"]
        return Wanted(
            people=people,
            # A key is no address, and everything else that is nobody's must find nothing.
            label="" if key_given else person,
            actions=tuple(values["action"]),
            target_type=kind,
            target_id=key,
            result=values["result"],
            request_id=values["request_id"],
            ip_address=values["ip"],
            since=values["after"],
            until=values["before"],
        )


def _key(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
