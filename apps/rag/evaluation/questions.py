"""Writes to golden questions: by hand, from proposals, from files."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.accounts.models import User
from apps.audit.actions import GOLDEN_QUESTIONS_CHANGED
from apps.audit.services import event_record
from apps.documents.models import Collection
from apps.rag.evaluation.access import collection_judge_require, documents_judged, question_require
from apps.rag.evaluation.expectations import Names, expected_write
from apps.rag.evaluation.reading import Line, golden_read
from apps.rag.evaluation.types import Expected, GoldenFields, LineError
from apps.rag.models import GoldenQuestion
from chatbot.lib.errors import ValidationFailedError

QUESTION_MAXIMUM = 2000
ANSWER_MAXIMUM = 10_000
EXTERNAL_ID_MAXIMUM = 100
# More would take a night on two cores.
QUESTIONS_MAXIMUM = 5000
_TO_WRITE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOutcome:
    """`unchanged`: were there already. With errors and nothing kept `added` is 0."""

    added: int
    unchanged: int
    errors: Sequence[LineError]


@transaction.atomic
def golden_write(
    *, actor: User, collection_id: UUID, fields: GoldenFields, question_id: UUID | None = None
) -> GoldenQuestion:
    """A new golden question, approved at once, or by `question_id` an existing one changed; a proposed one is approved.

    Raises NotFoundError, ForbiddenError, ValidationFailedError.
    """
    collection = collection_judge_require(user=actor, collection_id=collection_id)
    try:
        checked = fields_check(fields, names_of(actor, collection))
    except ValueError as error:
        raise ValidationFailedError(str(error)) from error
    if question_id is None:
        _room_check(collection, 1)
        question = _row(collection, actor, checked, origin=GoldenQuestion.Origin.WRITTEN)
    else:
        question = question_require(user=actor, question_id=question_id)
        if question.collection_id != collection.pk:
            raise ValidationFailedError("The question belongs to another collection.")
        for name, value in _values(checked).items():
            setattr(question, name, value)
        if question.state == GoldenQuestion.State.PROPOSED:
            question.state = GoldenQuestion.State.APPROVED
    question.save()
    _record(actor, collection, change="changed" if question_id else "added", count=1)
    return question


@transaction.atomic
def golden_delete(*, actor: User, question_id: UUID) -> Collection:
    """The question goes, and its results with it. Raises NotFoundError."""
    question = question_require(user=actor, question_id=question_id)
    question.delete()
    _record(actor, question.collection, change="deleted", count=1)
    return question.collection


@transaction.atomic
def golden_decide(*, actor: User, collection_id: UUID, question_ids: Iterable[UUID], is_approved: bool) -> int:
    """Approve or reject questions of the collection. Returns how many changed.

    One that has no right answer yet cannot be approved and stays. Raises NotFoundError, ForbiddenError.
    """
    collection = collection_judge_require(user=actor, collection_id=collection_id)
    state = GoldenQuestion.State.APPROVED if is_approved else GoldenQuestion.State.REJECTED
    rows = GoldenQuestion.objects.filter(collection=collection, pk__in=list(question_ids)).exclude(state=state)
    if is_approved:
        rows = rows.exclude(expected=[], is_unanswerable=False)
    changed = rows.update(state=state)
    if changed:
        _record(actor, collection, change=state.value, count=changed)
    return changed


@transaction.atomic
def golden_propose(
    *,
    actor: User | None,
    collection: Collection,
    fields: GoldenFields,
    origin: GoldenQuestion.Origin,
    message_id: UUID | None = None,
) -> GoldenQuestion:
    """A question that waits for a person's approval. The caller has checked who may; `fields` are resolved."""
    question = _row(collection, actor, fields, origin=origin)
    question.state = GoldenQuestion.State.PROPOSED
    question.message_id = message_id
    question.save()
    _record(actor, collection, change="proposed", count=1)
    return question


@transaction.atomic
def golden_import(
    *,
    actor: User,
    collection_id: UUID,
    content: bytes,
    filename: str,
    qrels: bytes | None = None,
    is_valid_kept: bool = False,
) -> ImportOutcome:
    """Golden questions out of a file: CSV, JSON Lines, or with `qrels` the queries of a BEIR set.

    All or nothing unless `is_valid_kept`. What was imported before (by its id, else by its text) stays as it is.
    Raises NotFoundError, ForbiddenError, ValidationFailedError for a file that is none of these.
    """
    collection = collection_judge_require(user=actor, collection_id=collection_id)
    lines = golden_read(content=content, filename=filename, qrels=qrels)
    fields, errors = _lines_check(lines, names_of(actor, collection))
    known = _known(collection, [each.external_id for each in fields])
    fresh = [each for each in fields if each.external_id not in known]
    unchanged = len(fields) - len(fresh)
    if errors and not is_valid_kept:
        return ImportOutcome(added=0, unchanged=unchanged, errors=errors)
    if fresh:
        _room_check(collection, len(fresh))
        rows = [_row(collection, actor, each, origin=GoldenQuestion.Origin.IMPORTED) for each in fresh]
        # Somebody may import the same file at the same time.
        GoldenQuestion.objects.bulk_create(rows, batch_size=_TO_WRITE, ignore_conflicts=True)
        _record(actor, collection, change="imported", count=len(rows))
    return ImportOutcome(added=len(fresh), unchanged=unchanged, errors=errors)


def names_of(actor: User, collection: Collection) -> Names:
    """The collection's documents as the person sees them. One query."""
    return Names(documents_judged(user=actor, collection_id=collection.pk).values_list("pk", "filename"))


def fields_check(fields: GoldenFields, names: Names) -> GoldenFields:
    """The fields with their documents resolved. Raises ValueError with a sentence for people."""
    question, answer = fields.question.strip(), fields.answer.strip()
    if not question:
        raise ValueError("The question is missing.")
    if len(question) > QUESTION_MAXIMUM:
        raise ValueError(f"The question is longer than {QUESTION_MAXIMUM} characters.")
    if len(answer) > ANSWER_MAXIMUM:
        raise ValueError(f"The answer is longer than {ANSWER_MAXIMUM} characters.")
    if "\x00" in question + answer:
        raise ValueError("There is a zero character in the text.")
    if fields.is_unanswerable and fields.expected:
        raise ValueError("A question that the documents do not answer cannot name documents.")
    if not fields.is_unanswerable and not fields.expected:
        raise ValueError("Name at least one document, or say that the documents do not answer the question.")
    expected = _distinct(names.resolve(each) for each in fields.expected)
    external_id = fields.external_id.strip()
    if len(external_id) > EXTERNAL_ID_MAXIMUM or "\x00" in external_id:
        raise ValueError(f"The id is longer than {EXTERNAL_ID_MAXIMUM} characters or not valid.")
    return GoldenFields(
        question=question,
        expected=expected,
        answer=answer,
        is_unanswerable=fields.is_unanswerable,
        external_id=external_id,
    )


def _distinct(expected: Iterable[Expected]) -> tuple[Expected, ...]:
    """Each document once, with the pages of all its namings."""
    by_document: dict[UUID | None, Expected] = {}
    for each in expected:
        before = by_document.get(each.document_id)
        pages = tuple(sorted({*before.pages, *each.pages})) if before else each.pages
        by_document[each.document_id] = Expected(
            document_id=each.document_id, filename=each.filename, pages=pages, relevance=each.relevance
        )
    return tuple(by_document.values())


def _lines_check(lines: Iterable[Line], names: Names) -> tuple[list[GoldenFields], list[LineError]]:
    """What is right, each once, and what is wrong."""
    right: dict[str, GoldenFields] = {}
    wrong: list[LineError] = []
    for line in lines:
        if isinstance(line, LineError):
            wrong.append(line)
            continue
        number, fields = line
        try:
            checked = fields_check(fields, names)
        except ValueError as error:
            wrong.append(LineError(line=number, detail=str(error)))
            continue
        key = checked.external_id or f"text:{hashlib.sha256(checked.question.casefold().encode()).hexdigest()}"
        if key in right and right[key].question != checked.question:
            wrong.append(LineError(line=number, detail="Another question above has the same id."))
            continue
        right[key] = GoldenFields(**{**_values_plain(checked), "external_id": key})
    return list(right.values()), wrong


def _values_plain(fields: GoldenFields) -> dict[str, Any]:
    names = ("question", "expected", "answer", "is_unanswerable", "external_id")
    return {name: getattr(fields, name) for name in names}


def _known(collection: Collection, external_ids: Sequence[str]) -> set[str]:
    rows = GoldenQuestion.objects.filter(collection=collection, external_id__in=external_ids)
    return set(rows.values_list("external_id", flat=True))


def _row(
    collection: Collection, actor: User | None, fields: GoldenFields, *, origin: GoldenQuestion.Origin
) -> GoldenQuestion:
    return GoldenQuestion(
        workspace_id=collection.workspace_id,
        collection=collection,
        created_by=actor,
        origin=origin,
        external_id=fields.external_id,
        **_values(fields),
    )


def _values(fields: GoldenFields) -> dict[str, Any]:
    return {
        "question": fields.question,
        "expected": expected_write(fields.expected),
        "answer": fields.answer,
        "is_unanswerable": fields.is_unanswerable,
    }


def _room_check(collection: Collection, count: int) -> None:
    there = GoldenQuestion.objects.filter(collection=collection).count()
    if there + count > QUESTIONS_MAXIMUM:
        raise ValidationFailedError(
            f"A collection has at most {QUESTIONS_MAXIMUM} golden questions; {there} are there."
        )


def _record(actor: User | None, collection: Collection, *, change: str, count: int) -> None:
    event_record(
        action=GOLDEN_QUESTIONS_CHANGED,
        actor=actor,
        workspace_id=collection.workspace_id,
        target=collection,
        data={"change": change, "count": count},
    )
