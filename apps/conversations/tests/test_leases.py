"""Who may write a reply, and what becomes of those whose worker died."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from apps.conversations.leases import (
    ATTEMPTS_MAXIMUM,
    Lease,
    Outcome,
    Renewal,
    lease_finish,
    lease_take,
    leases_lapsed_end,
    leases_renew,
    replies_due,
)
from apps.conversations.models import Citation, Message
from apps.conversations.tests.factories import conversation_make, message_make, reply_make

pytestmark = pytest.mark.django_db

PAST = timedelta(seconds=-30)


def lapse(reply: Message, **fields) -> None:
    """As when the worker died half a minute ago."""
    past = timezone.now() + PAST
    Message.objects.filter(pk=reply.pk).update(lease_expires_at=past, enqueued_at=past, **fields)


def take(reply: Message) -> Lease:
    lease = lease_take(reply.pk)
    assert lease is not None
    return lease


def renewal(lease: Lease, content: str | None = None) -> Renewal:
    return Renewal(message_id=lease.message_id, token=lease.token, phase="thinking", content=content)


def done(content="Because.") -> Outcome:
    return Outcome(state=Message.State.COMPLETE, content=content, finish_reason="stop")


def test_lease_brings_what_the_worker_needs(ada, model, django_assert_num_queries):
    documents = [uuid4(), uuid4()]
    conversation = conversation_make(
        ada, model=model, system_prompt="Be brief.", use_documents=True, document_ids=documents
    )
    reply = reply_make(conversation, params={"temperature": 0.5})
    with django_assert_num_queries(1):
        lease = take(reply)
    assert (lease.attempt, lease.base) == (0, 0)
    assert (lease.parent_id, lease.model_id, lease.owner_id) == (reply.parent_id, model.pk, ada.pk)
    assert lease.params == {"temperature": 0.5}
    assert (lease.system_prompt, lease.searches) == ("Be brief.", False)
    assert lease.document_ids == tuple(documents)
    reply.refresh_from_db()
    assert (reply.state, reply.phase, reply.lease_token) == ("running", "thinking", lease.token)
    assert reply.lease_expires_at is not None
    assert reply.lease_expires_at > timezone.now() + timedelta(seconds=5)


def test_lease_is_given_once(reply):
    assert lease_take(reply.pk)
    assert lease_take(reply.pk) is None


@pytest.mark.parametrize("state", ["complete", "stopped", "failed"])
def test_ended_reply_is_not_begun_again(conversation, state):
    assert lease_take(reply_make(conversation, state=state).pk) is None


def test_question_is_no_job(conversation):
    assert lease_take(message_make(conversation, state="queued").pk) is None


def test_lapsed_lease_goes_to_the_next_attempt_and_the_old_worker_is_refused(reply):
    zombie = take(reply)
    assert leases_renew([renewal(zombie, "Half an ans")]) == {reply.pk: False}
    lapse(reply)
    lease = take(reply)
    assert (lease.attempt, lease.base) == (1, Message.SEQUENCE_SPAN)
    reply.refresh_from_db()
    assert reply.content == ""
    assert leases_renew([renewal(zombie, "Zombie")]) == {}
    assert not lease_finish(zombie, done("Zombie"))
    assert lease_finish(lease, done())
    assert not lease_finish(lease, done("Twice"))
    reply.refresh_from_db()
    assert (reply.state, reply.content, reply.attempt) == ("complete", "Because.", 1)


def test_renewal_of_many_is_one_query(ada, model, django_assert_num_queries):
    leases = [take(reply_make(conversation_make(ada, model=model))) for _ in range(5)]
    Message.objects.filter(pk=leases[1].message_id).update(stop_requested=True)
    with django_assert_num_queries(1):
        answer = leases_renew([renewal(lease, f"text {number}") for number, lease in enumerate(leases)])
    assert answer == {lease.message_id: number == 1 for number, lease in enumerate(leases)}
    assert Message.objects.get(pk=leases[3].message_id).content == "text 3"
    leases_renew([renewal(leases[3])])
    assert Message.objects.get(pk=leases[3].message_id).content == "text 3"


def test_end_is_one_query_without_citations(reply, django_assert_num_queries):
    lease = take(reply)
    with django_assert_num_queries(1):
        lease_finish(lease, done())


def test_lost_lease_writes_no_citations(reply):
    lease = take(reply)
    lapse(reply)
    lease_take(reply.pk)
    citation = Citation(
        workspace_id=lease.workspace_id,
        message_id=reply.pk,
        index=1,
        chunk_id=uuid4(),
        filename="a",
        quote="b",
        score=1,
    )
    assert not lease_finish(lease, done(), [citation])
    assert not Citation.objects.exists()


def test_reply_that_killed_five_workers_fails_and_keeps_its_text(reply):
    lease_take(reply.pk)
    lapse(reply, attempt=ATTEMPTS_MAXIMUM - 1, content="Half")
    assert lease_take(reply.pk) is None
    assert leases_lapsed_end() == [reply.pk]
    reply.refresh_from_db()
    assert (reply.state, reply.error_code, reply.content) == ("failed", "worker_lost", "Half")
    assert reply.error_detail
    assert leases_lapsed_end() == []


def test_stopped_reply_whose_worker_died_keeps_its_text(reply):
    lease_take(reply.pk)
    lapse(reply, stop_requested=True, content="Half")
    assert lease_take(reply.pk) is None
    assert leases_lapsed_end() == [reply.pk]
    reply.refresh_from_db()
    assert (reply.state, reply.finish_reason, reply.content) == ("stopped", "stopped", "Half")


def due() -> list[UUID]:
    return replies_due(queued_seconds=5, again_seconds=5)


def test_waiting_replies_are_due_once(reply):
    assert due() == []
    lapse(reply)
    assert due() == [reply.pk]
    assert due() == []


def test_replies_of_dead_workers_are_due(reply):
    lease_take(reply.pk)
    assert due() == []
    lapse(reply)
    assert due() == [reply.pk]
    assert due() == []


def test_replies_of_living_workers_are_not_due(reply):
    lease = take(reply)
    lapse(reply)
    leases_renew([renewal(lease)])
    assert due() == []
    assert leases_lapsed_end() == []
