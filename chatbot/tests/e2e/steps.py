"""What people do on the pages, in the journeys' words."""

import email
import re
import time
from base64 import b32decode
from collections.abc import Callable, Iterator
from email.message import Message
from pathlib import Path
from typing import TypeAlias

from axe_playwright_python.sync_playwright import Axe
from django_otp.oath import hotp
from playwright.sync_api import Locator, Page, expect

from apps.documents.tests.factories import pdf_bytes
from chatbot.tests.e2e.cast import email_of
from chatbot.tests.e2e.stack import FAKE_MODEL, PASSWORD

# Opens one more browser (the fixture `visit`).
Visit: TypeAlias = Callable[[], Page]

_STEP_SECONDS = 30
# Until a busy worker has come to it.
_MAIL_SECONDS = 30
_LOOK_SECONDS = 0.1

WORDS = [f"word{number} " for number in range(40)]

GUIDE = pdf_bytes(
    "# Site guide\nThe canteen opens at noon and closes at two.\nVisitors sign in at reception.",
    "# Emergencies\nIn a fire, leave by the nearest stairs.\n"
    "The assembly point is the gravel car park behind building C.\nDo not use the lifts.",
    "# Parking\nBicycles stand in the yard. Permits are issued by the gatehouse.",
)


def ask_fake(page: Page, question: str) -> None:
    """Ask the scripted model, without documents."""
    page.get_by_label("Model", exact=True).select_option(label=FAKE_MODEL)
    page.get_by_label("Answer from documents").uncheck(force=True)
    ask(page, question)


def ask(page: Page, question: str) -> None:
    page.get_by_label("Your question").fill(question)
    page.keyboard.press("Enter")


def answer(page: Page) -> Locator:
    """The newest answer."""
    return page.get_by_role("article", name="Answer").last


def expect_whole(page: Page, text: str) -> None:
    """The answer has come to its end, every word once."""
    expect(answer(page)).not_to_have_attribute("aria-busy", "true")
    expect(answer(page).locator(".prose")).to_have_text(text.strip())


class App:
    """An authenticator app. It shows no code twice, as people wait for the next one."""

    def __init__(self, secret: str) -> None:
        self._key = b32decode(secret)
        self._last = 0

    def code(self) -> str:
        self._last = max(self._last + 1, int(time.time()) // _STEP_SECONDS)
        return f"{hotp(self._key, self._last):06d}"


def sign_in(page: Page, name: str, *, password: str = PASSWORD) -> None:
    """Up to where the password was sent."""
    page.goto("/accounts/login/")
    page.get_by_label("E-mail").fill(email_of(name))
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def enter(page: Page, name: str) -> Page:
    """All the way, for somebody without a second factor."""
    sign_in(page, name)
    expect_in(page)
    return page


def sign_out(page: Page) -> None:
    user_menu(page).get_by_role("button", name="Sign out").click()
    expect_out(page)


def user_menu(page: Page) -> Locator:
    page.locator("[popovertarget=user-menu]").click()
    return page.locator("#user-menu")


def expect_in(page: Page) -> None:
    expect(page.get_by_role("heading", name="What would you like to know")).to_be_visible()
    # The box for questions is of use once its script runs.
    page.wait_for_load_state()


def expect_out(page: Page) -> None:
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def expect_message(page: Page, text: str | re.Pattern[str]) -> None:
    """What happened is said in the live region of short messages."""
    expect(page.locator("#toasts [role=alert]").filter(has_text=text)).to_be_visible()


def confirm(page: Page) -> None:
    """Say again who it is, by password."""
    page.get_by_label("Password of").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()


def app_set_up(page: Page) -> tuple[App, list[str]]:
    """From the security page: an authenticator app, and the recovery codes that are shown once."""
    page.locator("section", has=page.get_by_role("heading", name="Authenticator app")).get_by_role("link").click()
    confirm(page)
    app = App(page.locator("code.secret").inner_text())
    page.get_by_label("Code of six digits").fill(app.code())
    page.get_by_role("button", name="Turn on").click()
    codes = page.get_by_role("list", name="Recovery codes").get_by_role("listitem")
    expect(codes).to_have_count(10)
    return app, codes.all_inner_texts()


def code_give(page: Page, code: str) -> None:
    """On the page that asks for the second factor of a sign-in."""
    page.get_by_role("textbox", name=re.compile("code", re.IGNORECASE)).fill(code)
    page.get_by_role("button", name="Sign in", exact=True).click()


def walk_to(page: Page, target: Locator, *, key: str = "Tab", most: int = 80) -> None:
    """Press the key until the focus is there, as somebody without a mouse does."""
    for _ in range(most):
        page.keyboard.press(key)
        if target.evaluate("element => element === document.activeElement"):
            return
    expect(target).to_be_focused()


def mailed_link(folder: Path, *, name: str, path: str) -> str:
    """The first link to a path that begins so in a mail to the person, once it has come."""
    deadline = time.monotonic() + _MAIL_SECONDS
    while time.monotonic() < deadline:
        for mail in _mails(folder):
            found = re.search(rf"https?://\S+?({re.escape(path)}\S+)", _text(mail))
            if mail["To"] == email_of(name) and found:
                return found[1]
        time.sleep(_LOOK_SECONDS)
    raise AssertionError(f"No mail with a link to {path} came for {name}.")


def axe_look(page: Page) -> list[str]:
    """What axe finds that is serious or critical: the rule, and where it is broken."""
    answer = Axe().run(page, options={"resultTypes": ["violations"]}).response
    found = [one for one in answer["violations"] if one["impact"] in {"serious", "critical"}]
    return [f"{one['id']}: {node['html']}" for one in found for node in one["nodes"]]


def _mails(folder: Path) -> Iterator[Message]:
    """As Django's mail backend for files keeps them: a line of dashes after each."""
    for file in folder.glob("*.log"):
        for mail in file.read_text().split("-" * 79 + "\n"):
            yield email.message_from_string(mail)


def _text(mail: Message) -> str:
    for part in mail.walk():
        if part.get_content_type() == "text/plain":
            body = part.get_payload(decode=True)
            assert isinstance(body, bytes)
            return body.decode()
    return ""
