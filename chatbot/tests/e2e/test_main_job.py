"""The main job with real models: sign in, upload, ask, read the answer and the page it cites."""

from playwright.sync_api import Page, expect

from chatbot.tests.e2e.steps import GUIDE, answer, ask


def test_upload_ask_and_open_the_cited_page(page: Page) -> None:
    page.goto("/documents/")
    page.get_by_label("Choose files").set_input_files(
        {"name": "site-guide.pdf", "mimeType": "application/pdf", "buffer": GUIDE}
    )
    row = page.get_by_role("listitem").filter(has_text="site-guide.pdf")
    expect(row).to_contain_text("Ready", timeout=120_000)
    expect(row).to_contain_text("3 pages")

    page.get_by_role("link", name="New chat").click()
    ask(page, "Where is the assembly point in a fire?")
    expect(answer(page)).not_to_have_attribute("aria-busy", "true", timeout=120_000)
    expect(answer(page)).to_contain_text("car park")
    source = answer(page).locator("a.source").filter(has_text="site-guide.pdf").first
    expect(source).to_contain_text("page 2")

    answer(page).locator("a.citation").first.click()
    panel = page.get_by_role("dialog", name="Source")
    expect(panel).to_contain_text("The assembly point is the gravel car park")
    expect(panel.get_by_role("img", name="Page 2 of site-guide.pdf")).to_be_visible()
    expect(panel.locator("[data-state=shown]")).to_be_visible()
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(answer(page).locator("a.citation").first).to_be_focused()
