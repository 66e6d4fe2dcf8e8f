"""A reply from the queue to its end: one worker, any subscribers, a model server that does what it is told."""

import pytest

from apps.conversations.models import Message
from apps.conversations.services import reply_stop
from apps.conversations.tests.factories import reply_make
from apps.conversations.tests.workers import Listener, Worker, listening
from apps.conversations.types import DoneEvent, ErrorEvent, StatusEvent, TokenEvent
from apps.llm.models import Inference
from apps.llm.testing import PROMPT_TOKENS, Reply

pytestmark = pytest.mark.django_db(transaction=True)

WORDS = [f"w{number} " for number in range(30)]
WHOLE = "".join(WORDS)


def test_reply_is_streamed_and_stored(model_server, reply):
    model_server.script(Reply(deltas=WORDS))
    with listening(reply.pk) as (listener,):
        Worker(reply.pk).join()
        listener.wait_end()
    reply.refresh_from_db()
    assert (reply.state, reply.content, reply.finish_reason) == ("complete", WHOLE, "stop")
    assert reply.usage == {"prompt_tokens": PROMPT_TOKENS, "completion_tokens": len(WORDS)}
    assert reply.lease_token is None
    assert listener.text == WHOLE
    assert isinstance(listener.last, DoneEvent)
    assert listener.last.sequence == reply.sequence
    assert Inference.objects.get(reference_id=reply.pk).state == "ok"


def test_events_are_in_order_and_their_numbers_fit_the_text(model_server, reply):
    model_server.script(Reply(deltas=WORDS, gap_seconds=0.01))
    with listening(reply.pk) as (listener,):
        Worker(reply.pk).join()
        listener.wait_end()
    tokens = listener.of(TokenEvent)
    assert len(tokens) > 3
    length = 0
    for token in tokens:
        length += len(token.text)
        assert token.sequence == length
    assert [event.state for event in listener.of(StatusEvent)][-1] == "thinking"


@pytest.mark.parametrize("after_words", [0, 10, 29])
def test_late_subscriber_gets_all_and_a_returning_one_the_rest(model_server, reply, after_words):
    model_server.script(Reply(deltas=WORDS, gate_after=15))
    worker = Worker(reply.pk)
    first = Listener(reply.pk).wait_text("w14 ")
    late = Listener(reply.pk).wait_text("w14 ")
    first.close()
    after = len("".join(WORDS[:after_words]))
    returning = Listener(reply.pk, after=after)
    model_server.release()
    worker.join()
    assert late.wait_end().text == WHOLE
    assert returning.wait_end().text == WHOLE[after:]


def test_many_subscribers_get_the_same(model_server, reply):
    model_server.script(Reply(deltas=WORDS, gap_seconds=0.005))
    with listening(reply.pk, count=20) as listeners:
        Worker(reply.pk).join()
        assert {listener.wait_end().text for listener in listeners} == {WHOLE}


def test_subscriber_after_the_end_gets_all_at_once(model_server, reply):
    Worker(reply.pk).join()
    listener = Listener(reply.pk).wait_end()
    assert listener.text == "Hello world!"
    assert Listener(reply.pk, after=5).wait_end().text == " world!"
    assert Listener(reply.pk, after=12).wait_end().text == ""


def test_place_that_the_reply_never_had_gives_all(model_server, reply):
    Worker(reply.pk).join()
    assert Listener(reply.pk, after=3 * Message.SEQUENCE_SPAN).wait_end().text == "Hello world!"


def test_many_replies_at_once(model_server, conversation, ada):
    from apps.conversations.tests.factories import conversation_make

    replies = [reply_make(conversation_make(ada, model=conversation.model)) for _ in range(10)]
    model_server.default = Reply(deltas=WORDS, gap_seconds=0.01)
    listeners = [Listener(reply.pk) for reply in replies]
    workers = [Worker(reply.pk) for reply in replies]
    for worker in workers:
        worker.join()
    assert {listener.wait_end().text for listener in listeners} == {WHOLE}


def test_history_goes_to_the_model(model_server, reply, conversation):
    Worker(reply.pk).join()
    conversation.refresh_from_db()
    Worker(reply_make(conversation).pk).join()
    roles = [message["role"] for message in model_server.requests[-1]["messages"]]
    assert roles == ["system", "user", "assistant", "user"]


def test_params_go_to_the_model(model_server, conversation):
    reply = reply_make(conversation, params={"temperature": 0.5, "max_tokens": 7})
    Worker(reply.pk).join()
    assert model_server.requests[0]["temperature"] == 0.5
    assert model_server.requests[0]["max_tokens"] == 7


def test_stop_after_the_first_token_keeps_the_text(model_server, reply, ada):
    model_server.script(Reply(deltas=WORDS[:5], hold=True))
    worker = Worker(reply.pk)
    listener = Listener(reply.pk).wait_text("w4 ")
    reply_stop(actor=ada, conversation_id=reply.conversation_id)
    worker.join()
    reply.refresh_from_db()
    assert (reply.state, reply.content, reply.finish_reason) == ("stopped", "".join(WORDS[:5]), "stopped")
    assert listener.wait_end().last.finish_reason == "stopped"
    model_server.wait_until(lambda server: server.aborted == 1)
    assert Inference.objects.get(reference_id=reply.pk).state == "stopped"


def test_stop_before_the_first_token(model_server, reply, ada):
    model_server.script(Reply(deltas=(), hold=True))
    worker = Worker(reply.pk)
    listener = Listener(reply.pk)
    model_server.wait_until(lambda server: server.active == 1)
    reply_stop(actor=ada, conversation_id=reply.conversation_id)
    worker.join()
    reply.refresh_from_db()
    assert (reply.state, reply.content) == ("stopped", "")
    assert isinstance(listener.wait_end().last, DoneEvent)
    model_server.wait_until(lambda server: server.aborted == 1)


def test_stop_while_queued_ends_at_once(reply, ada):
    listener = Listener(reply.pk).wait(lambda listener: bool(listener.events))
    reply_stop(actor=ada, conversation_id=reply.conversation_id)
    assert listener.wait_end().last.finish_reason == "stopped"
    Worker(reply.pk).join()
    reply.refresh_from_db()
    assert reply.state == "stopped"


def test_failure_before_the_first_token(model_server, reply):
    model_server.default = Reply(status=401)
    with listening(reply.pk) as (listener,):
        Worker(reply.pk).join()
        listener.wait_end()
    reply.refresh_from_db()
    assert (reply.state, reply.error_code, reply.content) == ("failed", "auth_failed", "")
    assert isinstance(listener.last, ErrorEvent)
    assert (listener.last.code, listener.last.retryable) == ("auth_failed", False)


def test_failure_after_the_first_token_keeps_the_text(model_server, reply):
    model_server.script(Reply(deltas=WORDS[:5], cut=True))
    with listening(reply.pk) as (listener,):
        Worker(reply.pk).join()
        listener.wait_end()
    reply.refresh_from_db()
    assert (reply.state, reply.content) == ("failed", "".join(WORDS[:5]))
    assert listener.text == reply.content
    assert (listener.last.code, listener.last.retryable) == ("model_unavailable", True)


def test_empty_answer_is_a_failure(model_server, reply):
    model_server.script(Reply(deltas=()))
    Worker(reply.pk).join()
    reply.refresh_from_db()
    assert (reply.state, reply.error_code) == ("failed", "answer_empty")


def test_two_workers_race_for_one_reply(model_server, reply):
    model_server.default = Reply(deltas=WORDS, gap_seconds=0.005)
    with listening(reply.pk) as (listener,):
        workers = [Worker(reply.pk) for _ in range(5)]
        for worker in workers:
            worker.join()
        assert listener.wait_end().text == WHOLE
    assert len(model_server.requests) == 1
    reply.refresh_from_db()
    assert reply.attempt == 0


def test_text_that_cannot_be_stored_is_mended(model_server, reply):
    model_server.script(Reply(deltas=["a\x00b", "\ud83d", " größe 🙂"]))
    with listening(reply.pk) as (listener,):
        Worker(reply.pk).join()
        listener.wait_end()
    reply.refresh_from_db()
    assert reply.state == "complete"
    assert reply.content == listener.text == "ab? größe 🙂"


def test_deleted_conversation_ends_its_reply(model_server, reply, ada):
    from apps.conversations.services import conversation_delete

    model_server.script(Reply(deltas=WORDS[:5], hold=True))
    worker = Worker(reply.pk)
    listener = Listener(reply.pk).wait_text("w4 ")
    conversation_delete(actor=ada, conversation_id=reply.conversation_id)
    worker.join()
    model_server.wait_until(lambda server: server.aborted == 1)
    assert listener.wait_end().last.code == "not_found"


def test_task_of_a_reply_that_is_gone_does_nothing(reply):
    key = reply.pk
    reply.delete()
    Worker(key).join()
