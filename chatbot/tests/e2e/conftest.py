"""Fixtures of the browser journeys: Chromium, the running product, a scripted model, and ada signed in."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, StorageState, expect, sync_playwright

from apps.llm.testing import FakeModelServer
from chatbot.dev.checks import chromium_find
from chatbot.dev.layout import Layout
from chatbot.dev.services import port_free
from chatbot.tests.e2e.stack import Stack
from chatbot.tests.e2e.steps import expect_in, sign_in

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# A busy machine with a real language model on it is slow.
PATIENCE_MS = 30_000

expect.set_options(timeout=PATIENCE_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.timeout(300))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Not pytest-playwright's: its session fixtures are what this pytest warns of."""
    chromium = chromium_find()
    if not chromium:
        pytest.fail("Chromium was not found: install it or set CHATBOT_CHROMIUM.")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)


@pytest.fixture(scope="session")
def fake_port() -> int:
    return port_free()


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, fake_port: int) -> Iterator[Stack]:
    models = Layout.from_environment(os.environ).models
    stack = Stack(tmp_path_factory.mktemp("stack"), models=models, fake_url=f"http://127.0.0.1:{fake_port}")
    with ExitStack() as running:
        # The start asks both model servers what they have.
        with FakeModelServer(port=fake_port):
            running.enter_context(stack)
        yield stack


@pytest.fixture(autouse=True)
def fake(fake_port: int) -> Iterator[FakeModelServer]:
    """The model that says what the journey tells it to. Always there: one that is missed is hidden for a minute."""
    with FakeModelServer(port=fake_port) as server:
        yield server


@pytest.fixture(scope="session")
def signed_in(browser: Browser, stack: Stack) -> StorageState:
    """Ada's cookies, from the sign-in page."""
    with browser.new_context(base_url=stack.url) as context:
        page = context.new_page()
        sign_in(page, "Ada")
        expect_in(page)
        return context.storage_state()


@pytest.fixture
def context(browser: Browser, stack: Stack, signed_in: StorageState) -> Iterator[BrowserContext]:
    with browser.new_context(base_url=stack.url, storage_state=signed_in) as context:
        yield context


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page of ada's whose scripts must not fail and whose content security policy nothing may offend."""
    page = context.new_page()
    complaints = _listened(page)
    yield page
    assert not complaints


@pytest.fixture(scope="session")
def addresses() -> Iterator[str]:
    return (f"203.0.113.{number}" for number in count(1))


@pytest.fixture
def visit(browser: Browser, stack: Stack, addresses: Iterator[str]) -> Iterator[Callable[[], Page]]:
    """Opens one more browser, in which nobody is signed in, at a network address of its own."""
    complaints: list[list[str]] = []
    with ExitStack() as contexts:

        def open_one() -> Page:
            headers = {"X-Forwarded-For": next(addresses)}
            context = contexts.enter_context(browser.new_context(base_url=stack.url, extra_http_headers=headers))
            page = context.new_page()
            complaints.append(_listened(page))
            return page

        yield open_one
    assert not any(complaints), complaints


def _listened(page: Page) -> list[str]:
    """What the page will complain of."""
    page.set_default_timeout(PATIENCE_MS)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if "Content Security Policy" in line.text else None)
    return complaints
