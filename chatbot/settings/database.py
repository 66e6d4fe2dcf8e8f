"""Postgres by one address: `postgresql://user:password@host:port/name?host=/socket/folder`."""

import re
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from chatbot.settings.env import env_int, env_text, env_url

_ROLE = re.compile(r"[a-z_][a-z0-9_]{0,62}")


def database_from_url(url: str, *, role: str = "") -> dict[str, Any]:
    """Django's settings for one Postgres address. A `host` in the query is a Unix socket folder.

    Connections act with the rights of `role`, if one is named, not with those of the address's user.
    """
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    host = query.pop("host", "") or parts.hostname or ""
    name = unquote(parts.path.lstrip("/"))
    if not name:
        raise ImproperlyConfigured("CHATBOT_DATABASE_URL names no database.")
    if role:
        if not _ROLE.fullmatch(role):
            raise ImproperlyConfigured(f"CHATBOT_DATABASE_ROLE must be a plain name in lower case, not {role!r}.")
        query["options"] = f"{query.get('options', '')} -c role={role}".strip()
    return {
        "ENGINE": "django_prometheus.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(parts.port or ""),
        # A pool, because under ASGI each request runs in a thread of its own and a new connection costs milliseconds.
        "OPTIONS": {
            **query,
            "pool": {
                "min_size": 1,
                "max_size": env_int("CHATBOT_DATABASE_POOL", 20, minimum=2, maximum=200),
                "timeout": 20,
            },
        },
        "CONN_HEALTH_CHECKS": True,
        "CONN_MAX_AGE": 0,
        "ATOMIC_REQUESTS": False,
    }


DATABASE_URL = env_url(
    "CHATBOT_DATABASE_URL",
    "postgresql://postgres@localhost/chatbot",
    schemes=("postgresql", "postgres"),
)
# The role made by `manage.py audit_protect`; empty where migrations run.
DATABASES = {"default": database_from_url(DATABASE_URL, role=env_text("CHATBOT_DATABASE_ROLE"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
