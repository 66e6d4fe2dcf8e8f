"""Which questions need all of a text, in four languages."""

import pytest

from apps.rag.questions.kinds import QuestionKind, is_aggregate, question_kind

COUNTS = """
How many contracts are in this collection?
How many times is Acme mentioned?
How often does the word turbine appear?
How many different suppliers are listed in the report?
How many people are named in the contract?
Count all the invoices
Wie viele Klauseln hat der Vertrag?
Wie oft wird Müller erwähnt?
Wie viele Lieferanten werden genannt?
Combien de fois Paris est-il cité ?
¿Cuántas veces aparece Madrid?
"""
LISTS = """
List all suppliers
Please list the products named in the report
What are all the deadlines?
Give me a complete list of the risks
Show me all dates
Which of my documents mention asbestos?
Nenne alle Lieferanten
Liste die Fristen auf
Quels sont tous les fournisseurs ?
Énumère tous les risques
¿Cuáles son todos los plazos?
Enumera todas las obligaciones
"""
SUMMARIES = """
Summarise this document
What is this document about?
What are the key points of this report?
Fasse den Bericht zusammen
Résume le rapport
Resume el informe
"""
LOOKUPS = """
How many days of paid holiday do I get?
How many employees did Acme have in 2020?
How many people live in Warsaw?
How many times can I extend the loan?
When did Buyantu resume testing potential employees?
What does the list price include?
Who is listed as the author?
Which countries does the Rhine flow through?
What does the handbook say about travel?
Wie viele Urlaubstage habe ich?
Combien de jours de congé ai-je ?
¿Cuántos días de vacaciones tengo?
"""


def cases(kind, lines):
    return [pytest.param(line, kind, id=line) for line in lines.strip().splitlines()]


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        *cases(QuestionKind.COUNT, COUNTS),
        *cases(QuestionKind.LIST, LISTS),
        *cases(QuestionKind.SUMMARY, SUMMARIES),
        *cases(QuestionKind.LOOKUP, LOOKUPS),
    ],
)
def test_kinds(question, kind):
    assert question_kind(question) is kind
    assert is_aggregate(kind) is (kind is not QuestionKind.LOOKUP)


def test_what_was_pasted_does_not_decide():
    pasted = "word " * 300 + "list all of them. " + "word " * 300
    assert question_kind(f"What is the warranty? {pasted} Thank you.") is QuestionKind.LOOKUP
    assert question_kind(f"{pasted} Summarise this document") is QuestionKind.SUMMARY
