"""An authenticator app and a passkey, in software."""

import hashlib
import json
import os
import time
from base64 import b32decode
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from allauth.mfa.models import Authenticator
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client
from django.urls import reverse
from django_otp.oath import hotp
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData, CollectedClientData

from apps.accounts.models import User
from apps.accounts.second_factor.cipher import secret_encrypt
from apps.accounts.second_factor.totp import totp_secret
from chatbot.testing.plugin import PASSWORD

STEP = 30


def totp_code(secret: str, *, steps: int = 0) -> str:
    """What an app shows now, or `steps` half minutes later."""
    return f"{hotp(b32decode(secret), int(time.time()) // STEP + steps):06d}"


def wrong_code(secret: str) -> str:
    right = {totp_code(secret, steps=steps) for steps in range(-2, 3)}
    return next(code for code in ("000000", "111111", "222222", "333333", "444444", "555555") if code not in right)


def totp_give(user: User) -> str:
    """The secret of an authenticator app that the person has from now on."""
    secret = totp_secret()
    Authenticator.objects.create(user=user, type="totp", data={"secret": secret_encrypt(secret)})
    return secret


def step_up(client: Client, **presented: str) -> None:
    """Answer the page that asks again; with the password unless something else is given."""
    answer = client.post(reverse("accounts:step-up"), presented or {"password": PASSWORD})
    assert answer.status_code == 302, answer.content.decode()


@dataclass
class SoftwareKey:
    """A key that says yes to everything, as a browser would hand its answers on."""

    origin: str = "http://testserver"
    host: str = "testserver"
    verifies: bool = True
    counter: int = 0
    user_handle: bytes = b""
    secret: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    credential_id: bytes = field(default_factory=lambda: os.urandom(32))

    def create(self, options: dict[str, Any]) -> str:
        asked = options["publicKey"]
        self.user_handle = websafe_decode(asked["user"]["id"])
        public_key = ES256.from_cryptography_key(self.secret.public_key())
        credential = AttestedCredentialData.create(b"\0" * 16, self.credential_id, public_key)
        data = self._data(AuthenticatorData.FLAG.AT, credential)
        client_data = self._client_data(CollectedClientData.TYPE.CREATE, asked["challenge"])
        return self._answer(
            {
                "clientDataJSON": websafe_encode(client_data),
                "attestationObject": websafe_encode(AttestationObject.create("none", data, {})),
            },
            {"credProps": {"rk": True}},
        )

    def get(self, options: dict[str, Any]) -> str:
        client_data = self._client_data(CollectedClientData.TYPE.GET, options["publicKey"]["challenge"])
        if self.counter:
            self.counter += 1
        data = self._data(0, None)
        signature = self.secret.sign(data + client_data.hash, ec.ECDSA(hashes.SHA256()))
        return self._answer(
            {
                "clientDataJSON": websafe_encode(client_data),
                "authenticatorData": websafe_encode(data),
                "signature": websafe_encode(signature),
                "userHandle": websafe_encode(self.user_handle),
            },
            {},
        )

    def _data(self, flags: int, credential: AttestedCredentialData | None) -> AuthenticatorData:
        present = AuthenticatorData.FLAG.UP | (AuthenticatorData.FLAG.UV if self.verifies else 0) | flags
        host_hash = hashlib.sha256(self.host.encode()).digest()
        data: AuthenticatorData = AuthenticatorData.create(host_hash, present, self.counter, credential or b"")
        return data

    def _client_data(self, kind: str, challenge: str) -> CollectedClientData:
        return CollectedClientData.create(type=kind, challenge=challenge, origin=self.origin)

    def _answer(self, response: dict[str, str], extensions: dict[str, Any]) -> str:
        key = websafe_encode(self.credential_id)
        return json.dumps(
            {
                "id": key,
                "rawId": key,
                "type": "public-key",
                "response": response,
                "clientExtensionResults": extensions,
            }
        )


def holder_of(key: SoftwareKey) -> UUID:
    return UUID(bytes=key.user_handle)


def options_on(page: str) -> dict[str, Any]:
    """What the page would give the browser."""
    _, _, rest = page.partition('id="passkey-options" type="application/json">')
    options: dict[str, Any] = json.loads(rest.partition("</script>")[0])
    return options


def passkey_give(client: Client, key: SoftwareKey, *, name: str = "Laptop") -> Any:
    """Add the key through the page; the client has stepped up."""
    page = client.get(reverse("accounts:passkey-add"))
    assert page.status_code == 200
    answer = key.create(options_on(page.content.decode()))
    return client.post(reverse("accounts:passkey-add"), {"credential": answer, "name": name})
