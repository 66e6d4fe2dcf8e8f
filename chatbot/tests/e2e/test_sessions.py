"""Signing out a browser from another one."""

import re

from playwright.sync_api import WebSocket, expect

from apps.llm.testing import FakeModelServer, Reply
from chatbot.tests.e2e.steps import WORDS, Visit, answer, ask_fake, enter, expect_message, expect_out

SIGN_IN = re.compile("/accounts/login/")


def test_a_session_is_ended_from_another_browser(visit: Visit, fake: FakeModelServer) -> None:
    here, there = enter(visit(), "Sven"), enter(visit(), "Sven")
    idle = there.context.new_page()
    idle.goto("/documents/")
    sockets: list[WebSocket] = []
    there.on("websocket", lambda socket: sockets.append(socket))
    fake.script(Reply(deltas=WORDS, gate_after=20))
    ask_fake(there, "Count")
    expect(answer(there)).to_contain_text("word19")

    here.goto("/settings/sessions/")
    rows = here.get_by_role("listitem").filter(has_text="signed in")
    expect(rows).to_have_count(2)
    expect(rows.filter(has_text="This device")).to_have_count(1)
    rows.get_by_role("button", name="Sign out").click()
    expect_message(here, "Signed out there.")
    expect(rows).to_have_count(1)

    # The open reply ends without a click and long before a stream looks by itself whether it may go on; the page that
    # only stands there, at the next click.
    expect(there).to_have_url(SIGN_IN, timeout=5_000)
    assert sockets
    assert all(socket.is_closed() for socket in sockets)
    idle.get_by_role("link", name="New chat").click()
    expect_out(idle)
    here.reload()
    expect(here.get_by_role("heading", name="Sessions")).to_be_visible()
    fake.release()
