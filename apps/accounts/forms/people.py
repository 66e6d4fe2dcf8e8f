"""Shape of what administrators enter about people."""

from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from typing_extensions import override

from apps.accounts.models import Membership, Workspace
from apps.accounts.selectors.people import ACTIVE, DISABLED, LOCKED

# What one page of the list can hold, and more than anybody selects by hand.
_SELECTED_MAXIMUM = 200
_BYTES_PER_MEGABYTE = 1024 * 1024
# What the columns hold.
_COUNT_MAXIMUM = 2_147_483_647
_MEGABYTES_MAXIMUM = 1_000_000_000


NO_LIMIT = "No limit"
OPTIONAL_COUNT: dict[str, Any] = {"required": False, "min_value": 0, "max_value": _COUNT_MAXIMUM}


class MegabytesField(forms.IntegerField):
    """People think in megabytes; what is stored is bytes."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(required=False, min_value=0, max_value=_MEGABYTES_MAXIMUM, **arguments)

    @override
    def clean(self, value: Any) -> int | None:
        megabytes = super().clean(value)
        return None if megabytes is None else megabytes * _BYTES_PER_MEGABYTE

    @override
    def prepare_value(self, value: Any) -> Any:
        # Bytes come as an int from the row; what was typed comes back as text.
        return -(-value // _BYTES_PER_MEGABYTE) if isinstance(value, int) else value


class FilterForm(forms.Form):
    """Which people a list shows. What makes no sense is left out, as an address may be old."""

    q = forms.CharField(required=False, max_length=200)
    role = forms.ChoiceField(required=False, choices=[("", "Every role"), *Membership.Role.choices])
    status = forms.ChoiceField(
        required=False,
        choices=[("", "Every state"), (ACTIVE, "Active"), (DISABLED, "Disabled"), (LOCKED, "Locked")],
    )

    def filters(self) -> dict[str, str]:
        self.is_valid()
        return {"text": self._value("q"), "role": self._value("role"), "status": self._value("status")}

    def _value(self, name: str) -> str:
        return str(self.cleaned_data.get(name, ""))


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=Membership.Role.choices)


class MemberAddForm(RoleForm):
    """Somebody who has an account already."""

    email = forms.EmailField(
        label="E-mail", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    )
    field_order = ("email", "role")


class InvitationForm(MemberAddForm):
    """Somebody who shall join by a link."""


class _KeysField(forms.Field):
    """Keys that stand several times under one name."""

    widget = forms.MultipleHiddenInput
    default_error_messages = {"required": "Select at least one person first."}

    @override
    def to_python(self, value: Any) -> list[UUID]:
        try:
            keys = [UUID(str(item)) for item in value or []]
        except ValueError as error:
            raise ValidationError("Select people from the list.") from error
        return list(dict.fromkeys(keys))

    @override
    def validate(self, value: list[UUID]) -> None:
        super().validate(value)
        if len(value) > _SELECTED_MAXIMUM:
            raise ValidationError(f"At most {_SELECTED_MAXIMUM} people at once.")


class BulkForm(forms.Form):
    """Who was selected and what shall happen to them."""

    people = _KeysField()
    change = forms.CharField(max_length=60)


class LimitsForm(forms.Form):
    """What holds for one member in place of the workspace's limits; empty for those."""

    messages_per_day = forms.IntegerField(label="Questions a day", **OPTIONAL_COUNT)
    documents_limit = forms.IntegerField(label="Documents", **OPTIONAL_COUNT)
    bytes_limit = MegabytesField(label="Megabytes")

    def __init__(self, *arguments: Any, workspace: Workspace, **named: Any) -> None:
        """What holds where a field is empty stands in it, faintly."""
        super().__init__(*arguments, **named)
        defaults = {
            "messages_per_day": workspace.messages_per_day_per_user,
            "documents_limit": workspace.documents_per_user,
            "bytes_limit": workspace.bytes_per_user,
        }
        for name, value in defaults.items():
            shown = self.fields[name].prepare_value(value)
            self.fields[name].widget.attrs["placeholder"] = NO_LIMIT if shown is None else f"{shown:,}"
