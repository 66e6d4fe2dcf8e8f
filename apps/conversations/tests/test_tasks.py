"""The reconciler, and a real worker that is killed in mid-reply."""

import os
import subprocess
import sys
from contextlib import contextmanager

import pytest
from django.conf import settings as live_settings
from django.db import connection

from apps.conversations.services import message_send
from apps.conversations.tasks import replies_reconcile
from apps.conversations.tests.factories import conversation_make, reply_make
from apps.conversations.tests.test_leases import lapse
from apps.conversations.tests.workers import Listener, wait_until
from apps.conversations.types import ResetEvent
from apps.llm.testing import Reply
from chatbot.lib.valkey import valkey

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.long_file]

WORDS = [f"w{number} " for number in range(40)]
WHOLE = "".join(WORDS)


@pytest.fixture
def queue():
    """The queue's name, its messages taken out before and after."""
    name = live_settings.CELERY_TASK_DEFAULT_QUEUE
    valkey().delete(name)
    yield name
    valkey().delete(name)


def test_lost_replies_are_enqueued_once(queue, reply):
    lapse(reply)
    replies_reconcile()
    replies_reconcile()
    assert valkey().llen(queue) == 1


def test_replies_that_wait_behind_others_are_left_alone(queue, ada, model, reply):
    lapse(reply)
    valkey().rpush(queue, "something")
    replies_reconcile()
    assert valkey().llen(queue) == 1


def test_reply_that_was_begun_too_often_ends_for_its_subscribers(reply):
    listener = Listener(reply.pk).wait(lambda listener: bool(listener.events))
    lapse(reply, state="running", attempt=4)
    replies_reconcile()
    assert listener.wait_end().last.code == "worker_lost"


@contextmanager
def celery_worker(**environment):
    """A worker as in production, on the tests' database."""
    database = live_settings.DATABASE_URL.replace("/chatbot?", f"/{connection.settings_dict['NAME']}?")
    options = ["--pool", "threads", "--concurrency", "4", "--queues", live_settings.CELERY_TASK_DEFAULT_QUEUE]
    process = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "chatbot.celery", "worker", *options, "--loglevel", "WARNING"],
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "chatbot.settings",
            "CHATBOT_DATABASE_URL": database,
            "CHATBOT_REPLY_LEASE_SECONDS": "2",
            **environment,
        },
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_reply_survives_the_kill_of_its_worker(queue, model_server, ada, model):
    model_server.script(Reply(deltas=WORDS[:20], hold=True))
    environment = {"CHATBOT_MODEL_SERVER_URL": model_server.url}
    with celery_worker(**environment) as worker:
        _, reply = message_send(actor=ada, conversation_id=conversation_make(ada, model=model).pk, content="Why?")
        listener = Listener(reply.pk).wait_text("w19 ")
        worker.kill()
        worker.wait()
    model_server.script(Reply(deltas=WORDS))
    with celery_worker(**environment):
        wait_until(lambda: _reconciled(reply))
        assert listener.wait_end().text == WHOLE
    assert len(listener.of(ResetEvent)) == 1
    reply.refresh_from_db()
    assert (reply.state, reply.content, reply.attempt) == ("complete", WHOLE, 1)


def _reconciled(reply):
    """What beat does, until somebody has the reply again."""
    replies_reconcile()
    reply.refresh_from_db()
    return reply.attempt == 1


def test_worker_that_starts_late_finds_what_waits(queue, model_server, conversation):
    reply = reply_make(conversation)
    lapse(reply)
    replies_reconcile()
    model_server.script(Reply(deltas=WORDS))
    listener = Listener(reply.pk)
    with celery_worker(CHATBOT_MODEL_SERVER_URL=model_server.url):
        assert listener.wait_end().text == WHOLE
