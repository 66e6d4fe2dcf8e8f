"""Every address, operation and socket, tried by everybody and compared with the permission table."""

import json
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, get_resolver
from django.urls.resolvers import RoutePattern
from django.utils import timezone

from apps.accounts.models import BrowserSession, Group, Invitation, Notice, SignInRule
from apps.accounts.permission_table import PERMISSIONS
from apps.accounts.services.break_glass import break_glass_open
from apps.accounts.services.keys import key_create
from apps.accounts.tests.second_factors import SoftwareKey, passkey_give, step_up, totp_code, totp_give
from apps.audit.models import Event
from apps.conversations.models import Citation, Retrieval, RetrievedPassage
from apps.conversations.routing import websocket_urlpatterns
from apps.conversations.sharing import conversation_share
from apps.conversations.tests.factories import conversation_make, message_make
from apps.documents.collection_writing import collection_create
from apps.documents.models import Collection, Document
from apps.documents.page_images import storage_key
from apps.documents.services import document_upload
from apps.documents.types import FileKind, PageRequest
from apps.llm.models import ModelProfile
from apps.llm.tests.factories import profile_make
from apps.rag.models import EvaluationRun, GoldenQuestion, IndexProfile, ProposalRun
from apps.rag.tasks import search_run
from chatbot.lib.errors import UnavailableError
from chatbot.lib.valkey import valkey
from chatbot.tests.access import ADA, ANNA, FILE, MEMBERS, NOBODY, OPERATIONS, PAGES, READERS, SOCKETS, WORKSPACE, Rule

pytestmark = pytest.mark.long_file

ROLES = {
    "vera": "viewer", "ben": "user", "ada": "user", "cleo": "user", "anna": "admin", "root": "super_admin",
}  # fmt: skip
# What forms of pages can send.
PAGE_METHODS = ("get", "post")


@dataclass(frozen=True)
class Route:
    name: str
    template: str


def _walk(resolver: Any, prefix: str = "/", names: tuple[str, ...] = ()) -> Any:
    for pattern in resolver.url_patterns:
        part = pattern.pattern
        text = str(part) if isinstance(part, RoutePattern) else _plain(str(part))
        if isinstance(pattern, URLPattern):
            yield Route(":".join([*names, pattern.name or ""]), prefix + text)
        else:
            inner = (*names, pattern.namespace) if pattern.namespace else names
            yield from _walk(pattern, prefix + text, inner)


def _plain(pattern: str) -> str:
    """A regular expression as a route: `(?P<key>…)` becomes `<str:key>`."""
    return re.sub(r"\(\?P<(\w+)>[^()]*(?:\([^()]*\)[^()]*)*\)", r"<str:\1>", pattern).strip("^$").replace("\\", "")


# The API's operations are walked by its description, Django's admin below, SCIM in its own tests.
ROUTES = [
    route
    for route in _walk(get_resolver())
    if route.name in {"api:openapi-view", "api:openapi-json"} or not route.name.startswith(("api:", "admin:", "scim:"))
]


@pytest.fixture
def world(ada, ben, vera, cleo, admin_anna, root, workspace):
    """One of everything that an address can name: ada's, her workspace's, or anna's."""
    profile_make()
    conversation = conversation_make(ada)
    question = message_make(conversation)
    reply = message_make(conversation, role="assistant", content="At noon [1].")
    Citation.objects.create(
        workspace=workspace, message=reply, index=1, chunk_id=uuid4(), filename="a.pdf", quote="noon", score=1
    )
    # From a version that was deleted since.
    retrieval = Retrieval.objects.create(workspace=workspace, message=reply, kind="search")
    passage = RetrievedPassage.objects.create(
        retrieval=retrieval, rank=1, version_id=uuid4(), chunk_id=uuid4(), filename="a.pdf", score=1, outcome="cited"
    )
    conversation_share(actor=ada, conversation_id=conversation.pk, grantee_id=vera.pk)
    root.current_workspace = workspace
    root.save()
    access = break_glass_open(actor=admin_anna, owner_id=ada.pk, workspace_id=workspace.pk, reason="A case of tests.")
    people = {"ada": ada, "ben": ben, "vera": vera, "cleo": cleo, "anna": admin_anna, "root": root}
    things = {
        "conversation": conversation.pk,
        "message": reply.pk,
        "rank": passage.rank,
        "version": passage.version_id,
        "question": question.pk,
        "document": _document(ada).pk,
        "collection": collection_create(actor=ada, name="Shelf").pk,
        "golden": _golden(ada).pk,
        "run": EvaluationRun.objects.create(workspace=workspace, collection=_golden(ada).collection, started_by=ada).pk,
        "proposals": ProposalRun.objects.create(
            workspace=workspace, collection=_golden(ada).collection, chunk_ids=[uuid4()], started_by=ada
        ).pk,
        "profile": IndexProfile.objects.create(embedder="e", dimensions=1, chunker_version=1).pk,
        # Nothing is indexed here: a well-formed key of no passage.
        "chunk": UUID(int=1),
        "group": Group.objects.create(name="g", title="Group", workspace=workspace).key,
        "person": ben.pk,
        "notice": Notice.objects.get(user=ada).pk,
        "invitation": _invitation(workspace).pk,
        "access": access.pk,
        "event": Event.objects.filter(workspace_id=workspace.pk).first().pk,
        "workspace": workspace.pk,
        "grantee": vera.pk,
        "model": ModelProfile.objects.get().pk,
        "rule": SignInRule.objects.create(source="oidc", workspace=workspace).pk,
        "identity": SocialAccount.objects.create(user=ada, provider="oidc", uid="x").pk,
        "key": key_create(actor=ada, name="Hers", workspace_id=workspace.pk, scopes=["read"])[0].pk,
    }
    clients = {name: _client(user) for name, user in people.items()} | {"nobody": Client()}
    passkey_give(clients["ada"], SoftwareKey())
    passkey = Authenticator.objects.get(user=ada, type="webauthn")
    things |= {"passkey": passkey.pk, "factor": passkey.pk, "sign_in": BrowserSession.objects.get(user=ada).pk}
    return World(things=things, clients=clients)


@dataclass(frozen=True)
class World:
    things: dict[str, Any]
    clients: dict[str, Client]

    def address(self, template: str) -> str:
        return re.sub(r"[<{](?:\w+:)?(\w+)[>}]", lambda match: str(self.thing(match.group(1))), template)

    def thing(self, parameter: str) -> Any:
        """What a parameter of an address names: `conversation_id` the conversation, others a text that fits none."""
        name = {"user_id": "person", "grantee_id": "grantee"}.get(parameter, parameter.removesuffix("_id"))
        return self.things.get(name, 1 if parameter in {"index", "page", "n"} else "x")

    def body(self, rule: Rule) -> dict[str, Any]:
        return {
            name: self.address(value) if isinstance(value, str) and value.startswith("{") else value
            for name, value in rule.body.items()
        }


def _client(user: Any) -> Client:
    """Signed in a moment ago with a second factor, so that no page asks for more than the person's role."""
    client = Client()
    client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
    secret = totp_give(user)
    step_up(client, code=totp_code(secret))
    return client


def _document(owner: Any) -> Document:
    """A PDF whose first page has been drawn."""
    document = document_upload(actor=owner, file=ContentFile(b"%PDF", name="a.pdf"), filename="a.pdf")
    document.versions.update(mime=FileKind.PDF, pages=1)
    version = document.versions.get()
    default_storage.save(storage_key(PageRequest(version_id=version.pk, page=1)), ContentFile(b"PNG"))
    return document


def _golden(owner: Any) -> GoldenQuestion:
    collection = Collection.objects.get_or_create(workspace=owner.workspaces.get(), owner=owner, name="Judged")[0]
    return GoldenQuestion.objects.create(
        workspace=collection.workspace, collection=collection, question="Who?", is_unanswerable=True
    )


def _invitation(workspace: Any) -> Invitation:
    return Invitation.objects.create(
        workspace=workspace, email="new@example.org", token_hash="x" * 64, expires_at=timezone.now() + timedelta(days=1)
    )


def is_expected_open(rule: Rule, name: str) -> bool:
    """What the permission table says of this person and address."""
    if name == "nobody" or ROLES[name] not in PERMISSIONS[rule.permission].roles:
        return False
    return {
        "": True,
        ADA: name == "ada",
        READERS: name in {"ada", "vera"},
        WORKSPACE: name != "cleo",
        ANNA: name == "anna",
        MEMBERS: name in {"vera", "ben", "ada", "anna"},
        NOBODY: False,
    }[rule.whose]


def attempt(client: Client, method: str, address: str, body: dict[str, Any], *, is_api: bool) -> str:
    """`open`, `refused`, `unused` (no such method) or `sign_in`. Nothing that it changes stays."""
    # Some addresses sign out or change the session; each attempt is a browser of its own.
    cookies, client = client.cookies, Client()
    client.cookies.load({name: cookie.value for name, cookie in cookies.items()})
    is_upload = FILE in body.values()
    if is_upload:
        body = {name: SimpleUploadedFile("b.txt", b"One.") if value is FILE else value for name, value in body.items()}
    options: dict[str, Any] = {"data": body}
    if is_api and method != "get" and not is_upload:
        options = {"data": json.dumps(body), "content_type": "application/json"}
    with transaction.atomic():
        answer = getattr(client, method)(address, **options)
        transaction.set_rollback(True)
    if answer.status_code == 405:
        return "unused"
    if answer.status_code == 302 and answer["Location"].startswith("/accounts/login/"):
        return "sign_in"
    assert answer.status_code < 500 or answer.status_code == 503, (method, address, answer.status_code)
    return {401: "sign_in", 403: "refused", 404: "refused"}.get(answer.status_code, "open")


@pytest.mark.django_db
def test_every_page_opens_for_whom_the_table_names_and_nobody_else(world):
    wrong, used = [], set()
    for route in ROUTES:
        for method in PAGE_METHODS:
            keys = [f"{method.upper()} {route.name}", f"* {route.name}"]
            key = next((key for key in keys if key in PAGES), None)
            rule = PAGES[key] if key else Rule(permission="site_manage")
            found = {
                name: attempt(client, method, world.address(route.template), world.body(rule), is_api=False)
                for name, client in world.clients.items()
            }
            if "unused" in found.values():
                continue
            if key is None:
                wrong.append(f"{keys[0]} has no entry in chatbot/tests/access.py")
                continue
            used.add(key)
            wrong += _differences(keys[0], rule, found)
    assert not wrong, "\n".join(wrong)
    assert sorted(set(PAGES) - used) == []


@pytest.fixture
def search_refused(monkeypatch):
    """No worker searches here: whoever may search learns it at once, not when patience is over."""

    def send(args, **_):
        valkey().rpush(args[0], json.dumps({"error": UnavailableError.code, "detail": ""}))

    monkeypatch.setattr(search_run, "apply_async", send)


@pytest.mark.django_db
def test_every_operation_of_the_api_answers_as_the_table_says(world, search_refused):
    from chatbot.api import api

    wrong, used = [], set()
    for path, operations in api.get_openapi_schema(path_prefix="/api/v1/")["paths"].items():
        for method in operations:
            key = f"{method.upper()} {path}"
            used.add(key)
            if key not in OPERATIONS:
                wrong.append(f"{key} has no entry in chatbot/tests/access.py")
                continue
            rule = OPERATIONS[key]
            found = {
                name: attempt(client, method, world.address(path), world.body(rule), is_api=True)
                for name, client in world.clients.items()
            }
            wrong += _differences(key, rule, found)
    assert not wrong, "\n".join(wrong)
    assert sorted(set(OPERATIONS) - used) == []


def _differences(key: str, rule: Rule, found: dict[str, str]) -> list[str]:
    wrong = []
    if not rule.permission:
        # Whether the link, the code or the provider is right is for other tests.
        return []
    for name, outcome in found.items():
        if rule.asks_again and outcome == "sign_in" and name != "nobody":
            continue
        refused = "sign_in" if name == "nobody" else "refused"
        expected = "open" if is_expected_open(rule, name) else refused
        if outcome != expected:
            wrong.append(f"{key}: {name} was {outcome}, not {expected}")
    return wrong


ADMIN_ROUTES = [route for route in _walk(get_resolver()) if route.name.startswith("admin:")]


@pytest.mark.django_db
def test_the_admin_is_for_super_admins(world):
    wrong = []
    for route in ADMIN_ROUTES:
        address = world.address(route.template)
        for name, client in world.clients.items():
            outcome = attempt(client, "get", address, {}, is_api=False)
            is_sign_in = route.name in {"admin:login", "admin:logout"}
            if name == "root" or is_sign_in:
                continue
            # Django's admin sends whoever may not to its sign-in page; opened is what it must not be.
            if outcome == "open" and not _is_sent_to_sign_in(client, address):
                wrong.append(f"{route.name}: {name} was let in")
    assert not wrong, "\n".join(wrong)
    assert world.clients["root"].get("/admin/").status_code == 200


def _is_sent_to_sign_in(client: Client, address: str) -> bool:
    answer = client.get(address)
    return answer.status_code == 302 and "login" in answer["Location"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("pattern", websocket_urlpatterns, ids=str)
async def test_every_socket_opens_for_whom_the_table_names(world, pattern):
    from chatbot.asgi import application

    rule = SOCKETS[f"WS /{pattern.pattern}"]
    wrong = []
    for name, client in world.clients.items():
        cookie = client.cookies.get(settings.SESSION_COOKIE_NAME)
        headers = [(b"host", b"testserver"), (b"origin", b"http://testserver")]
        if cookie is not None:
            headers.append((b"cookie", f"{settings.SESSION_COOKIE_NAME}={cookie.value}".encode()))
        socket = WebsocketCommunicator(application, world.address(f"/{pattern.pattern}"), headers=headers)
        is_open, code = await socket.connect()
        if is_open:
            said = await socket.receive_output(timeout=5)
            code = said.get("code") if said["type"] == "websocket.close" else None
        outcome = {4401: "sign_in", 4403: "refused", 4404: "refused"}.get(code, "open")
        wrong += _differences(str(pattern.pattern), rule, {name: outcome})
        await socket.disconnect()
    assert not wrong, "\n".join(wrong)
