from uuid import uuid4

import pytest

from apps.documents.models import Collection
from apps.rag.models import Chunk
from apps.rag.selectors import chunk_boxes, chunk_require, passages_of
from apps.rag.tests.factories import indexed
from chatbot.lib.errors import NotFoundError

pytestmark = pytest.mark.django_db


@pytest.fixture
def paged(ada, embedder):
    return indexed(
        ada,
        {
            "text": "First line\nsecond line.",
            "page": 1,
            "boxes": [[0, 10, 0.1, 0.1, 0.9, 0.2], [11, 23, 0.1, 0.2, 0.9, 0.3]],
        },
        {"text": "Next page.", "page": 2, "boxes": [[0, 10, 0.1, 0.1, 0.5, 0.2]]},
        {"text": "Other heading.", "page": 2, "heading_path": ["Other"], "boxes": [[0, 14, 0.1, 0.5, 0.5, 0.6]]},
    )


def test_boxes_of_a_passage_by_page(ada, paged):
    # So little text is one passage, also under two headings.
    passage = Chunk.objects.get()

    assert chunk_boxes(user=ada, chunk_id=passage.pk) == {
        1: [[0.1, 0.1, 0.9, 0.2], [0.1, 0.2, 0.9, 0.3]],
        2: [[0.1, 0.1, 0.5, 0.2], [0.1, 0.5, 0.5, 0.6]],
    }


def test_only_lines_within_the_passage_are_marked(ada, embedder):
    lines = [f"Sentence number {number} is one line of the page." for number in range(80)]
    starts = [sum(len(line) + 1 for line in lines[:number]) for number in range(80)]
    boxes = [
        [start, start + len(line), 0, n / 80, 1, (n + 1) / 80]
        for n, (start, line) in enumerate(zip(starts, lines, strict=True))
    ]
    indexed(ada, {"text": "\n".join(lines), "page": 1, "boxes": boxes})

    chunks = Chunk.objects.order_by("ordinal")
    marked = [chunk_boxes(user=ada, chunk_id=chunk.pk)[1] for chunk in chunks]
    assert len(marked) > 1
    assert [box for part in marked for box in part] == [box[2:] for box in boxes]
    assert all(len(part) == chunk.text.count("Sentence") for part, chunk in zip(marked, chunks, strict=True))


def test_text_without_pages_has_no_boxes(ada, embedder):
    indexed(ada, "text")

    assert chunk_boxes(user=ada, chunk_id=Chunk.objects.get().pk) == {}


def test_strangers_get_nothing(ada, ben, cleo, workspace, paged):
    chunk = Chunk.objects.first()
    assert chunk

    assert chunk_require(user=ada, chunk_id=chunk.pk) == chunk
    for stranger in (ben, cleo):
        for read in (chunk_require, chunk_boxes):
            with pytest.raises(NotFoundError):
                read(user=stranger, chunk_id=chunk.pk)
        assert passages_of(user=stranger, chunk_ids=[chunk.pk]) == {}
    with pytest.raises(NotFoundError):
        chunk_require(user=ada, chunk_id=uuid4())
    paged.document.collection = Collection.objects.create(workspace=workspace, owner=ada, visibility="workspace")
    paged.document.save()
    assert chunk_boxes(user=ben, chunk_id=chunk.pk)
    with pytest.raises(NotFoundError):
        chunk_boxes(user=cleo, chunk_id=chunk.pk)
