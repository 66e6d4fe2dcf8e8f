"""Secrets, hosts, cookies, headers. With a public host a check refuses known defaults (chatbot/checks.py)."""

import os
import secrets
from pathlib import Path

from csp.constants import NONCE, NONE, SELF

from chatbot.settings.env import env_bool, env_int, env_list, env_text
from chatbot.settings.paths import SECRETS_DIR


def secret_read_or_create(name: str, folder: Path) -> str:
    """The secret `name` of the folder; made on first use, readable by its owner only. Two first starts agree on one."""
    path = folder / name
    if not path.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = folder / f".{name}.{os.getpid()}"
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48), encoding="ascii")
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text(encoding="ascii").strip()


DEBUG = env_bool("CHATBOT_DEBUG", False)
# Former ones, after a change: what was signed or encrypted under them is still read. Part them by commas.
SECRET_KEY_FALLBACKS = env_list("CHATBOT_SECRET_KEY_FALLBACKS", [])
SECRET_KEY = env_text("CHATBOT_SECRET_KEY") or secret_read_or_create("secret_key", SECRETS_DIR)
ALLOWED_HOSTS = env_list("CHATBOT_ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env_list("CHATBOT_TRUSTED_ORIGINS", [])

# Behind TLS (Caddy) cookies are for https only; on a laptop there is no TLS.
BEHIND_TLS = env_bool("CHATBOT_BEHIND_TLS", False)
# How many proxies of ours append to X-Forwarded-For; without one the header is not believed.
TRUSTED_PROXIES = env_int("CHATBOT_TRUSTED_PROXIES", 1 if BEHIND_TLS else 0, maximum=10)
# Whoever scrapes /metrics from another machine sends it as a bearer token.
METRICS_TOKEN = env_text("CHATBOT_METRICS_TOKEN")
SESSION_COOKIE_SECURE = BEHIND_TLS
CSRF_COOKIE_SECURE = BEHIND_TLS
SECURE_HSTS_SECONDS = 31_536_000 if BEHIND_TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = BEHIND_TLS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_TLS else None
# With this prefix the browser itself refuses the cookie from a subdomain or without TLS.
SESSION_COOKIE_NAME = "__Host-sessionid" if BEHIND_TLS else "sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken" if BEHIND_TLS else "csrftoken"
SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "chatbot.error_views.csrf_failure"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"

# Pages of other sites may call the API only from here, and only with a token: cookies do not travel.
CORS_ALLOWED_ORIGINS = env_list("CHATBOT_CORS_ORIGINS", [])
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_CREDENTIALS = False
CORS_ALLOW_HEADERS = ["authorization", "content-type", "accept", "idempotency-key", "last-event-id", "x-request-id"]
CORS_EXPOSE_HEADERS = ["X-Request-ID", "Retry-After", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"]

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "manifest-src": [SELF],
    }
}

PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.BCryptSHA256PasswordHasher",
    "apps.accounts.password_hashers.ImportedBCryptHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "apps.accounts.password_validators.CommonCoreValidator"},
    {"NAME": "apps.accounts.password_validators.PatternValidator"},
    {"NAME": "apps.accounts.password_validators.NamesValidator"},
    {"NAME": "apps.accounts.password_validators.OperatorListValidator"},
]
