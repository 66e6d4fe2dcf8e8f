"""Single sign-on on the sign-in page."""

from typing import Any

from django import template
from django.conf import settings
from django.utils.http import urlencode

from apps.accounts.sso.configuration import Source, button_sources

register = template.Library()


@register.simple_tag
def sso_sources() -> list[Source]:
    """The sources with a button. No query."""
    return button_sources()


@register.simple_tag(takes_context=True)
def sso_next(context: dict[str, Any]) -> str:
    """The query string that takes `next` along; its view checks where it leads."""
    target = context["request"].GET.get("next", "")
    return f"?{urlencode({'next': target})}" if target else ""


@register.simple_tag(takes_context=True)
def password_form_is_shown(context: dict[str, Any]) -> bool:
    """Whether passwords count here; if only super admins' do, the form is for those who ask for it by `?local=1`."""
    request = context["request"]
    return settings.PASSWORD_SIGN_IN or settings.LDAP or request.method == "POST" or "local" in request.GET
