"""Start-up checks of the project's settings."""

import os
from email.utils import parseaddr
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

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


@register()
def mail_can_be_sent(**_: Any) -> list[CheckMessage]:
    """A sender that mail servers take, and a folder that takes mails where one is named."""
    problems: list[CheckMessage] = []
    sender = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    try:
        validate_email(sender)
    except ValidationError:
        problems.append(Error("CHATBOT_MAIL_FROM must be an e-mail address.", id="chatbot.E010"))
    if settings.EMAIL_BACKEND.endswith("smtp.EmailBackend") and sender.endswith("@localhost"):
        problems.append(Error("With a mail server CHATBOT_MAIL_FROM must name a sender.", id="chatbot.E011"))
    folder = getattr(settings, "EMAIL_FILE_PATH", None)
    if folder and not (Path(folder).is_dir() and os.access(folder, os.W_OK)):
        problems.append(Error(f"CHATBOT_MAIL_URL: {folder} is not a folder to write into.", id="chatbot.E012"))
    return problems


@register()
def password_list_is_there(**_: Any) -> list[CheckMessage]:
    path: Path = settings.PASSWORD_LIST
    if path == Path() or (os.access(path, os.R_OK) and path.is_file()):
        return []
    return [Error(f"CHATBOT_PASSWORD_LIST: cannot read {path}.", id="chatbot.E013")]
