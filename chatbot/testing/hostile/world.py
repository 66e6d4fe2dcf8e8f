"""People and things for hostile text to meet, and the walk through a door. Django must be set up."""

import datetime
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.db import connection, transaction
from django.test import Client
from django.test.client import ClientHandler
from django.test.utils import override_settings

from apps.accounts.tests.second_factors import SoftwareKey, passkey_give, totp_code, totp_give
from chatbot.testing.hostile.flaws import answer_flaws, body_of
from chatbot.testing.hostile.sending import step_send
from chatbot.testing.hostile.types import ADA, ANNA, BEN, HALF, ROOT, Door
from chatbot.testing.plugin import PASSWORD

IDENTITY_PROVIDER = "idp.example"
_ROLES = {ADA: "user", BEN: "user", HALF: "user", ANNA: "admin"}
_METADATA = """<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://{host}/">
<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
<KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data>
<X509Certificate>{certificate}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>
<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://{host}/sign-in"/>
</IDPSSODescriptor></EntityDescriptor>"""


@dataclass
class World:
    """`things`: what braces in a step stand for. `usual`: what a harmless word got, by door and step."""

    things: dict[str, str]
    clients: dict[str, Client]
    totp_secret: str
    ada: Any
    usual: dict[tuple[str, int], str] = field(default_factory=dict)
    # One for all browsers: it loads the middleware, which takes longer than a request.
    handler: ClientHandler = field(default_factory=lambda: ClientHandler(enforce_csrf_checks=False))

    def learn(self, door: Door) -> int:
        """Go through with a harmless word and remember the answers. Returns the last one's status."""
        status = 0
        with undone():
            client = self._browser(door.who)
            for number, step in enumerate(door.steps):
                answer = step_send(client, step, door.harmless, self._things())
                self.usual[door.name, number] = body_of(answer)
                status = answer.status_code
        return status

    def visit(self, door: Door, text: str) -> tuple[int, list[str]]:
        """Go through with hostile text. Returns the last answer's status and what was wrong; nothing of it stays."""
        statuses, flaws = [], []
        with undone():
            client = self._browser(door.who)
            for number, step in enumerate(door.steps):
                answer = step_send(client, step, text, self._things())
                usual = self.usual[door.name, number]
                flaws += answer_flaws(answer, text=text, usual=usual, leaves_for=door.leaves_for)
                statuses.append(answer.status_code)
        return statuses[-1], flaws

    def _browser(self, who: str) -> Client:
        """One with this person's cookies. CSRF tokens are not asked for, so that the text gets past them."""
        client = Client(raise_request_exception=False)
        client.handler = self.handler
        if who in self.clients:
            client.cookies.load({name: cookie.value for name, cookie in self.clients[who].cookies.items()})
        return client

    def _things(self) -> Mapping[str, str]:
        return self.things | {"code": totp_code(self.totp_secret)}


@contextmanager
def undone() -> Iterator[None]:
    """What would happen at the end of the transaction happens, the audit log's chain too; then all is taken back."""
    with transaction.atomic():
        yield
        if not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        transaction.set_rollback(True)


@contextmanager
def doors_open() -> Iterator[None]:
    """Every door that is shut or narrow by default: registration, single sign-on, counts of use."""
    with override_settings(
        REGISTRATION="open",
        SAML=True,
        SAML_NAME="Example SAML",
        SAML_IDP_METADATA=_METADATA.format(host=IDENTITY_PROVIDER, certificate=_certificate()),
        OIDC=True,
        # Nobody listens there.
        OIDC_ISSUER="http://127.0.0.1:9",
        OIDC_CLIENT_ID="chatbot",
        OIDC_CLIENT_SECRET="client secret",
        # A long run must not be asked again.
        STEP_UP_SECONDS=86_400,
        ACCOUNT_RATE_LIMITS=False,
        DOOR_LIMITS=False,
        API_RATE_PER_MINUTE=0,
        INVITATIONS_PER_HOUR=1_000_000,
        # What it costs to break a password is not what is looked at.
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        ALLOWED_HOSTS=["localhost", "testserver"],
        CORS_ALLOWED_ORIGINS=["https://listed.example"],
        WHITENOISE_AUTOREFRESH=True,
        # Nothing of what is uploaded stays.
        STORAGES={
            "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
            "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
        },
    ):
        yield


def world_make() -> World:
    """A workspace with one of everything, within `doors_open()`."""
    from apps.accounts.models import Workspace

    workspace = Workspace.objects.create(name="Analytical Engines", slug="analytical-engines")
    people = {name: _person(name, workspace, role) for name, role in _ROLES.items()}
    people[ROOT] = _super_admin(workspace)
    clients = {name: _client(people[name]) for name in (ADA, ANNA, ROOT)} | {BEN: Client()}
    clients[BEN].force_login(people[BEN], backend=settings.AUTHENTICATION_BACKENDS[0])
    things = {
        "password": PASSWORD, "workspace": str(workspace.pk), "passkey": str(_passkey(people[ADA], clients[ADA])),
    } | _things(workspace, people)  # fmt: skip
    world = World(things=things, clients=clients, totp_secret=totp_give(people[HALF]), ada=people[ADA])
    with connection.cursor() as cursor:
        # What the making of the world put off is done once, not again in each visit.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    return world


def _things(workspace: Any, people: dict[str, Any]) -> dict[str, str]:
    from apps.accounts.models import SetupToken
    from apps.accounts.services.groups import group_create
    from apps.accounts.services.invitations import invitation_send
    from apps.accounts.services.keys import key_create
    from apps.audit.models import Event
    from apps.conversations.tests.factories import conversation_make, message_make
    from apps.documents.collection_writing import collection_create
    from apps.documents.services import document_upload
    from apps.llm.tests.factories import profile_make

    ada, anna, root = people[ADA], people[ANNA], people[ROOT]
    profile_make()
    conversation = conversation_make(ada, title="Tides")
    message_make(conversation)
    reply = message_make(conversation, role="assistant", content="At noon.")
    document = document_upload(actor=ada, file=ContentFile(b"Noon.", name="a.txt"), filename="a.txt")
    group = group_create(actor=anna, workspace_id=workspace.pk, title="Choir")
    sent = invitation_send(
        actor=anna, workspace=workspace, email="new@example.org", role="user", base_url="http://testserver"
    )
    _, key = key_create(actor=root, name="Directory", workspace_id=workspace.pk, scopes=["admin"])
    SetupToken.objects.all().delete()
    return {
        "conversation": str(conversation.pk),
        "question": str(reply.parent_id),
        "reply": str(reply.pk),
        "document": str(document.pk),
        "collection": str(collection_create(actor=ada, name="Shelf").pk),
        "group": str(group.key),
        "invitation": sent.link.rstrip("/").rpartition("/")[2],
        "key": key,
        "ben": str(people[BEN].pk),
        "ada": str(ada.pk),
        "event": str(Event.objects.first().pk),  # type: ignore[union-attr]
    }


def _person(name: str, workspace: Any, role: str) -> Any:
    from apps.accounts.models import Membership, User

    user = User.objects.create_user(f"{name}@example.org", PASSWORD, name=name.capitalize())
    Membership.objects.create(user=user, workspace=workspace, role=role)
    return user


def _super_admin(workspace: Any) -> Any:
    from apps.accounts.models import User

    return User.objects.create_superuser(f"{ROOT}@example.org", PASSWORD, name="Root", current_workspace=workspace)


def _client(user: Any) -> Client:
    """Signed in with password and second factor."""
    client, secret = Client(), totp_give(user)
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    answer = client.post("/accounts/2fa/authenticate/", {"code": totp_code(secret)})
    assert answer.status_code == 302, answer.content
    return client


def _passkey(user: Any, client: Client) -> int:
    from allauth.mfa.models import Authenticator

    passkey_give(client, SoftwareKey())
    return int(Authenticator.objects.get(user=user, type="webauthn").pk)


def _certificate() -> str:
    """A certificate of nobody, as metadata have it."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.x509.oid import NameOID

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, IDENTITY_PROVIDER)])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    pem = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
    return "".join(pem.splitlines()[1:-1])
