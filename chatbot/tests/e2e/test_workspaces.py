"""Who sees which conversation: workspaces, sharing, break-glass."""

from playwright.sync_api import Page, expect

from apps.llm.testing import FakeModelServer
from chatbot.tests.e2e.cast import ANNEX
from chatbot.tests.e2e.steps import Visit, app_set_up, ask_fake, enter, expect_message, expect_whole, user_menu

HELLO = "Hello world!"
HOME_NAME = "My organisation"


def test_another_workspace_has_other_conversations(visit: Visit, fake: FakeModelServer) -> None:
    page = enter(visit(), "Wim")
    mine = page.locator("#conversation-list")
    _asked(page, "Asked at home")
    expect(mine).to_contain_text("Asked at home")

    _switch(page, ANNEX)
    expect(mine).not_to_contain_text("Asked at home")
    _asked(page, "Asked in the annex")
    expect(mine).to_contain_text("Asked in the annex")
    page.get_by_label("Search conversations").fill("Asked")
    expect(mine).to_contain_text("Asked in the annex")
    expect(mine).not_to_contain_text("Asked at home")

    _switch(page, HOME_NAME)
    expect(mine).to_contain_text("Asked at home")
    expect(mine).not_to_contain_text("Asked in the annex")


def test_a_conversation_is_shared_and_taken_back(page: Page, visit: Visit, fake: FakeModelServer) -> None:
    ben = enter(visit(), "Ben")
    page.goto("/")
    _asked(page, "For two to read")
    expect(ben.locator("#conversation-list")).not_to_contain_text("For two to read")

    page.get_by_role("link", name="Share this conversation").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("searchbox").fill("Ben")
    dialog.get_by_role("button", name="Share with Ben").click()
    expect(dialog.get_by_role("button", name="Remove Ben")).to_be_visible()
    page.keyboard.press("Escape")

    ben.reload()
    ben.get_by_role("link", name="For two to read").click()
    expect(ben.get_by_role("article", name="Answer")).to_contain_text(HELLO)
    expect(ben.get_by_label("Your question")).to_have_count(0)
    expect(ben.locator(".readonly")).to_be_visible()

    page.get_by_role("link", name="Share this conversation").click()
    dialog.get_by_role("button", name="Remove Ben").click()
    expect(dialog).to_contain_text("Nobody yet.")
    answer = ben.reload()
    assert answer
    assert answer.status == 404
    ben.goto("/")
    expect(ben.locator("#conversation-list")).not_to_contain_text("For two to read")


def test_an_administrator_who_must_read_is_noticed(visit: Visit, fake: FakeModelServer) -> None:
    olga = enter(visit(), "Olga")
    _asked(olga, "Between me and the machine")
    anna = enter(visit(), "Anna")
    anna.goto("/settings/security/")
    app_set_up(anna)
    anna.goto("/people/?q=Olga")
    anna.get_by_role("link", name="Olga").click()
    anna.get_by_role("link", name="Read their conversations").click()
    reason = "A court order of 3 May asks for it."
    anna.get_by_label("Why must you read them?").fill("Curious")
    anna.get_by_role("button", name="Tell them and open").click()
    expect(anna.locator(".field-error")).to_be_visible()
    anna.get_by_label("Why must you read them?").fill(reason)
    anna.get_by_role("button", name="Tell them and open").click()
    anna.get_by_role("link", name="Between me and the machine").click()
    expect(anna.get_by_role("article", name="Answer")).to_contain_text(HELLO)
    expect(anna.get_by_label("Your question")).to_have_count(0)
    read = anna.url

    olga.goto("/")
    notice = olga.locator("#notices").get_by_text(reason)
    expect(notice).to_be_visible()
    expect(notice).to_contain_text("anna@example.org")
    olga.get_by_role("button", name="I have seen this").click()
    expect(notice).to_have_count(0)
    olga.reload()
    expect(notice).to_have_count(0)

    anna.get_by_role("link", name="All conversations").click()
    anna.get_by_role("button", name="End the access now").click()
    expect_message(anna, "The access has ended.")
    answer = anna.goto(read)
    assert answer
    assert answer.status == 404


def _asked(page: Page, question: str) -> None:
    ask_fake(page, question)
    expect_whole(page, HELLO)


def _switch(page: Page, workspace: str) -> None:
    user_menu(page).get_by_role("button", name=workspace).click()
    expect(page.locator("[popovertarget=user-menu]")).to_contain_text(workspace)
