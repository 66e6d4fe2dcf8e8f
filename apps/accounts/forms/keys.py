"""Shape of a new API key."""

from typing import Any
from uuid import UUID

from django import forms

from apps.accounts.models import ApiKey, User
from apps.accounts.selectors.keys import key_workspaces
from apps.accounts.selectors.workspaces import workspace_choices
from apps.accounts.services.keys import DAYS_BY_DEFAULT, NAME_MAXIMUM

_DAYS = ((7, "7 days"), (30, "30 days"), (DAYS_BY_DEFAULT, "90 days"), (365, "1 year"), ("", "Never"))
_SCOPES = {
    ApiKey.Scope.READ: "Read: conversations, documents, models",
    ApiKey.Scope.CHAT: "Chat: ask, change and delete conversations",
    ApiKey.Scope.DOCUMENTS: "Documents: search, upload, delete",
    ApiKey.Scope.ADMIN: "Admin: people and audit log, as far as your role goes",
}
_NETWORKS_LENGTH = 4000


class KeyForm(forms.Form):
    """Its fields are what the service takes."""

    name = forms.CharField(
        max_length=NAME_MAXIMUM,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="What the key is for, as “Nightly import”.",
    )
    workspace_id = forms.TypedChoiceField(label="Workspace", coerce=UUID)
    scopes = forms.MultipleChoiceField(
        label="It may",
        choices=list(_SCOPES.items()),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one."},
    )
    expires_in_days = forms.TypedChoiceField(
        label="Expires after", choices=_DAYS, coerce=int, empty_value=None, required=False, initial=DAYS_BY_DEFAULT
    )
    allowed_networks = forms.CharField(
        label="Addresses it may be used from",
        required=False,
        max_length=_NETWORKS_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "off", "spellcheck": "false"}),
        help_text="One address or network a line, as 203.0.113.7 or 2001:db8::/32. Empty: from anywhere.",
    )

    def __init__(self, *arguments: Any, user: User, **named: Any) -> None:
        super().__init__(*arguments, **named)
        field = self.fields["workspace_id"]
        field.choices = key_workspaces(user=user)  # type: ignore[attr-defined]
        field.initial = next((choice.id for choice in workspace_choices(user=user) if choice.is_current), None)

    def clean_allowed_networks(self) -> list[str]:
        text: str = self.cleaned_data["allowed_networks"]
        return text.replace(",", " ").split()
