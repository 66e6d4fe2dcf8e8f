"""Secrets at rest: encrypted and hashed under keys derived from SECRET_KEY.

After SECRET_KEY changes, what was written under a former one is still read while that one stands in
SECRET_KEY_FALLBACKS.
"""

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.crypto import salted_hmac

_SALT = "apps.accounts.second_factor"


def secret_encrypt(text: str) -> str:
    return _cipher().encrypt(text.encode()).decode("ascii")


def secret_decrypt(text: str) -> str | None:
    """None for what was encrypted under a key that is not known any more."""
    try:
        return _cipher().decrypt(text.encode()).decode()
    except InvalidToken:
        return None


def keyed_hashes(text: str) -> list[str]:
    """HMAC-SHA256 under the present key first, then under former ones, as hex."""
    return [hmac.new(_key("hash", secret), text.encode(), hashlib.sha256).hexdigest() for secret in _secrets()]


def _cipher() -> MultiFernet:
    return MultiFernet([Fernet(base64.urlsafe_b64encode(_key("cipher", secret))) for secret in _secrets()])


def _key(purpose: str, secret: str) -> bytes:
    return salted_hmac(f"{_SALT}.{purpose}", "key", secret=secret, algorithm="sha256").digest()


def _secrets() -> list[str]:
    return [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
