"""What is open closes when the access ends: through the whole ASGI app, with the real Valkey."""

import asyncio
import time
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings as site
from django.test import Client

from apps.accounts.models import BrowserSession, Group, Membership, RefreshToken, User
from apps.accounts.selectors.sessions import session_key_hash
from apps.accounts.services.keys import key_create, key_revoke
from apps.accounts.services.people import member_remove
from apps.accounts.services.sessions import access_end_all, person_disable, session_end, sessions_end_others
from apps.audit.models import Event
from apps.conversations.sharing import conversation_share, conversation_unshare
from apps.conversations.tests.factories import conversation_make, reply_make
from chatbot.asgi import application
from chatbot.testing.plugin import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)

AT_ONCE_SECONDS = 2.0
SIGNED_OUT, FORBIDDEN = 4401, 4403


def key_of(client):
    return client.cookies[site.SESSION_COOKIE_NAME].value


def session_of(client):
    return BrowserSession.objects.get(key_hash=session_key_hash(key_of(client)))


@asynccontextmanager
async def socket(message, client):
    """Open, and past its first frame."""
    headers = [
        (b"host", b"localhost"),
        (b"origin", b"http://localhost"),
        (b"cookie", f"{site.SESSION_COOKIE_NAME}={key_of(client)}".encode()),
    ]
    communicator = WebsocketCommunicator(application, f"/ws/messages/{message.pk}/", headers=headers)
    assert (await communicator.connect())[0]
    assert (await communicator.receive_output(5))["type"] == "websocket.send"
    try:
        yield communicator
    finally:
        await communicator.disconnect()


async def closed(communicator):
    """The close code, which must come at once."""
    deadline = time.monotonic() + AT_ONCE_SECONDS
    while True:
        sent = await communicator.receive_output(deadline - time.monotonic())
        if sent["type"] == "websocket.close":
            return sent["code"]


async def is_open(communicator):
    return await communicator.receive_nothing(0.3)


class Stream:
    """A request to an event stream, past its first event."""

    def __init__(self, path, headers):
        self._sent: asyncio.Queue[Any] = asyncio.Queue()
        self._come: asyncio.Queue[Any] = asyncio.Queue()
        named = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        self._scope = {
            "type": "http", "http_version": "1.1", "method": "GET", "path": path, "query_string": b"",
            "headers": [(b"host", b"testserver"), (b"accept", b"text/event-stream"), *named],
        }  # fmt: skip

    async def __aenter__(self):
        await self._sent.put({"type": "http.request", "body": b""})
        self._task = asyncio.create_task(application(self._scope, self._sent.get, self._come.put))
        assert (await asyncio.wait_for(self._come.get(), 5))["status"] == 200
        assert (await asyncio.wait_for(self._come.get(), 5))["body"]
        return self

    async def __aexit__(self, *_):
        await self._sent.put({"type": "http.disconnect"})
        await asyncio.wait_for(self._task, 5)

    async def ended(self):
        async with asyncio.timeout(AT_ONCE_SECONDS):
            while (await self._come.get()).get("more_body"):
                pass
        return True

    async def is_open(self):
        await asyncio.sleep(0.3)
        return self._come.empty() and not self._task.done()


def page_stream(message, client):
    return Stream(f"/messages/{message.pk}/frames/", {"Cookie": f"{site.SESSION_COOKIE_NAME}={key_of(client)}"})


def api_stream(message, token):
    path = f"/api/v1/conversations/{message.conversation_id}/stream"
    return Stream(path, {"Authorization": f"Bearer {token}"})


def token_of(user):
    body = {"email": user.email, "password": PASSWORD}
    return Client().post("/api/v1/auth/login", body, content_type="application/json").json()["access"]


@pytest.fixture
def bens_reply(ben, model):
    return reply_make(conversation_make(ben, model=model))


@pytest.fixture
def other_client(ada):
    """Ada on another device."""
    client = Client()
    client.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    return client


def ways_out(ada, root, client_ada):
    """Each ends all that is open for ada, or at least what this browser holds."""

    def password_changed():
        new = "quite another long passphrase"
        assert client_ada.post("/accounts/password/change/", {"old": PASSWORD, "new": new}).status_code == 302

    return {
        "disabled": lambda: person_disable(actor=root, user=ada),
        "ended": lambda: access_end_all(actor=root, user=ada),
        "signed out": lambda: client_ada.post("/accounts/logout/"),
        "signed out by the API": lambda: client_ada.post("/api/v1/auth/logout"),
        "revoked": lambda: session_end(actor=ada, sign_in_id=session_of(client_ada).pk),
        "password changed": password_changed,
    }


@pytest.mark.parametrize(
    "way",
    ["disabled", "ended", "signed out", "signed out by the API", "revoked", "password changed"],
)
async def test_a_socket_closes_at_once_and_other_peoples_stay(
    way, reply, bens_reply, ada, root, client_ada, client_ben
):
    act = ways_out(ada, root, client_ada)[way]
    async with socket(reply, client_ada) as mine, socket(bens_reply, client_ben) as bens:
        await sync_to_async(act)()
        assert await closed(mine) == SIGNED_OUT
        assert await is_open(bens)


@pytest.mark.parametrize("way", ["disabled", "revoked", "password changed"])
async def test_an_event_stream_of_a_page_ends_at_once(way, reply, bens_reply, ada, root, client_ada, client_ben):
    act = ways_out(ada, root, client_ada)[way]
    async with page_stream(reply, client_ada) as mine, page_stream(bens_reply, client_ben) as bens:
        await sync_to_async(act)()
        assert await mine.ended()
        assert await bens.is_open()


async def test_ending_one_session_leaves_the_others_open(reply, ada, client_ada, other_client):
    async with socket(reply, client_ada) as here, socket(reply, other_client) as there:
        await sync_to_async(lambda: session_end(actor=ada, sign_in_id=session_of(other_client).pk))()
        assert await closed(there) == SIGNED_OUT
        assert await is_open(here)


async def test_ending_all_others_leaves_this_one_open(reply, ada, client_ada, other_client):
    token = await sync_to_async(token_of)(ada)
    async with AsyncExitStack() as stack:
        here = await stack.enter_async_context(socket(reply, client_ada))
        there = await stack.enter_async_context(socket(reply, other_client))
        program = await stack.enter_async_context(api_stream(reply, token))
        await sync_to_async(sessions_end_others)(actor=ada, session_key=key_of(client_ada))
        assert await closed(there) == SIGNED_OUT
        assert await program.ended()
        assert await is_open(here)


async def test_leaving_the_workspace_closes_as_forbidden(reply, ada, admin_anna, client_ada, workspace):
    async with socket(reply, client_ada) as mine, page_stream(reply, client_ada) as page:
        await sync_to_async(member_remove)(actor=admin_anna, workspace_id=workspace.pk, person_id=ada.pk)
        assert await closed(mine) == FORBIDDEN
        assert await page.ended()


async def test_leaving_another_workspace_closes_nothing(reply, ada, root, client_ada, other_workspace):
    await Membership.objects.acreate(user=ada, workspace=other_workspace)
    async with socket(reply, client_ada) as mine:
        await sync_to_async(member_remove)(actor=root, workspace_id=other_workspace.pk, person_id=ada.pk)
        assert await is_open(mine)


async def test_a_programs_stream_ends_with_its_sign_in_and_no_others(reply, ada):
    tokens = [await sync_to_async(token_of)(ada) for _ in range(2)]
    family = (await RefreshToken.objects.order_by("pk").afirst()).family
    async with api_stream(reply, tokens[0]) as mine, api_stream(reply, tokens[1]) as other:
        await sync_to_async(session_end)(actor=ada, sign_in_id=family)
        assert await mine.ended()
        assert await other.is_open()


async def test_a_keys_stream_ends_with_the_key_and_no_others(reply, ada, workspace):
    made = [
        await sync_to_async(key_create)(actor=ada, name="k", workspace_id=workspace.pk, scopes=["read"])
        for _ in range(2)
    ]
    (key, text), (_, other_text) = made
    async with api_stream(reply, text) as mine, api_stream(reply, other_text) as other:
        await sync_to_async(key_revoke)(actor=ada, key=key)
        assert await mine.ended()
        assert await other.is_open()


async def test_everything_of_a_disabled_person_ends_together(reply, ada, root, client_ada, workspace):
    token = await sync_to_async(token_of)(ada)
    _, text = await sync_to_async(key_create)(actor=ada, name="k", workspace_id=workspace.pk, scopes=["read"])
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(socket(reply, client_ada)) for _ in range(3)]
        streams = [
            await stack.enter_async_context(stream)
            for stream in (page_stream(reply, client_ada), api_stream(reply, token), api_stream(reply, text))
        ]
        await sync_to_async(person_disable)(actor=root, user=ada)
        assert [await closed(one) for one in sockets] == [SIGNED_OUT] * 3
        assert all([await one.ended() for one in streams])
    event = await Event.objects.aget(action="person_disabled")
    assert (event.data["sessions"], event.data["api_sign_ins"], event.data["api_keys"]) == (1, 1, 1)


@pytest.mark.parametrize("change", ["person", "session", "membership"])
async def test_without_the_news_it_is_found_out_soon(change, reply, ada, client_ada, settings):
    """Rows that change behind the services' back stand for a message that was lost."""
    settings.ACCESS_LOOK_SECONDS = 0.5
    rows = {
        "person": lambda: User.objects.filter(pk=ada.pk).update(is_active=False),
        "session": lambda: BrowserSession.objects.filter(user=ada).delete(),
        "membership": lambda: Membership.objects.filter(user=ada).delete(),
    }
    async with socket(reply, client_ada) as mine:
        await sync_to_async(rows[change])()
        assert await closed(mine) == (FORBIDDEN if change == "membership" else SIGNED_OUT)


async def test_a_stream_that_may_go_on_goes_on(reply, ada, client_ada, settings):
    settings.ACCESS_LOOK_SECONDS = 0.05
    async with socket(reply, client_ada) as mine, page_stream(reply, client_ada) as page:
        assert await is_open(mine)
        assert await page.is_open()


@pytest.mark.parametrize("header", ["Bearer x", "key"])
async def test_neither_token_nor_key_opens_a_socket(header, reply, ada, workspace):
    if header == "key":
        _, text = await sync_to_async(key_create)(actor=ada, name="k", workspace_id=workspace.pk, scopes=["read"])
    else:
        text = await sync_to_async(token_of)(ada)
    headers = [
        (b"host", b"localhost"), (b"origin", b"http://localhost"), (b"authorization", f"Bearer {text}".encode()),
    ]  # fmt: skip
    communicator = WebsocketCommunicator(application, f"/ws/messages/{reply.pk}/", headers=headers)
    await communicator.connect()
    assert (await communicator.receive_output(5))["code"] == SIGNED_OUT
    await communicator.disconnect()


@pytest.mark.parametrize("by_group", [False, True])
async def test_who_is_shared_with_no_more_sees_no_more(by_group, ada, ben, workspace, model, client_ada, client_ben):
    def share():
        reply = reply_make(conversation_make(ada, model=model))
        group = Group.objects.create(name="readers", title="Readers", workspace=workspace)
        group.user_set.add(ben)
        grantee = group.key if by_group else ben.pk
        conversation_share(actor=ada, conversation_id=reply.conversation_id, grantee_id=grantee)
        return reply, grantee

    reply, grantee = await sync_to_async(share)()
    async with socket(reply, client_ben) as bens, socket(reply, client_ada) as hers:
        await sync_to_async(conversation_unshare)(actor=ada, conversation_id=reply.conversation_id, grantee_id=grantee)
        assert await closed(bens) in {FORBIDDEN, 4404}
        assert await is_open(hers)
