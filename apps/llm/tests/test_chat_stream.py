"""chat_stream: retries, fallback, stopping and the ledger. Other threads write the rows, hence real transactions."""

import asyncio
from contextlib import aclosing
from decimal import Decimal
from uuid import uuid4

import pytest

from apps.llm.exceptions import ProviderError
from apps.llm.ledger import database_call
from apps.llm.models import Inference
from apps.llm.services import chat_stream
from apps.llm.testing import PROMPT_TOKENS, FakeChat, Reply, fake_endpoint
from apps.llm.tests.factories import profile_make
from apps.llm.types import ChatMessage, Finished, TextDelta, Usage

pytestmark = pytest.mark.django_db(transaction=True)
REFERENCE = uuid4()


def stream_of(profile, user=None, workspace=None):
    return chat_stream(
        profile=profile,
        messages=[ChatMessage(role="user", content="Hello? " * 8)],
        purpose="reply",
        workspace_id=workspace.pk if workspace else None,
        user_id=user.pk if user else None,
        reference_id=REFERENCE,
    )


async def collect(profile, **who):
    async with aclosing(stream_of(profile, **who)) as events:
        return [event async for event in events]


def reply_of(profile, **who):
    return asyncio.run(collect(profile, **who))


def ledger():
    return list(Inference.objects.order_by("pk").values_list("model_name", "state", "error_code", "routing_reason"))


@pytest.fixture
def embedded(model_server, settings):
    settings.MODEL_SERVER_URL = model_server.url
    return profile_make(price_input=Decimal(2), price_output=Decimal(10))


def test_a_reply_and_its_row(embedded, ada, workspace):
    *deltas, finished = reply_of(embedded, user=ada, workspace=workspace)
    assert "".join(delta.text for delta in deltas) == "Hello world!"
    usage = Usage(prompt_tokens=PROMPT_TOKENS, completion_tokens=4)
    assert finished == Finished(finish_reason="stop", usage=usage, model=embedded.name)
    row = Inference.objects.get()
    assert (row.profile, row.user, row.workspace, row.reference_id) == (embedded, ada, workspace, REFERENCE)
    assert (row.purpose, row.state, row.error_code, row.routing_reason) == ("reply", "ok", "", "")
    assert (row.prompt_tokens, row.completion_tokens) == (PROMPT_TOKENS, 4)
    assert row.cost == (PROMPT_TOKENS * 2 + 4 * 10) / Decimal(1_000_000)
    assert row.first_token_seconds is not None
    assert 0 < row.first_token_seconds <= row.duration_seconds


def test_the_row_stands_before_finished_is_seen(embedded):
    async def until_finished():
        async with aclosing(stream_of(embedded)) as events:
            async for event in events:
                if isinstance(event, Finished):
                    return await database_call(Inference.objects.count)
        return None

    assert asyncio.run(until_finished()) == 1


def test_a_busy_model_is_tried_again(embedded, model_server):
    model_server.script(Reply(status=429), Reply(status=500))
    assert reply_of(embedded)[-1].model == embedded.name
    assert [row[1:3] for row in ledger()] == [("failed", "rate_limited"), ("failed", "model_unavailable"), ("ok", "")]


def test_a_model_that_is_being_loaded_is_waited_for(embedded, model_server):
    loading = Reply(status=503, body='{"error": {"message": "Loading model"}}')
    model_server.script(loading, loading)
    assert reply_of(embedded)[-1].model == embedded.name


def test_no_long_wait_for_a_busy_model(embedded, model_server):
    model_server.script(Reply(status=429, headers={"Retry-After": "3600"}))
    with pytest.raises(ProviderError, match="busy"):
        reply_of(embedded)
    assert len(ledger()) == 1


def test_a_wrong_key_is_not_tried_again(embedded, model_server):
    model_server.script(Reply(status=401))
    with pytest.raises(ProviderError) as caught:
        reply_of(embedded)
    assert caught.value.code == "auth_failed"
    assert len(ledger()) == 1


def test_another_model_answers_before_the_first_token():
    first = profile_make("first", "first-model")
    profile_make("second", "second-model")
    refused, willing = FakeChat([], error=ProviderError("auth_failed")), FakeChat(["Yes"])
    with fake_endpoint("first", refused), fake_endpoint("second", willing):
        assert reply_of(first)[-1].model == "second-model"
    assert ledger() == [
        ("first-model", "failed", "auth_failed", ""),
        ("second-model", "ok", "", "fallback after auth_failed"),
    ]


def test_when_all_fail_the_chosen_models_error_is_told():
    first = profile_make("first", "first-model")
    profile_make("second", "second-model")
    with (
        fake_endpoint("first", FakeChat([], error=ProviderError("auth_failed"))),
        fake_endpoint("second", FakeChat([], error=ProviderError("model_missing"))),
        pytest.raises(ProviderError) as caught,
    ):
        reply_of(first)
    assert caught.value.code == "auth_failed"
    assert [row[2] for row in ledger()] == ["auth_failed", "model_missing"]


def test_texts_go_to_no_model_that_is_trusted_less():
    first = profile_make("first", "first-model", classification="internal")
    profile_make("remote", "remote-model", classification="public", is_local=False)
    remote = FakeChat()
    with (
        fake_endpoint("first", FakeChat([], error=ProviderError("auth_failed"))),
        fake_endpoint("remote", remote),
        pytest.raises(ProviderError),
    ):
        reply_of(first)
    assert remote.requests == []


def test_local_models_come_first():
    first = profile_make("first", "first-model")
    profile_make("remote", "a-remote-model", is_local=False)
    profile_make("local", "local-model")
    failing, remote, local = FakeChat([], error=ProviderError("auth_failed")), FakeChat(), FakeChat()
    with fake_endpoint("first", failing), fake_endpoint("remote", remote), fake_endpoint("local", local):
        assert reply_of(first)[-1].model == "local-model"


@pytest.mark.parametrize("switch", ["is_enabled", "is_served"])
def test_a_model_that_is_not_offered_is_no_fallback(switch):
    first = profile_make("first", "first-model")
    profile_make("second", "second-model", **{switch: False})
    with (
        fake_endpoint("first", FakeChat([], error=ProviderError("auth_failed"))),
        fake_endpoint("second", FakeChat()),
        pytest.raises(ProviderError),
    ):
        reply_of(first)


def test_a_long_conversation_goes_to_a_model_with_a_larger_context():
    first = profile_make("first", "first-model")
    profile_make("same", "a-model-of-the-same-size")
    profile_make("larger", "larger-model", context_tokens=8192)
    failing, same, larger = FakeChat([], error=ProviderError("context_too_long")), FakeChat(), FakeChat()
    with fake_endpoint("first", failing), fake_endpoint("same", same), fake_endpoint("larger", larger):
        assert reply_of(first)[-1].model == "larger-model"
    assert same.requests == []


def test_after_the_first_token_an_error_is_an_error():
    first = profile_make("first", "first-model")
    profile_make("second", "second-model")
    second = FakeChat()
    texts = []

    async def listen():
        async with aclosing(stream_of(first)) as events:
            async for event in events:
                texts.append(event.text)

    with (
        fake_endpoint("first", FakeChat(["Half of "], error=ProviderError("model_unavailable"))),
        fake_endpoint("second", second),
        pytest.raises(ProviderError) as caught,
    ):
        asyncio.run(listen())
    assert texts == ["Half of "]
    assert caught.value.retryable
    assert second.requests == []
    assert ledger() == [("first-model", "failed", "model_unavailable", "")]


def test_stopping_closes_the_connection_and_is_written_down(embedded, model_server):
    model_server.script(Reply(deltas=["one ", "two "], hold=True))

    async def stop_after_two():
        async with aclosing(stream_of(embedded)) as events:
            return [await anext(events), await anext(events)]

    assert asyncio.run(stop_after_two()) == [TextDelta(text="one "), TextDelta(text="two ")]
    model_server.wait_until(lambda server: server.aborted == 1 and server.active == 0)
    row = Inference.objects.get()
    assert (row.state, row.error_code) == ("stopped", "")
    # The server had no chance to count: estimated.
    assert (row.prompt_tokens, row.completion_tokens) == (15, 2)
    assert row.cost > 0


def test_cancelling_is_stopping(embedded, model_server):
    model_server.script(Reply(deltas=["one "], hold=True))

    async def cancel():
        task = asyncio.create_task(collect(embedded))
        await asyncio.to_thread(model_server.wait_until, lambda server: server.active == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    model_server.wait_until(lambda server: server.aborted == 1)
    assert Inference.objects.get().state == "stopped"


def test_a_model_whose_endpoint_is_off():
    with pytest.raises(ProviderError) as caught:
        reply_of(profile_make())
    assert caught.value.code == "model_missing"
    assert ledger() == [("fake-model", "failed", "model_missing", "")]
