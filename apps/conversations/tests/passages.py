"""Passages as a search would find them."""

from uuid import UUID

from apps.rag.types import Passage


def passage(text: str = "Text.", *, number: int = 1, filename: str = "report.pdf", page: int | None = 3) -> Passage:
    return Passage(
        chunk_id=UUID(int=number),
        document_id=UUID(int=1000 + number),
        version_id=UUID(int=2000 + number),
        filename=filename,
        page=page,
        page_last=page,
        heading_path=("Results",),
        text=text,
        score=0.9,
        dense=0.8,
    )


def passages(*texts: str) -> list[Passage]:
    return [passage(text, number=number) for number, text in enumerate(texts, start=1)]
