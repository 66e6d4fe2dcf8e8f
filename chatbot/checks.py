"""Start-up checks of the project's settings."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

MINIMUM_SECRET_LENGTH = 40
_LOCAL_HOSTS = {"localhost", "127.0.0.1", "[::1]", "testserver"}


@register()
def production_refuses_defaults(**_: Any) -> list[CheckMessage]:
    """A public host needs debug off and a real secret; `*` as host is refused always."""
    problems: list[CheckMessage] = []
    is_public = bool(set(settings.ALLOWED_HOSTS) - _LOCAL_HOSTS)
    if "*" in settings.ALLOWED_HOSTS:
        problems.append(Error("CHATBOT_ALLOWED_HOSTS must name the hosts; * is refused.", id="chatbot.E001"))
    if is_public and settings.DEBUG:
        problems.append(Error("CHATBOT_DEBUG must be off where the host is public.", id="chatbot.E002"))
    if len(settings.SECRET_KEY) < MINIMUM_SECRET_LENGTH:
        problems.append(
            Error(f"CHATBOT_SECRET_KEY must have at least {MINIMUM_SECRET_LENGTH} characters.", id="chatbot.E003")
        )
    return problems
