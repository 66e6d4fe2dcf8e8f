"""The audit log: signing, retention, streaming."""

from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.utils.functional import lazy

from chatbot.settings.env import env_int, env_list, env_path, env_text, env_url
from chatbot.settings.paths import DATA_DIR, SECRETS_DIR
from chatbot.settings.security import secret_read_or_create

# Signs the ends of the chains each day, and what stands in place of deleted events.
# Made where it is first used: only what signs or verifies needs a folder for it.
AUDIT_SIGNING_KEY = env_text("CHATBOT_AUDIT_SIGNING_KEY") or lazy(secret_read_or_create, str)(
    "audit_signing_key", SECRETS_DIR
)
# Keys that signed earlier, as `audit_verify --public-key` printed them.
AUDIT_PUBLIC_KEYS = env_list("CHATBOT_AUDIT_PUBLIC_KEYS", [])
AUDIT_HEADS = env_path("CHATBOT_AUDIT_HEADS", DATA_DIR / "audit" / "heads.jsonl")
# 0: events are kept for ever. The database itself refuses to delete what is younger.
_RETENTION_DAYS_LEAST = 30
AUDIT_RETENTION_DAYS = env_int("CHATBOT_AUDIT_RETENTION_DAYS", 0, maximum=36_500)
if 0 < AUDIT_RETENTION_DAYS < _RETENTION_DAYS_LEAST:
    raise ImproperlyConfigured(f"CHATBOT_AUDIT_RETENTION_DAYS must be 0 or at least {_RETENTION_DAYS_LEAST}.")

# Where every event is sent as well; empty: nowhere.
AUDIT_STREAM = env_url("CHATBOT_AUDIT_STREAM", schemes=("syslog", "syslog+tcp", "syslog+tls", "file", "http", "https"))
AUDIT_STREAM_FORMAT = env_text("CHATBOT_AUDIT_STREAM_FORMAT", "ocsf")
# The whole header for a collector over HTTP, and whom to trust in TLS beside the system's own list.
AUDIT_STREAM_AUTHORIZATION = env_text("CHATBOT_AUDIT_STREAM_AUTHORIZATION")
AUDIT_STREAM_CA = env_text("CHATBOT_AUDIT_STREAM_CA")
if AUDIT_STREAM_FORMAT not in {"ocsf", "json"}:
    raise ImproperlyConfigured(f"CHATBOT_AUDIT_STREAM_FORMAT must be ocsf or json, not {AUDIT_STREAM_FORMAT!r}.")
if AUDIT_STREAM.startswith("file:") and not AUDIT_STREAM.startswith("file:///"):
    raise ImproperlyConfigured(
        "CHATBOT_AUDIT_STREAM must name a file by its whole path, such as file:///var/log/chatbot."
    )
if AUDIT_STREAM and not AUDIT_STREAM.startswith("file:") and not urlsplit(AUDIT_STREAM).hostname:
    raise ImproperlyConfigured("CHATBOT_AUDIT_STREAM must name a host, such as syslog+tls://siem.example.org:6514.")
