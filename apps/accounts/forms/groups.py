"""Shape of what administrators enter about groups."""

from django import forms

from apps.accounts.services.groups import TITLE_MAXIMUM


class GroupForm(forms.Form):
    title = forms.CharField(
        label="Name", max_length=TITLE_MAXIMUM, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )


class GroupMemberForm(forms.Form):
    email = forms.EmailField(
        label="E-mail",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false", "list": "group-candidates"}),
    )
