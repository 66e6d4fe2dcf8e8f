"""Shapes of a rule of single sign-on and of its dry run."""

import json
from typing import Any

from django import forms
from typing_extensions import override

from apps.accounts.models import Group, Membership, Workspace
from apps.accounts.sso.configuration import SOURCE_NAMES

_SOURCES = list(SOURCE_NAMES.items())
_CLAIMS_LENGTH = 50_000


class _GroupField(forms.ModelChoiceField):  # type: ignore[type-arg]
    @override
    def label_from_instance(self, obj: Group) -> str:
        return f"{obj.workspace}: {obj.title}"


class SignInRuleForm(forms.Form):
    source = forms.ChoiceField(label="Who signs in by", choices=_SOURCES)
    claim = forms.CharField(
        max_length=200,
        required=False,
        help_text="groups, department or realm_access.roles, for example. Empty: everybody who comes that way.",
    )
    value = forms.CharField(
        label="Value",
        max_length=500,
        required=False,
        help_text="One value, exactly. For groups of LDAP the whole distinguished name.",
    )
    workspace = forms.ModelChoiceField(
        label="Workspace", queryset=Workspace.objects.order_by("name"), required=False, empty_label="no workspace"
    )
    role = forms.ChoiceField(label="Role", choices=Membership.Role.choices, initial=Membership.Role.USER)
    group = _GroupField(
        label="Group",
        queryset=Group.objects.select_related("workspace").order_by("workspace__name", "title"),
        to_field_name="key",
        required=False,
        empty_label="no group",
    )
    makes_super_admin = forms.BooleanField(label="Makes them super admins, above every workspace", required=False)


class UnlinkForm(forms.Form):
    email = forms.EmailField(
        label="Address of the account", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )


class SignInTryForm(forms.Form):
    source = forms.ChoiceField(label="Who signs in by", choices=_SOURCES)
    email = forms.CharField(
        label="Address",
        max_length=254,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "email"}),
        help_text="Takes what was sent at their last sign-in; for LDAP the directory is asked.",
    )
    claims = forms.CharField(
        label="Claims",
        max_length=_CLAIMS_LENGTH,
        required=False,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false", "placeholder": '{"groups": ["staff"]}'}),
        help_text="A JSON object in place of an address.",
    )

    def clean_claims(self) -> dict[str, Any] | None:
        """None for an empty field."""
        text = self.cleaned_data["claims"].strip()
        if not text:
            return None
        try:
            claims = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError("This is not JSON.") from error
        if not isinstance(claims, dict):
            raise forms.ValidationError('Claims are a JSON object: {"name": value}.')
        return claims

    @override
    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors and not cleaned.get("email") and cleaned.get("claims") is None:
            self.add_error("email", "Give an address or claims.")
        return cleaned
