"""Codes of authenticator apps (RFC 6238: six digits, half a minute, SHA-1, which is what apps can do)."""

import base64
import binascii
import secrets
import time
from io import BytesIO
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urlsplit

from django.conf import settings
from django.utils.crypto import constant_time_compare
from django_otp.oath import hotp

if TYPE_CHECKING:
    from apps.accounts.models import User

DIGITS = 6
STEP_SECONDS = 30
# A phone's clock may be half a minute off, and people take time to type.
_TOLERANCE = 1
_SECRET_BYTES = 20
_ISSUER = "Chatbot"


def totp_secret() -> str:
    """A new secret in base32, as apps take it."""
    return base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode("ascii")


def totp_counter(*, secret: str, code: str, after: int = -1) -> int | None:
    """Which half minute since 1970 the code belongs to; None for a wrong one.

    `after`: the counter of the last code that was taken. That one and earlier ones are refused, so no code works twice.
    """
    try:
        key = base64.b32decode(secret, casefold=True)
    except (binascii.Error, ValueError):
        return None
    now = int(time.time()) // STEP_SECONDS
    for counter in range(max(now - _TOLERANCE, after + 1), now + _TOLERANCE + 1):
        if constant_time_compare(f"{hotp(key, counter, DIGITS):0{DIGITS}d}", code):
            return counter
    return None


def totp_url(*, user: "User", secret: str) -> str:
    """What the QR code says."""
    issuer = _issuer()
    label = quote(f"{issuer}:{user.email}", safe="")
    return f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': issuer}, quote_via=quote)}"


def qr_svg(text: str) -> str:
    """A QR code as an SVG without styles or scripts."""
    import qrcode
    from qrcode.image.svg import SvgPathImage

    buffer = BytesIO()
    qrcode.make(text, image_factory=SvgPathImage, border=2).save(buffer)
    return buffer.getvalue().decode()


def _issuer() -> str:
    """With the host, where there is one to tell installations apart by."""
    host = urlsplit(settings.PUBLIC_URL).hostname
    return f"{_ISSUER} ({host})" if host else _ISSUER
