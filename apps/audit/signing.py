"""Ed25519 signatures over what the log says of itself."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    key_id: str
    value: bytes


def statement_sign(statement: Mapping[str, Any]) -> Signature:
    """A signature over the statement's canonical JSON, with this installation's key."""
    key = _private_key()
    return Signature(key_id=_key_id(key.public_key()), value=key.sign(_bytes(statement)))


def statement_problem(statement: Mapping[str, Any], signature: Signature) -> str:
    """What is wrong with a signature; empty if it is good. Keys of AUDIT_PUBLIC_KEYS count, too."""
    key = _public_keys().get(signature.key_id)
    if key is None:
        return f"signed with an unknown key, {signature.key_id}"
    try:
        key.verify(signature.value, _bytes(statement))
    except InvalidSignature:
        return "its signature is wrong"
    return ""


def public_key() -> str:
    """In hex; whoever has it can check the signatures without this installation."""
    return _private_key().public_key().public_bytes_raw().hex()


def key_id() -> str:
    return _key_id(_private_key().public_key())


def _private_key() -> Ed25519PrivateKey:
    # The secret is a text of any form, as all secrets here; its hash has the length of a key.
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(settings.AUDIT_SIGNING_KEY.encode()).digest())


def _public_keys() -> dict[str, Ed25519PublicKey]:
    former = [Ed25519PublicKey.from_public_bytes(bytes.fromhex(text)) for text in settings.AUDIT_PUBLIC_KEYS]
    return {_key_id(key): key for key in [*former, _private_key().public_key()]}


def _key_id(key: Ed25519PublicKey) -> str:
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


def _bytes(statement: Mapping[str, Any]) -> bytes:
    return json.dumps(statement, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
