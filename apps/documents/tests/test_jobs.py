"""Leases, slices, lost workers, cancelling."""

import os
import signal
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from apps.documents import jobs, reading, services, tasks
from apps.documents.models import DocumentVersion
from apps.documents.signals import document_parsed
from apps.documents.tests.factories import lease, parsed, pdf_bytes, upload, version_of

PAGES = [f"# Part {number}\nThe number of this part is {number}." for number in range(1, 8)]


@pytest.fixture
def small_slices(monkeypatch):
    """Two pages a slice, so that seven pages need four."""
    monkeypatch.setattr(reading, "SLICE_UNITS", 2)


@pytest.fixture
def news():
    """Ids of versions that were said to be read."""
    heard = []

    def listen(version_id, **_):
        heard.append(version_id)

    document_parsed.connect(listen)
    yield heard
    document_parsed.disconnect(listen)


def expire_lease(version):
    DocumentVersion.objects.filter(pk=version.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))


def assert_whole(version):
    assert [section.page for section in version.sections.order_by("ordinal")] == list(range(1, 8))
    assert [section.ordinal for section in version.sections.order_by("ordinal")] == list(range(7))
    assert (version.stage, version.pages_done, version.lease_token) == ("index", 7, None)


@pytest.mark.django_db
def test_a_long_document_is_read_in_slices(ada, small_slices):
    document = upload(ada, pdf_bytes(*PAGES), "parts.pdf")
    version_id = version_of(document).pk
    done = []
    while reading.version_parse_step(version_id=version_id):
        version = version_of(document)
        done.append((version.pages_done, version.pages, version.lease_token, version.progress < 0.3))
    assert done == [(2, 7, None, True), (4, 7, None, True), (6, 7, None, True)]
    assert_whole(version_of(document))


@pytest.mark.django_db
def test_slices_give_the_same_as_one_go(ada, monkeypatch):
    content = pdf_bytes(*PAGES)
    whole = parsed(upload(ada, content, "a.pdf"))
    monkeypatch.setattr(reading, "SLICE_UNITS", 1)
    sliced = parsed(upload(ada, content, "b.pdf"))
    fields = ("ordinal", "page", "heading_path", "kind", "text", "boxes")
    assert list(whole.sections.order_by("ordinal").values_list(*fields)) == list(
        sliced.sections.order_by("ordinal").values_list(*fields)
    )


@pytest.mark.django_db
def test_news_is_sent_once_when_the_text_stands(ada, news, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=False):
        document = upload(ada, b"Hello")
    with django_capture_on_commit_callbacks(execute=True):
        parsed(document)
        reading.version_parse_step(version_id=version_of(document).pk)
    assert news == [version_of(document).pk]


@pytest.mark.django_db
def test_two_tasks_for_one_version_do_not_read_twice(ada):
    document = upload(ada, pdf_bytes(*PAGES), "parts.pdf")
    version = version_of(document)
    assert jobs.version_lease_take(version_id=version.pk, stage="parse")
    assert reading.version_parse_step(version_id=version.pk) is False
    assert not version.sections.exists()
    expire_lease(version)
    assert_whole(parsed(document))
    assert parsed(document).sections.count() == 7


@pytest.mark.django_db
def test_a_worker_that_lost_its_lease_writes_nothing(ada, monkeypatch):
    document = upload(ada, pdf_bytes(*PAGES), "parts.pdf")
    version = version_of(document)
    token = lease(version, "parse")
    expire_lease(version)
    assert jobs.version_lease_take(version_id=version.pk, stage="parse")
    assert jobs.held_version(version_id=version.pk, token=token) is None
    assert jobs.version_slice_end(version_id=version.pk, token=token) is False
    assert jobs.version_parsed(version_id=version.pk, token=token) is False
    assert jobs.version_failed(version_id=version.pk, code="x", detail="x", token=token) is False


@pytest.mark.django_db(transaction=True)
def test_reading_goes_on_after_the_process_was_killed(ada, small_slices):
    """The child dies in the middle of the second slice; nothing of that slice stands, nothing stands twice."""
    from django.db import connection

    document = upload(ada, pdf_bytes(*PAGES), "parts.pdf")
    version = version_of(document)
    assert reading.version_parse_step(version_id=version.pk) is True
    connection.close()
    child = os.fork()
    if child == 0:
        token = lease(version, "parse")
        from django.db import transaction

        with transaction.atomic():
            jobs.held_version(version_id=version.pk, token=token)
            DocumentVersion.objects.filter(pk=version.pk).update(pages_done=4)
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    lost = version_of(document)
    assert (lost.pages_done, lost.attempts) == (2, 1)
    assert lost.lease_token
    expire_lease(lost)
    assert_whole(parsed(document))
    assert version_of(document).attempts == 0


@pytest.mark.django_db
def test_a_file_that_kills_its_process_three_times_fails(ada):
    document = upload(ada, b"Hello")
    version = version_of(document)
    for _ in range(3):
        assert jobs.version_lease_take(version_id=version.pk, stage="parse")
        expire_lease(version)
    assert jobs.version_lease_take(version_id=version.pk, stage="parse") is None
    version.refresh_from_db()
    assert (version.state, version.error_code) == ("failed", "unreadable")
    assert "could not be read" in version.error_detail


@pytest.mark.django_db
def test_a_page_that_takes_too_long_fails_the_document(ada, monkeypatch):
    from billiard.exceptions import SoftTimeLimitExceeded

    def slow(*_args, **_kwargs):
        raise SoftTimeLimitExceeded
        yield

    monkeypatch.setattr(reading, "parser_for", lambda kind: slow)
    version = parsed(upload(ada, b"Hello"))
    assert (version.state, version.error_code) == ("failed", "too_complex")


@pytest.mark.django_db
def test_too_much_text_fails(ada, monkeypatch):
    monkeypatch.setattr(reading, "TEXT_CHARACTERS", 100)
    assert parsed(upload(ada, pdf_bytes(*PAGES), "parts.pdf")).error_code == "too_complex"


@pytest.mark.django_db
def test_cancel_is_seen_between_slices(ada, small_slices):
    document = upload(ada, pdf_bytes(*PAGES), "parts.pdf")
    version = version_of(document)
    assert reading.version_parse_step(version_id=version.pk) is True
    services.document_cancel(actor=ada, document_id=document.pk)
    assert reading.version_parse_step(version_id=version.pk) is False
    version.refresh_from_db()
    assert (version.state, version.pages_done) == ("cancelled", 2)
    assert version.finished_at


@pytest.mark.django_db
def test_cancel_after_the_end_changes_nothing(ada):
    document = upload(ada, b"Hello")
    version = parsed(document)
    services.version_indexed(version_id=version.pk, chunk_count=1)
    services.document_cancel(actor=ada, document_id=document.pk)
    assert version_of(document).state == "indexed"


@pytest.mark.django_db
def test_index_steps_move_the_progress_on(ada):
    version = parsed(upload(ada, b"Hello"))
    token = lease(version, "index")
    assert services.version_progress(version_id=version.pk, token=token, share=0.5, chunk_count=3)
    version.refresh_from_db()
    assert (round(version.progress, 4), version.chunk_count, version.attempts) == (0.65, 3, 0)
    assert services.version_slice_end(version_id=version.pk, token=token)
    assert not services.version_progress(version_id=version.pk, token=token, share=0.6)
    token = lease(version, "index")
    assert services.version_indexed(version_id=version.pk, chunk_count=4, token=token)
    version.refresh_from_db()
    assert (version.state, version.progress, version.chunk_count) == ("indexed", 1.0, 4)
    assert not services.version_failed(version_id=version.pk, code="late", detail="Too late.")


@pytest.mark.django_db
def test_an_index_step_that_always_dies_at_the_same_place_fails(ada):
    version = parsed(upload(ada, b"Hello"))
    for _ in range(3):
        token = lease(version, "index")
        assert services.version_progress(version_id=version.pk, token=token, share=0)
        expire_lease(version)
    assert services.version_lease_take(version_id=version.pk, stage="index") is None
    version.refresh_from_db()
    assert version.state == "failed"


@pytest.mark.django_db
def test_a_version_that_has_gone_is_no_error():
    gone = uuid4()
    tasks.document_parse(str(gone))
    assert services.version_lease_take(version_id=gone, stage="parse") is None
    assert not services.version_failed(version_id=gone, code="x", detail="x")
