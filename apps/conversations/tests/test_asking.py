"""What kind of request a message is."""

import pytest

from apps.conversations.replies.asking import Request, names_documents, request_of

CASES = {
    Request.FACT: [
        "How long is the warranty period?",
        "Who approved the budget of 2023?",
        "warranty period batteries",
        "Is Boeing's business subject to cyclicality?",
        "When did Buyantu resume testing potential government employees?",
        "How can I request annual leave at our company?",
        "Wie viele Tage Urlaub habe ich?",
        "Qui a signé le contrat ?",
        "¿Cuándo empieza el contrato?",
    ],
    Request.WORK: [
        "Write a poem about mountains",
        "Can you help me write a formal email to a partner?",
        "Please translate this into French: good morning",
        "How can I improve my time management skills?",
        "What if the Internet had been invented during the Renaissance?",
        "What is the difference between a list and a tuple in Python?",
        "David has three sisters. Each of them has one brother. How many brothers does David have?",
        "Schreib mir ein Gedicht über Berge",
        "Écris une lettre de motivation",
        "Escribe un poema sobre el mar",
        "Scrivi una poesia sul mare",
        "Schrijf een gedicht over de zee",
    ],
    Request.TALK: ["Hello!", "Good morning", "Thanks a lot", "Who are you?", "Danke!", "Bonjour"],
    Request.DOCUMENT: [
        "Summarise the report",
        "What is this document about?",
        "Give me the key points of the contract",
        "Fasse den Vertrag zusammen",
        "Résume le rapport",
    ],
}


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in CASES.items() for text in texts])
def test_kind_of_request(kind, text):
    assert request_of(text) is kind


def test_long_message_brings_its_own_material():
    assert request_of("Which of these is right? " + "It was a long day at the office. " * 30) is Request.WORK


def test_documents_are_named_or_not():
    assert names_documents("Summarise the report")
    assert not names_documents("Summarise Hamlet")
