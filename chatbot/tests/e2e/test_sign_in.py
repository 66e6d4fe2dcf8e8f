"""Getting in, and being kept out."""

import re

from playwright.sync_api import Page, expect

from chatbot.tests.e2e.stack import PASSWORD, Stack
from chatbot.tests.e2e.steps import (
    Visit,
    app_set_up,
    code_give,
    confirm,
    enter,
    expect_in,
    expect_message,
    expect_out,
    mailed_link,
    sign_in,
    sign_out,
)

USED = "This code is not right, or it was used already."
WRONG = "E-mail address or password is not right."
CLOSED = re.compile(r"is closed\. Please try again in \d+ seconds?, at \d\d:\d\d UTC\.")
# Built into the device, and sure of who holds it.
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
}


def test_with_an_authenticator_app(visit: Visit) -> None:
    page = enter(visit(), "Tess")
    page.goto("/settings/security/")
    app, codes = app_set_up(page)
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_text("10 left")).to_be_visible()
    expect(page.get_by_text(codes[0])).to_have_count(0)
    sign_out(page)

    sign_in(page, "Tess")
    expect(page.get_by_role("heading", name="Second factor")).to_be_visible()
    page.goto("/documents/")
    expect(page.get_by_role("heading", name="Second factor")).to_be_visible()
    page.get_by_role("button", name="Sign in as somebody else").click()
    expect_out(page)

    sign_in(page, "Tess")
    code = app.code()
    code_give(page, code)
    expect_in(page)
    sign_out(page)

    sign_in(page, "Tess")
    code_give(page, code)
    expect(page.get_by_role("alert").filter(has_text=USED)).to_be_visible()


def test_a_recovery_code_lets_in_once(visit: Visit) -> None:
    page = enter(visit(), "Rita")
    page.goto("/settings/security/")
    _, codes = app_set_up(page)
    sign_out(page)

    sign_in(page, "Rita")
    code_give(page, codes[0])
    expect_in(page)
    expect_message(page, "That recovery code is used up. You have 9 left.")
    sign_out(page)

    sign_in(page, "Rita")
    code_give(page, codes[0])
    expect(page.get_by_role("alert").filter(has_text=USED)).to_be_visible()
    code_give(page, codes[1].upper().replace("-", " "))
    expect_in(page)


def test_a_passkey_in_place_of_the_password_and_after_it(visit: Visit) -> None:
    page = enter(visit(), "Pia")
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    device.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    page.goto("/settings/security/passkeys/add/")
    confirm(page)
    page.get_by_label("Name").fill("Laptop")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("list", name="Recovery codes").get_by_role("listitem")).to_have_count(10)
    page.goto("/settings/security/")
    expect(page.locator(".row-item").filter(has_text="Laptop")).to_contain_text("signs in by itself")
    sign_out(page)

    page.get_by_role("button", name="Sign in with a passkey").click()
    expect_in(page)
    sign_out(page)

    sign_in(page, "Pia")
    page.get_by_role("button", name="Use a passkey").click()
    expect_in(page)


def test_five_wrong_passwords_close_the_account_for_a_while(visit: Visit) -> None:
    lou = _refused_after_five(visit(), "Lou")
    # The account does not open from elsewhere either; others come in from there.
    page = visit()
    sign_in(page, "Lou")
    expect(page.get_by_role("main")).to_contain_text(CLOSED)
    enter(page, "Ben")
    # Nobody has no account, and the words do not tell.
    assert _refused_after_five(visit(), "Nobody") == lou


def _refused_after_five(page: Page, name: str) -> str:
    """What is said to the sixth attempt, which has the right password; without the time."""
    for number in range(5):
        sign_in(page, name, password=f"wrong {number}")
        expect(page.get_by_role("alert")).to_have_text(WRONG)
    sign_in(page, name)
    expect(page.get_by_role("main")).to_contain_text(CLOSED)
    main = page.get_by_role("main").inner_text()
    return CLOSED.sub("", main).partition("Reference")[0]


def test_a_forgotten_password(visit: Visit, stack: Stack) -> None:
    elsewhere = enter(visit(), "Mona")
    page = visit()
    page.goto("/accounts/login/")
    page.get_by_role("link", name="Forgot your password?").click()
    page.get_by_label("E-mail").fill("mona@example.org")
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_role("heading", name="Look into your mailbox")).to_be_visible()

    link = mailed_link(stack.mails, name="Mona", path="/accounts/password/reset/key/")
    page.goto(link)
    _choose(page, "correct horse battery staple")
    expect(page.locator("#id_password1_error")).to_be_visible()
    chosen = "seven owls below the quarry"
    _choose(page, chosen)
    expect(page.get_by_role("heading", name="Your password is changed")).to_be_visible()

    elsewhere.goto("/documents/")
    expect_out(elsewhere)
    page.goto(link)
    expect(page.get_by_role("heading", name="This link does not work any more")).to_be_visible()
    sign_in(page, "Mona", password=PASSWORD)
    expect(page.get_by_role("alert")).to_have_text(WRONG)
    sign_in(page, "Mona", password=chosen)
    expect_in(page)


def _choose(page: Page, password: str) -> None:
    page.get_by_label("New password").fill(password)
    page.get_by_label("Once more").fill(password)
    page.get_by_role("button", name="Save the password").click()


def test_a_second_factor_that_the_workspace_demands(visit: Visit) -> None:
    ursula = enter(visit(), "Ursula")
    wanda = enter(visit(), "Wanda")
    wanda.goto("/workspace/")
    wanda.get_by_label("User", exact=True).check()
    wanda.get_by_label("Days to set it up").fill("0")
    wanda.get_by_role("button", name="Save the rule").click()
    expect_message(wanda, "The rule for second factors is saved.")

    for path in ("/documents/", "/settings/", "/"):
        ursula.goto(path)
        expect(ursula.get_by_role("heading", name="Security")).to_be_visible()
    expect(ursula.get_by_text("Your workspace asks for a second factor. Set one up to go on.")).to_be_visible()
    app_set_up(ursula)
    ursula.get_by_role("link", name="I have kept them").click()
    expect(ursula.get_by_text("Second factor on", exact=True)).to_be_visible()
    ursula.goto("/")
    expect_in(ursula)
    wanda.goto("/documents/")
    expect(wanda.get_by_role("heading", name="Documents", exact=True)).to_be_visible()
