"""What people enter about second factors."""

from django import forms

from apps.accounts.second_factor.changing import NAME_LENGTH
from apps.accounts.second_factor.passkeys import ANSWER_LENGTH

# A recovery code with its dashes, and room for stray spaces.
_CODE_LENGTH = 40


def _code_field(label: str, *, mode: str) -> forms.CharField:
    attributes = {
        "autocomplete": "one-time-code",
        "inputmode": mode,
        "autocapitalize": "none",
        "spellcheck": "false",
        "autofocus": True,
    }
    return forms.CharField(label=label, max_length=_CODE_LENGTH, widget=forms.TextInput(attrs=attributes))


class CodeForm(forms.Form):
    """A code of the app, or a recovery code."""

    code = _code_field("Code", mode="text")


class TotpForm(forms.Form):
    code = _code_field("Code of six digits", mode="numeric")


class PasswordForm(forms.Form):
    password = forms.CharField(
        strip=False,
        max_length=256,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )


class AnswerForm(forms.Form):
    """What the browser says of a passkey."""

    credential = forms.CharField(max_length=ANSWER_LENGTH, widget=forms.HiddenInput)


class PasskeyForm(AnswerForm):
    name = forms.CharField(
        max_length=NAME_LENGTH,
        required=False,
        help_text="So that you know it again: the device or the key it is kept on.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class NameForm(forms.Form):
    name = forms.CharField(
        max_length=NAME_LENGTH, widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True})
    )
