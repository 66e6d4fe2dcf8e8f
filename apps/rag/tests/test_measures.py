"""Financial measures in questions, in four languages."""

import pytest

from apps.rag.questions.measures import measures_spelled_out
from apps.rag.search import search
from apps.rag.tests.factories import indexed, section, sentences
from apps.rag.types import SearchMode, SearchQuery

MEASURES = [
    ("What is the current ratio of Acme in FY2022?", "total current assets, total current liabilities"),
    ("what is EBITDA for acme in 2021?", "operating income, depreciation and amortization"),
    ("Does Acme have an improving gross margin?", "cost of sales, cost of goods sold, gross profit"),
    ("What is the days sales outstanding?", "accounts receivable"),
    ("What was the company's return on average equity?", "total shareholders' equity"),
    ("Wie hoch war die Eigenkapitalquote der Acme AG im Jahr 2021?", "Eigenkapital, Bilanzsumme"),
    ("Quel est le taux d’endettement de la société en 2020 ?", "dettes financières, emprunts"),
    ("¿Cuál fue el margen bruto de la empresa en el año?", "importe neto de la cifra de negocios"),
]
OTHERS = """
How many days of holiday do I get?
Why did the gross margin fall?
What drove the change of the effective tax rate?
What is the adjusted EBITDA?
Is EPS expected to grow?
What does working capital mean?
How is the quick ratio calculated?
Wie wird die Eigenkapitalquote berechnet?
What gearing was used on steam turbines?
Is the ebitdas project finished?
"""
ASKED_MANY = "Explain EBITDA, EPS, ROA, ROE, ROCE and the quick ratio."


@pytest.mark.parametrize(("text", "lines"), MEASURES)
def test_measures_come_with_the_lines_they_are_computed_from(text, lines):
    spelled_out = measures_spelled_out(text)

    assert spelled_out.startswith(f"{text} ")
    assert lines in spelled_out


@pytest.mark.parametrize("text", [*OTHERS.strip().split("\n"), ASKED_MANY, ""])
def test_other_questions_stay_as_they_are(text):
    assert measures_spelled_out(text) == text


def test_lines_that_measures_share_come_once():
    spelled_out = measures_spelled_out("What are operating margin and net margin?")

    assert spelled_out.count("net sales, revenue") == 1
    assert spelled_out.count("consolidated statements of income") == 1


@pytest.mark.django_db
@pytest.mark.parametrize("mode", [SearchMode.KEYWORD, SearchMode.HYBRID])
def test_the_balance_sheet_is_found_without_its_words(ada, embedder, mode):
    pages = [section(f"The ratio of Acme {sentences(15, 'factory')}", page=number) for number in range(1, 5)]
    sheet = "Consolidated Balance Sheets\nTotal current assets | 8,802\nTotal current liabilities | 8,979"
    sheet += f"\n{sentences(12, 'warehouse')}"
    indexed(ada, *pages, section(sheet, page=5), filename="acme.pdf")

    def best(text: str):
        return search(user=ada, query=SearchQuery(text=text, mode=mode, rerank=False)).passages[0].page

    assert best("current ratio of Acme") == 5
    assert best("ratio of Acme") != 5
