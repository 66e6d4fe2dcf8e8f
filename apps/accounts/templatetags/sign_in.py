"""What the pages of sign-in offer."""

from django import template

from apps.accounts.services.registration import registration_is_open

register = template.Library()


@register.simple_tag(name="registration_is_open")
def is_open() -> bool:
    """Whether people may register by themselves."""
    return registration_is_open()
