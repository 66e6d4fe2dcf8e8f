"""Which workspace to go to."""

from django import forms


class SwitchForm(forms.Form):
    workspace = forms.UUIDField()
