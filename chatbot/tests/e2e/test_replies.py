"""Replies that are interrupted: by the person, by the browser, by dying processes, by proxies."""

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from apps.llm.testing import FakeModelServer, Reply
from chatbot.tests.e2e.stack import Stack
from chatbot.tests.e2e.steps import WORDS, answer, ask_fake, expect_whole

TEXT = "".join(WORDS)
GATED = Reply(deltas=WORDS, gate_after=20)
# Until a lease has run out, a reconciler has looked, and the process is back.
RECOVERY_MS = 90_000


def test_stop_keeps_the_text_and_ends_the_generation(page: Page, fake: FakeModelServer) -> None:
    fake.script(GATED)
    page.goto("/")
    ask_fake(page, "Count")
    expect(answer(page)).to_contain_text("word19")
    page.get_by_role("button", name="Stop the reply").click()
    expect(answer(page)).to_contain_text("You stopped this reply.")
    expect(answer(page)).to_contain_text("word19")
    fake.wait_until(lambda server: server.aborted == 1)
    expect(page.get_by_role("button", name="Send")).to_be_visible()


def test_an_answer_that_was_streamed_can_be_answered_again_and_rated(page: Page, fake: FakeModelServer) -> None:
    fake.script(Reply(deltas=["One."]), Reply(deltas=["Two."]))
    page.goto("/")
    ask_fake(page, "Count")
    expect_whole(page, "One.")
    answer(page).get_by_role("button", name="Answer again").click()
    expect_whole(page, "Two.")
    liked = answer(page).get_by_role("button", name="Good answer")
    liked.click()
    expect(liked).to_have_attribute("aria-pressed", "true")


def test_reload_in_mid_reply_loses_and_doubles_nothing(page: Page, fake: FakeModelServer) -> None:
    fake.script(GATED)
    page.goto("/")
    ask_fake(page, "Count")
    expect(answer(page)).to_contain_text("word19")
    page.reload()
    expect(answer(page)).to_contain_text("word19")
    fake.release()
    expect_whole(page, TEXT)


def test_a_second_tab_shows_the_same(page: Page, context: BrowserContext, fake: FakeModelServer) -> None:
    fake.script(GATED)
    page.goto("/")
    ask_fake(page, "Count")
    expect(answer(page)).to_contain_text("word19")
    second = context.new_page()
    second.goto(page.url)
    expect(answer(second)).to_contain_text("word19")
    fake.release()
    expect_whole(page, TEXT)
    expect_whole(second, TEXT)


@pytest.mark.parametrize("name", ["inference", "web", "valkey"])
def test_a_killed_process_costs_nobody_the_answer(page: Page, fake: FakeModelServer, stack: Stack, name: str) -> None:
    fake.script(GATED)
    fake.default = Reply(deltas=WORDS)
    page.goto("/")
    ask_fake(page, "Count")
    expect(answer(page)).to_contain_text("word19")
    stack.kill(name)
    fake.release()
    expect(answer(page)).not_to_have_attribute("aria-busy", "true", timeout=RECOVERY_MS)
    expect_whole(page, TEXT)


def test_without_websockets_an_event_stream_brings_the_reply(page: Page, fake: FakeModelServer) -> None:
    fake.script(Reply(deltas=WORDS, gap_seconds=0.05))
    page.route_web_socket("**/ws/**", lambda socket: socket.close())
    page.goto("/")
    with page.expect_request("**/frames/"):
        ask_fake(page, "Count")
    expect_whole(page, TEXT)


def test_the_draft_outlives_reload_and_a_server_that_is_away(page: Page, fake: FakeModelServer) -> None:
    page.goto("/")
    box = page.get_by_label("Your question")
    box.fill("What I meant to ask")
    page.reload()
    expect(box).to_have_value("What I meant to ask")
    page.context.set_offline(True)
    ask_fake(page, "What I meant to ask")
    expect(page.get_by_role("alert").filter(has_text="The server does not answer")).to_be_visible()
    expect(box).to_have_value("What I meant to ask")
    page.context.set_offline(False)
    box.press("Enter")
    expect_whole(page, "Hello world!")
    expect(box).to_have_value("")
    page.goto("/")
    expect(box).to_have_value("")
