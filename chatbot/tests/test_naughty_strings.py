"""Texts that break naive software, as questions: what is kept is what was sent."""

import pytest

from apps.conversations.models import Message
from apps.conversations.tests.factories import conversation_make
from chatbot.testing.hostile.payloads import PAYLOADS, REDIRECT
from chatbot.tests.api import Api

TEXTS = [payload.text for payload in PAYLOADS if payload.kind != REDIRECT]


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: ascii(text[:40]))
def test_questions_are_kept_as_sent_or_refused(client_ada, ada, chat_model, text):
    api, talk = Api(client_ada), conversation_make(ada)
    answer = api("post", f"/conversations/{talk.pk}/messages", {"content": text}, Accept="application/json")
    # What the database cannot hold or no encoding carries, and spaces of any kind alone.
    if "\x00" in text or "\ud800" in text or not text.strip():
        assert answer.status_code == 422
        assert not Message.objects.exists()
    else:
        assert answer.status_code == 202
        assert api("get", f"/conversations/{talk.pk}").json()["messages"][0]["content"] == text
