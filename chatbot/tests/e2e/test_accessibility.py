"""Every page of accounts and administration on a phone and a desk, by day and by night: for everybody."""

from typing import Literal, TypeAlias

from playwright.sync_api import Page, expect

from apps.llm.testing import FakeModelServer
from chatbot.tests.e2e.cast import email_of
from chatbot.tests.e2e.stack import Stack
from chatbot.tests.e2e.steps import (
    App,
    Visit,
    app_set_up,
    ask_fake,
    axe_look,
    code_give,
    confirm,
    enter,
    expect_in,
    expect_whole,
    mailed_link,
    sign_in,
)

Theme: TypeAlias = Literal["light", "dark"]
NARROW = 360
# Colours do not depend on the width, so the dark ones are looked at once.
LOOKS: tuple[tuple[Theme, int], ...] = (("light", 1440), ("light", NARROW), ("dark", 1440))
# Half way from one theme into the other, axe would see colours that nobody does.
_SETTLED = """
async () => {
  const frame = () => new Promise(requestAnimationFrame);
  await frame();
  while (document.getAnimations().some((one) => one.playState === "running")) await frame();
  await frame();
}
"""


class Walk:
    """Looks at pages in each width and theme, and keeps what is wrong with them."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.faults: list[str] = []

    def go(self, *paths: str) -> None:
        for path in paths:
            self.page.goto(path)
            self.look(path)

    def look(self, name: str) -> None:
        for theme, width in LOOKS:
            self.page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            self.page.set_viewport_size({"width": width, "height": 900})
            self.page.evaluate(_SETTLED)
            self.faults += [f"{name} at {width}, {theme}: {fault}" for fault in axe_look(self.page)]
            reached = self.page.evaluate("document.documentElement.scrollWidth")
            if reached != width:
                self.faults.append(f"{name} at {width} is {reached} wide")


def test_pages_of_strangers(visit: Visit) -> None:
    walk = Walk(visit())
    walk.go("/accounts/login/", "/accounts/password/reset/", "/accounts/password/reset/done/")
    sign_in(walk.page, "Stella", password="wrong")
    expect(walk.page.get_by_role("alert")).to_be_visible()
    walk.look("a wrong password")
    walk.go("/accounts/password/reset/key/1-wrong/", "/accounts/password/reset/key/done/", "/accounts/inactive/")
    walk.go("/invitations/wrong/")
    assert not walk.faults, "\n".join(walk.faults)


def test_pages_of_an_account(visit: Visit, stack: Stack) -> None:
    page = enter(visit(), "Stella")
    walk = Walk(page)
    walk.go("/settings/security/", "/settings/confirm/?next=/settings/security/app/")
    confirm(page)
    walk.look("the secret")
    app = App(page.locator("code.secret").inner_text())
    page.get_by_label("Code of six digits").fill("000000")
    page.get_by_role("button", name="Turn on").click()
    expect(page.locator(".field-error")).to_be_visible()
    walk.look("a wrong code")
    page.get_by_label("Code of six digits").fill(app.code())
    page.get_by_role("button", name="Turn on").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    walk.look("recovery codes")
    walk.go("/settings/security/", "/settings/security/codes/", "/settings/security/passkeys/add/")
    walk.go("/settings/", "/settings/usage/", "/settings/connections/", "/accounts/password/change/")
    walk.go("/settings/sessions/", "/settings/keys/", "/settings/keys/new/")
    page.get_by_label("Name").fill("Nightly import")
    page.get_by_label("Read: ").check()
    page.get_by_role("button", name="Make the key").click()
    expect(page.locator("code.secret")).to_be_visible()
    walk.look("the new key")
    walk.go("/settings/keys/", "/accounts/logout/")
    page.get_by_role("button", name="Sign out").click()
    sign_in(page, "Stella")
    expect(page.get_by_role("heading", name="Second factor")).to_be_visible()
    walk.look("the second factor")
    code_give(page, app.code())
    expect_in(page)

    page.context.clear_cookies()
    page.goto("/accounts/password/reset/")
    page.get_by_label("E-mail").fill(email_of("Stella"))
    page.get_by_role("button", name="Send the link").click()
    page.goto(mailed_link(stack.mails, name="Stella", path="/accounts/password/reset/key/"))
    walk.look("a new password")
    assert not walk.faults, "\n".join(walk.faults)


def test_pages_of_an_administrator(visit: Visit, fake: FakeModelServer) -> None:
    axel = enter(visit(), "Axel")
    ask_fake(axel, "Something private")
    expect_whole(axel, "Hello world!")
    conversation = axel.url
    page = enter(visit(), "Alma")
    walk = Walk(page)
    page.goto("/settings/security/")
    app_set_up(page)
    walk.go("/people/", "/people/add/", "/people/invitations/")
    page.get_by_label("E-mail").fill("ingo@example.org")
    page.get_by_role("button", name="Invite").click()
    link = page.locator("code.secret").inner_text()
    walk.look("an invitation sent")
    invited = Walk(visit())
    invited.go(link)

    page.goto("/people/?q=Axel")
    page.get_by_role("link", name="Axel").click()
    page.get_by_role("link", name="Disable").wait_for()
    walk.look("a person")
    page.get_by_role("link", name="Disable").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    walk.look("a question in the dialog")
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Read their conversations").click()
    walk.look("break-glass")
    page.get_by_label("Why must you read them?").fill("An inquiry that the works council knows of.")
    page.get_by_role("button", name="Tell them and open").click()
    page.get_by_role("link", name="Something private").wait_for()
    walk.look("another's conversations")
    page.get_by_role("link", name="Something private").click()
    page.get_by_role("article", name="Answer").wait_for()
    walk.look("another's conversation")
    told = Walk(axel)
    axel.goto("/")
    axel.get_by_role("button", name="I have seen this").wait_for()
    told.look("a notice")
    told.go("/conversations/shared/", "/documents/collections/new/")
    axel.goto(conversation)
    axel.get_by_role("link", name="Share this conversation").click()
    axel.get_by_role("searchbox", name="Find people").wait_for()
    told.look("sharing")

    walk.go("/break-glass/", "/groups/")
    page.get_by_label("Name").fill("Night shift")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name="Night shift")).to_be_visible()
    walk.look("a group")
    walk.go("/workspace/", "/audit/")
    event = page.locator("#audit-rows th a").first
    path = event.get_attribute("href") or ""
    event.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    walk.look("an event in the dialog")
    walk.go(path)
    walk.go("/settings/sign-in/", "/settings/sign-in/new/", "/settings/sign-in/try/", "/admin/")
    faults = [*walk.faults, *invited.faults, *told.faults]
    assert not faults, "\n".join(faults)
