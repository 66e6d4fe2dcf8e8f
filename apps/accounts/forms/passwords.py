"""Shape of what people enter to get or change a password, to register and to accept an invitation."""

from django import forms
from django.http import HttpRequest

from apps.accounts.mail import public_base
from apps.accounts.rate_limit import door_require
from apps.accounts.services.passwords import password_reset_ask

# Longer ones cost time to hash and help nobody.
PASSWORD_LENGTH = 256
_NAME_LENGTH = 150
CHOICE_HELP = (
    "At least 12 characters. A few words of your own are best; common ones, keyboard rows and names are refused."
)


def _name_field() -> forms.CharField:
    return forms.CharField(
        label="Your name", max_length=_NAME_LENGTH, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )


def _email_field() -> forms.EmailField:
    return forms.EmailField(label="E-mail", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "username"}))


def _password_field(label: str, *, is_new: bool) -> forms.CharField:
    return forms.CharField(
        label=label,
        strip=False,
        max_length=PASSWORD_LENGTH,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password" if is_new else "current-password"}),
        help_text=CHOICE_HELP if is_new else "",
    )


class ResetForm(forms.Form):
    """For allauth's page. Does not look whether anybody has the address."""

    email = _email_field()

    def save(self, request: HttpRequest, **_: object) -> str:
        door_require(request=request, door="reset")
        email: str = self.cleaned_data["email"]
        password_reset_ask(email=email, base_url=public_base(request))
        return email


class PasswordChangeForm(forms.Form):
    old = _password_field("Your password now", is_new=False)
    new = _password_field("New password", is_new=True)


class RegistrationForm(forms.Form):
    name = _name_field()
    email = _email_field()
    password = _password_field("Password", is_new=True)


class RegistrationConfirmForm(forms.Form):
    password = _password_field("The password that you chose", is_new=False)


class InvitationForm(forms.Form):
    """A new person behind an invitation; the address stands in it."""

    name = _name_field()
    password = _password_field("Password", is_new=True)
