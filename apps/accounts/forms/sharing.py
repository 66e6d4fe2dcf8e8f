"""Whom to share with, and whom no longer."""

from typing import Any

from django import forms
from typing_extensions import override


class ShareForm(forms.Form):
    """One of the two: `add` and `remove` are keys of a person or group."""

    add = forms.UUIDField(required=False)
    remove = forms.UUIDField(required=False)

    @override
    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if bool(cleaned.get("add")) == bool(cleaned.get("remove")):
            raise forms.ValidationError("Choose a person or a group.")
        return cleaned
