"""What people do on the pages, in the journeys' words."""

from playwright.sync_api import Locator, Page, expect

from apps.documents.tests.factories import pdf_bytes
from chatbot.tests.e2e.stack import FAKE_MODEL

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
