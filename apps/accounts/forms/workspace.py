"""Shape of a workspace's settings."""

from typing import Any

from django import forms

from apps.accounts.forms.people import NO_LIMIT, OPTIONAL_COUNT, MegabytesField
from apps.accounts.models import Membership
from apps.accounts.services.workspaces import NAME_MAXIMUM


class WorkspaceNameForm(forms.Form):
    name = forms.CharField(max_length=NAME_MAXIMUM, widget=forms.TextInput(attrs={"autocomplete": "off"}))


class WorkspaceLimitsForm(forms.Form):
    """Empty is no limit."""

    messages_per_day = forms.IntegerField(label="Questions a day", **OPTIONAL_COUNT)
    documents_limit = forms.IntegerField(label="Documents", **OPTIONAL_COUNT)
    bytes_limit = MegabytesField(label="Megabytes")
    messages_per_day_per_user = forms.IntegerField(label="Questions a day", **OPTIONAL_COUNT)
    documents_per_user = forms.IntegerField(label="Documents", **OPTIONAL_COUNT)
    bytes_per_user = MegabytesField(label="Megabytes")

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        for field in self.fields.values():
            field.widget.attrs["placeholder"] = NO_LIMIT

    def of_all(self) -> list[forms.BoundField]:
        return [self[name] for name in ("messages_per_day", "documents_limit", "bytes_limit")]

    def of_each(self) -> list[forms.BoundField]:
        return [self[name] for name in ("messages_per_day_per_user", "documents_per_user", "bytes_per_user")]


class SecondFactorForm(forms.Form):
    second_factor_roles = forms.MultipleChoiceField(
        label="Who must have one",
        choices=Membership.Role.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    second_factor_grace_days = forms.IntegerField(
        label="Days to set it up",
        min_value=0,
        max_value=365,
        help_text="Counted from when the rule starts, or from joining where that is later. 0: at the next page.",
    )
