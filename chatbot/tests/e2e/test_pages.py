"""Pages without a mouse, on a phone, and for everybody."""

from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from apps.llm.testing import FakeModelServer, Reply
from chatbot.tests.e2e.steps import answer, ask_fake, axe_look, expect_whole

RICH = "# Title\n\nSome **words** and `code`.\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n```python\nprint('x')\n```\n"


def test_rename_and_delete_by_keyboard_only(page: Page, fake: FakeModelServer) -> None:
    page.goto("/")
    ask_fake(page, "First name")
    expect_whole(page, "Hello world!")
    item = page.locator(".conversation").filter(has=page.locator("[aria-current=page]"))
    item.get_by_role("link").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(item.get_by_role("link", name="Rename")).to_be_focused()
    page.keyboard.press("Enter")
    title = page.get_by_label("Title")
    expect(title).to_be_focused()
    page.keyboard.type("Second name")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Second name")).to_be_visible()
    expect(item.get_by_role("link", name="Second name")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(item.get_by_role("link", name="Rename")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(item.get_by_role("link", name="Share")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(item.get_by_role("link", name="Delete")).to_be_focused()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Second name")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="What would you like to know")).to_be_visible()
    expect(page.locator(".conversation").filter(has_text="Second name")).to_have_count(0)


def test_the_drawer_on_a_phone_keeps_and_gives_back_the_focus(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto("/")
    opener = page.get_by_role("button", name="Open the menu")
    opener.press("Enter")
    sidebar = page.get_by_role("navigation", name="Conversations")
    expect(sidebar.get_by_role("button", name="Close the menu")).to_be_focused()
    for _ in range(30):
        page.keyboard.press("Tab")
        assert not page.locator("main :focus").count()
    page.keyboard.press("Escape")
    expect(sidebar).to_be_hidden()
    expect(opener).to_be_focused()
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_bad_files_are_refused_in_words_and_documents_can_be_deleted(page: Page) -> None:
    page.goto("/documents/")
    choose = page.get_by_label("Choose files")
    choose.set_input_files({"name": "tool.exe", "mimeType": "application/octet-stream", "buffer": b"MZ"})
    expect(page.locator(".upload")).to_contain_text("This type is not supported.")
    choose.set_input_files({"name": "not-a.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7 broken"})
    row = page.get_by_role("listitem").filter(has_text="not-a.pdf")
    expect(row).to_contain_text("Failed", timeout=120_000)
    expect(row).to_contain_text("upload")
    row.get_by_role("link", name="Delete not-a.pdf").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(row).to_have_count(0)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(
    page: Page, browser: Browser, fake: FakeModelServer, theme: Literal["light", "dark"]
) -> None:
    fake.script(Reply(deltas=[RICH]))
    page.emulate_media(color_scheme=theme)
    page.goto("/")
    look(page)
    ask_fake(page, "Rich")
    expect(answer(page).get_by_role("table")).to_be_visible()
    expect(answer(page)).not_to_have_attribute("aria-busy", "true")
    look(page)
    page.get_by_role("button", name="Actions for Rich").first.press("Enter")
    look(page)
    page.goto("/documents/")
    look(page)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    look(page)
    with browser.new_context(color_scheme=theme) as stranger:
        entrance = stranger.new_page()
        entrance.goto(page.url.replace("/documents/", "/accounts/login/"))
        look(entrance)


def look(page: Page) -> None:
    faults = axe_look(page)
    assert not faults, "\n".join(faults)
