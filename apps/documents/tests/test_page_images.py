"""Pictures of pages: drawn by the worker, kept, marked."""

import io
from contextlib import contextmanager

import pytest
from celery.signals import before_task_publish
from PIL import Image

from apps.documents import page_images, selectors, tasks
from apps.documents.tests.factories import file_lose, parsed, pdf_bytes, upload, version_of
from chatbot.lib.errors import NotFoundError, UnavailableError

pytestmark = pytest.mark.django_db(transaction=True)

PAGE_RENDER = "apps.documents.tasks.page_render"


@contextmanager
def worker_at_hand():
    """Runs the task as soon as it is published. Yields the list of what was published."""
    published = []

    def work(sender, body, **_):
        if sender == PAGE_RENDER:
            published.append(body[0])
            tasks.page_render(*body[0])

    before_task_publish.connect(work)
    try:
        yield published
    finally:
        before_task_publish.disconnect(work)


@pytest.fixture
def document(ada):
    document = upload(ada, pdf_bytes("Hello", "World"), "a.pdf")
    parsed(document)
    return document


def picture(content):
    return Image.open(io.BytesIO(content)).convert("RGB")


def test_a_page_is_drawn_once_and_kept(ada, document):
    with worker_at_hand() as published:
        first = selectors.page_image(user=ada, document_id=document.pk, page=2)
        assert selectors.page_image(user=ada, document_id=document.pk, page=2) == first
    assert len(published) == 1
    assert picture(first).width == pytest.approx(page_images.WIDTH_PIXELS, abs=1)


async def test_the_loop_is_free_while_a_page_is_drawn(ada, document):
    with worker_at_hand():
        image = await selectors.page_image_async(user=ada, document_id=document.pk, page=1, boxes=[(0, 0, 1, 1)])
    assert image.startswith(b"\x89PNG")


def test_passages_are_marked_and_letters_stay_black(ada, document):
    box = tuple(version_of(document).sections.get(page=1).boxes[0][2:])
    with worker_at_hand():
        plain = picture(selectors.page_image(user=ada, document_id=document.pk, page=1))
        marked = picture(selectors.page_image(user=ada, document_id=document.pk, page=1, boxes=[box]))
    width, height = plain.size
    inside = [round(value) for value in (box[0] * width, box[1] * height, box[2] * width, box[3] * height)]
    assert marked.crop(inside).getextrema()[2][1] < 200
    assert min(marked.crop(inside).convert("L").tobytes()) < 40
    assert marked.getpixel((5, 5)) == plain.getpixel((5, 5)) == (255, 255, 255)


def test_pages_that_do_not_exist_are_not_found(ada, document):
    for page in (0, 3, -1, 10**9):
        with pytest.raises(NotFoundError):
            selectors.page_image(user=ada, document_id=document.pk, page=page)


def test_documents_without_pages_say_so(ada):
    text = upload(ada, b"Hello")
    parsed(text)
    with pytest.raises(NotFoundError) as caught:
        selectors.page_image(user=ada, document_id=text.pk, page=1)
    assert "Only PDF documents" in caught.value.title


def test_without_a_worker_the_person_is_asked_to_try_again(ada, document, monkeypatch):
    monkeypatch.setattr(page_images, "WAIT_SECONDS", 0.1)
    monkeypatch.setattr(page_images, "_POLL_SECONDS", 0.1)
    with pytest.raises(UnavailableError, match="try again"):
        selectors.page_image(user=ada, document_id=document.pk, page=1)


def test_a_page_that_cannot_be_drawn_is_not_found(ada, document):
    file_lose(version_of(document))
    with worker_at_hand(), pytest.raises(NotFoundError, match="cannot be shown"):
        selectors.page_image(user=ada, document_id=document.pk, page=1)


def test_a_picture_of_a_version_that_has_gone_is_not_kept(ada, document):
    version_id = version_of(document).pk
    document.delete()
    tasks.page_render(str(version_id), 1, page_images.answer_key_new())
    from django.core.files.storage import default_storage

    assert (
        not default_storage.exists(page_images.folder_key(version_id))
        or not default_storage.listdir(page_images.folder_key(version_id))[1]
    )


def test_reading_makes_way_for_a_page_that_somebody_waits_for(ada, monkeypatch):
    from apps.documents import reading

    monkeypatch.setattr(reading, "BATCH_UNITS", 1)
    document = upload(ada, pdf_bytes("One", "Two", "Three"), "a.pdf")
    version = version_of(document)
    answer_key = page_images.answer_key_new()
    page_images.wanted_mark(answer_key)
    assert page_images.page_is_wanted()
    assert reading.version_parse_step(version_id=version.pk) is True
    assert version_of(document).pages_done == 1
    page_images.answer_send(answer_key, is_done=True)
    assert not page_images.page_is_wanted()
    assert reading.version_parse_step(version_id=version.pk) is False
    assert version_of(document).pages_done == 3
