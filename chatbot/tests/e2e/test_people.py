"""Administration without a mouse."""

from playwright.sync_api import Page, expect

from chatbot.tests.e2e.cast import email_of
from chatbot.tests.e2e.stack import PASSWORD
from chatbot.tests.e2e.steps import Visit, enter, expect_in, expect_message, expect_out, sign_in, walk_to


def test_invite_change_and_remove_by_keyboard_only(page: Page, visit: Visit) -> None:
    page.goto("/people/")
    walk_to(page, page.get_by_role("link", name="Invite"))
    page.keyboard.press("Enter")
    walk_to(page, page.get_by_label("E-mail"))
    page.keyboard.type(email_of("Grace"))
    page.keyboard.press("Enter")
    _join(visit(), page.locator(".secret").inner_text())

    page.goto("/people/")
    walk_to(page, page.get_by_label("Search by name or e-mail"))
    page.keyboard.type("grace")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(1)

    role = page.get_by_label("Role of Grace")
    walk_to(page, role)
    page.keyboard.type("Viewer")
    expect(page.locator("#toasts")).to_contain_text("Grace: the role is viewer now.")
    expect(role).to_be_focused()
    expect(role).to_have_value("viewer")

    walk_to(page, page.get_by_label("Select Grace"), key="Shift+Tab")
    page.keyboard.press("Space")
    expect(page.get_by_role("status").filter(has_text="1 selected")).to_be_visible()
    change = page.get_by_label("What to do with the selected")
    walk_to(page, change, key="Shift+Tab")
    page.keyboard.type("Remove")
    walk_to(page, page.get_by_role("button", name="Continue"))
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Remove 1 person from the workspace?")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("button", name="Continue")).to_be_focused()

    page.keyboard.press("Enter")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("1 person removed from the workspace.")
    expect(page.get_by_text("Nobody matches.")).to_be_visible()
    expect(page.get_by_role("button", name="Continue")).to_be_focused()


def test_disable_and_enable_by_keyboard_only(page: Page, visit: Visit) -> None:
    dora = enter(visit(), "Dora")
    page.goto("/people/?q=Dora")
    walk_to(page, page.get_by_role("link", name="Dora"))
    page.keyboard.press("Enter")
    opener = page.get_by_role("link", name="Disable")
    walk_to(page, opener)
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Disable Dora?")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()

    page.keyboard.press("Enter")
    walk_to(page, dialog.get_by_role("button", name="Disable"))
    page.keyboard.press("Enter")
    expect_message(page, "Dora is disabled.")
    dora.get_by_role("link", name="Documents").click()
    expect_out(dora)
    sign_in(dora, "Dora")
    expect(dora.get_by_role("alert")).to_have_text("E-mail address or password is not right.")

    walk_to(page, page.get_by_role("link", name="Enable"))
    page.keyboard.press("Enter")
    walk_to(page, dialog.get_by_role("button", name="Enable"))
    page.keyboard.press("Enter")
    expect_message(page, "Dora is enabled.")
    enter(dora, "Dora")


def _join(page: Page, link: str) -> None:
    page.goto(link)
    page.get_by_label("Your name").fill("Grace")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make my account").click()
    expect_in(page)
