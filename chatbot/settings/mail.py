"""Mail: to the worker's log, unless CHATBOT_MAIL_URL names a server or a folder."""

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from chatbot.settings.env import env_text, env_url

_BACKENDS = "django.core.mail.backends"
# A worker that waits for a silent mail server is missing elsewhere.
_TIMEOUT_SECONDS = 20


def mail_from_url(url: str) -> dict[str, Any]:
    """Django's settings for one address: `smtp://user:password@host:587?tls=starttls`, `smtps://…`, `console:`,
    `file:///folder`. SMTP is encrypted unless `tls=none` says otherwise.
    """
    parts = urlsplit(url)
    if parts.scheme in {"", "console"}:
        return {"EMAIL_BACKEND": f"{_BACKENDS}.console.EmailBackend"}
    if parts.scheme == "file":
        return {"EMAIL_BACKEND": f"{_BACKENDS}.filebased.EmailBackend", "EMAIL_FILE_PATH": unquote(parts.path)}
    if parts.scheme not in {"smtp", "smtps"}:
        raise ImproperlyConfigured("CHATBOT_MAIL_URL must start with smtp://, smtps://, console: or file://.")
    tls = dict(parse_qsl(parts.query)).get("tls", "starttls")
    if tls not in {"starttls", "none"}:
        raise ImproperlyConfigured(f"CHATBOT_MAIL_URL: tls must be starttls or none, not {tls!r}.")
    try:
        port = parts.port
    except ValueError as error:
        raise ImproperlyConfigured("CHATBOT_MAIL_URL: the port must be a number.") from error
    if not parts.hostname:
        raise ImproperlyConfigured("CHATBOT_MAIL_URL names no mail server.")
    is_wrapped = parts.scheme == "smtps"
    return {
        "EMAIL_BACKEND": f"{_BACKENDS}.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": port or (465 if is_wrapped else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": is_wrapped,
        "EMAIL_USE_TLS": not is_wrapped and tls == "starttls",
        "EMAIL_TIMEOUT": _TIMEOUT_SECONDS,
    }


globals().update(mail_from_url(env_text("CHATBOT_MAIL_URL", "console:")))
DEFAULT_FROM_EMAIL = env_text("CHATBOT_MAIL_FROM", "chatbot@localhost")
# Links in mails lead here; empty: to the host by which the site was called.
PUBLIC_URL = env_url("CHATBOT_PUBLIC_URL")
