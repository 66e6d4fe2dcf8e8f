"""Rows that no worker has are brought in again."""

from datetime import timedelta

import pytest
from celery.signals import before_task_publish
from django.utils import timezone

from apps.documents import services, tasks
from apps.documents.models import DocumentVersion
from apps.documents.signals import document_parsed
from apps.documents.tests.factories import parsed, upload, version_of
from chatbot.lib.valkey import valkey

pytestmark = pytest.mark.django_db
OLD = timedelta(minutes=5)


@pytest.fixture
def published():
    """Ids that `document_parse` was enqueued for; the queue is empty before and after."""
    heard = []

    def listen(sender, body, **_):
        if sender == tasks.document_parse.name:
            heard.append(body[0][0])

    valkey().delete("ingest")
    before_task_publish.connect(listen)
    yield heard
    before_task_publish.disconnect(listen)
    valkey().delete("ingest")


def age(version, **values):
    DocumentVersion.objects.filter(pk=version.pk).update(enqueued_at=timezone.now() - OLD, **values)


def test_a_lost_message_is_sent_again_once(ada, published):
    version = version_of(upload(ada, b"Hello"))
    assert services.versions_reconcile() == 0
    age(version)
    tasks.versions_reconcile()
    assert published == [str(version.pk)]
    valkey().delete("ingest")
    assert services.versions_reconcile() == 0


def test_a_lease_that_ran_out_is_brought_in_and_one_that_runs_is_left(ada, published):
    lost, held = version_of(upload(ada, b"Hello")), version_of(upload(ada, b"Hello"))
    for version in (lost, held):
        assert services.version_lease_take(version_id=version.pk, stage="parse")
        age(version)
    age(lost, lease_expires_at=timezone.now() - timedelta(seconds=1))
    assert services.versions_reconcile() == 1
    assert published == [str(lost.pk)]


def test_nothing_is_repeated_while_messages_wait(ada, published):
    version = version_of(upload(ada, b"Hello"))
    age(version)
    tasks.document_parse.delay(str(version.pk))
    assert services.versions_reconcile() == 0
    assert published == [str(version.pk)]


def test_a_read_version_that_is_not_indexed_is_announced_again(ada, published):
    version = parsed(upload(ada, b"Hello"))
    age(version)
    heard = []

    def listen(version_id, **_):
        heard.append(version_id)

    document_parsed.connect(listen)
    try:
        assert services.versions_reconcile() == 1
    finally:
        document_parsed.disconnect(listen)
    assert heard == [version.pk]
    assert published == []


def test_what_has_ended_stays_ended(ada, published):
    for end in (
        lambda version: services.version_failed(version_id=version.pk, code="x", detail="x"),
        lambda version: services.version_indexed(version_id=version.pk, chunk_count=1),
    ):
        version = version_of(upload(ada, b"Hello"))
        end(version)
        age(version)
    assert services.versions_reconcile() == 0
