"""Thumbs on replies."""

import pytest
from django.urls import reverse

from apps.audit.models import Event
from apps.conversations.models import Feedback, Message
from apps.conversations.sharing import conversation_share
from apps.conversations.tests.factories import conversation_make, reply_make
from chatbot.tests.api import Api

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def answered(ada, model):
    return reply_make(conversation_make(ada, model=model), content="Yes.", state=Message.State.COMPLETE)


def address(message):
    return reverse("conversations:message-feedback", args=[message.pk])


def ratings():
    return list(Feedback.objects.values_list("user__name", "rating", "reason"))


def test_a_thumb_is_pressed_changed_and_taken_back(client_ada, answered):
    fragment = client_ada.post(address(answered), {"rating": "-1"}, headers=HTMX).content.decode()
    assert 'value="0" aria-pressed="true" aria-label="Bad answer"' in fragment
    assert "What was wrong?" in fragment
    fragment = client_ada.post(
        address(answered), {"rating": "-1", "reason": " Too\nold "}, headers=HTMX
    ).content.decode()
    assert ratings() == [("Ada", -1, "Too old")]
    assert "What was wrong?" not in fragment
    page = client_ada.get(reverse("conversations:conversation-detail", args=[answered.conversation_id]))
    assert 'aria-pressed="true" aria-label="Bad answer"' in page.content.decode()
    client_ada.post(address(answered), {"rating": "1"})
    assert ratings() == [("Ada", 1, "")]
    client_ada.post(address(answered), {"rating": "0"}, headers=HTMX)
    assert ratings() == []


def test_the_log_knows_that_and_not_what(client_ada, answered):
    client_ada.post(address(answered), {"rating": "-1", "reason": "secret words"})
    event = Event.objects.get(action="feedback_given")
    assert event.data == {"conversation_id": str(answered.conversation_id), "rating": -1, "has_reason": True}


@pytest.mark.parametrize("form", [{}, {"rating": "2"}, {"rating": "-1", "reason": "x" * 1001}])
def test_nonsense_is_refused(client_ada, answered, form):
    assert client_ada.post(address(answered), form, headers=HTMX).status_code == 422
    assert ratings() == []


def test_the_api_rates_and_takes_back(client_ada, answered):
    api, path = Api(client_ada), f"/messages/{answered.pk}/feedback"
    assert api("put", path, {"rating": 1, "reason": "Good"}).json() == {"rating": 1, "reason": "Good"}
    assert api("put", path, {"rating": -1}).json() == {"rating": -1, "reason": ""}
    assert api("put", path, {"rating": 0}).status_code == 422
    assert api("delete", path).status_code == 204
    assert api("delete", path).status_code == 204
    assert ratings() == []


def test_only_the_asker_rates(client_ben, client_cleo, client_anna, ada, ben, answered):
    for client in (client_ben, client_cleo, client_anna):
        assert client.post(address(answered), {"rating": "1"}).status_code == 404
    conversation_share(actor=ada, conversation_id=answered.conversation_id, grantee_id=ben.pk)
    assert client_ben.post(address(answered), {"rating": "1"}).status_code == 403
    assert Api(client_ben)("put", f"/messages/{answered.pk}/feedback", {"rating": 1}).status_code == 403
    page = client_ben.get(reverse("conversations:conversation-detail", args=[answered.conversation_id]))
    assert "Good answer" not in page.content.decode()
    assert ratings() == []


def test_only_finished_replies_are_rated(client_ada, ada, model, answered):
    open_reply = reply_make(conversation_make(ada, model=model))
    for message in (open_reply, answered.parent):
        assert client_ada.post(address(message), {"rating": "1"}).status_code == 404
