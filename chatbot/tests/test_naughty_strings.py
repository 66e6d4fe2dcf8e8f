"""Texts that break naive software, through every field: never a 500, and what is kept is what was sent."""

import pytest

from apps.conversations.models import Message
from apps.conversations.tests.factories import conversation_make
from chatbot.tests.api import Api

STRINGS = [
    "' OR 1=1 --",
    '"; DROP TABLE conversations_message; --',
    "%s %d {0} {{ 7*7 }} {% now 'Y' %} ${7*7}",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "../../../etc/passwd",
    "\u202e\u2066right to left\u2069",
    "\ufeffbyte order mark",
    "\u0000",
    "\ud800",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1fa\U0001f1f3",
    "Z\u0351\u036b\u0343\u0348\u0317\u032daalgo",
    "a\u2028\u2029\u0085b",
    "\x01\x1b[31m\x7f",
    "İıſẞß",
    "ﷺ" * 50,
    "1e309",
    "NaN",
    "null",
    "[[1,2],3]",
    "\\",
    "[1](javascript:alert(1)) [99] [^1]",
    "a" * 10_000,
]
# What the database cannot hold or no encoding carries.
UNSTORABLE = {"\u0000", "\ud800"}


@pytest.fixture
def ada_api(client_ada):
    return Api(client_ada)


@pytest.mark.parametrize("text", STRINGS, ids=ascii)
def test_questions_are_kept_as_sent_or_refused(ada_api, ada, chat_model, text):
    talk = conversation_make(ada)
    path = f"/conversations/{talk.pk}/messages"
    answer = ada_api("post", path, {"content": text}, Accept="application/json")
    if text in UNSTORABLE:
        assert answer.status_code in {400, 422}
        assert not Message.objects.exists()
    else:
        assert answer.status_code == 202
        assert ada_api("get", f"/conversations/{talk.pk}").json()["messages"][0]["content"] == text


@pytest.mark.parametrize("text", STRINGS, ids=ascii)
def test_no_field_breaks_on_a_text(ada_api, client, ada, text):
    from urllib.parse import quote

    encoded = quote(text.encode("utf-8", "surrogatepass"))
    answers = [
        ada_api("post", "/conversations", {"title": text, "system_prompt": text, "model": text}),
        ada_api("post", "/conversations", {"params": text}),
        ada_api("get", f"/conversations?q={encoded}"),
        ada_api("get", f"/conversations?cursor={encoded}"),
        ada_api("get", f"/documents?q={encoded}&status={encoded}"),
        ada_api("get", f"/conversations/{encoded}"),
        ada_api("post", "/auth/login", {"email": text, "password": text}),
        ada_api("post", "/auth/refresh", {"refresh": text}),
        client.post("/accounts/login/", {"login": text.encode("utf-8", "surrogatepass"), "password": "x"}),
    ]
    assert [answer.status_code for answer in answers if answer.status_code >= 500] == []
