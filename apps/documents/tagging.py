"""Tags of documents: words that people give them, to list and to search by."""

import unicodedata
from collections.abc import Iterable
from uuid import UUID

from django.db import transaction

from apps.accounts.models import User
from apps.audit.actions import DOCUMENT_CHANGED
from apps.audit.services import event_record
from apps.documents.models import Document
from apps.documents.selectors import document_require, documents_deletable_by
from chatbot.lib.errors import ForbiddenError, ValidationFailedError

TAGS_MAXIMUM = 20
TAG_LENGTH = 50
# What separates tags or begins an operator's value.
_FORBIDDEN = frozenset(',;"“”„«»\\')


def tags_clean(tags: Iterable[str]) -> list[str]:
    """Tags as they are kept: in lower case, each once, in the order given. Raises ValidationFailedError."""
    cleaned = dict.fromkeys(tag for tag in (_cleaned(tag) for tag in tags) if tag)
    if len(cleaned) > TAGS_MAXIMUM:
        raise ValidationFailedError(errors={"tags": f"A document has at most {TAGS_MAXIMUM} tags."})
    for tag in cleaned:
        if len(tag) > TAG_LENGTH:
            raise ValidationFailedError(errors={"tags": f"A tag has at most {TAG_LENGTH} characters."})
        if any(character in _FORBIDDEN or unicodedata.category(character) in ("Cc", "Cs") for character in tag):
            raise ValidationFailedError(errors={"tags": "A tag has no quotation marks, commas or control characters."})
    return list(cleaned)


def tag_normal(tag: str) -> str:
    """One tag in the form in which tags are kept, to compare with."""
    return _cleaned(tag)


@transaction.atomic
def document_tag(*, actor: User, document_id: UUID, tags: Iterable[str]) -> Document:
    """Give the document these tags in place of those it has. The same tags again are no change.

    Raises NotFoundError for what the actor may not see, ForbiddenError for what they may not delete either,
    ValidationFailedError.
    """
    document = document_taggable(user=actor, document_id=document_id)
    cleaned = tags_clean(tags)
    if cleaned == document.tags:
        return document
    before, document.tags = document.tags, cleaned
    document.save(update_fields=["tags"])
    event_record(
        action=DOCUMENT_CHANGED,
        actor=actor,
        workspace_id=document.workspace_id,
        target=document,
        data={
            "added": len(set(cleaned) - set(before)),
            "removed": len(set(before) - set(cleaned)),
            "tags": len(cleaned),
        },
    )
    return document


def document_taggable(*, user: User, document_id: UUID) -> Document:
    """The document, before anything is said about it to somebody who may not change it. Two queries."""
    document = document_require(user=user, document_id=document_id)
    if not documents_deletable_by(user=user).filter(pk=document.pk).exists():
        raise ForbiddenError("Only the owner or an administrator of the workspace may change this document.")
    return document


def _cleaned(tag: str) -> str:
    return " ".join(unicodedata.normalize("NFC", tag).lower().split()).lstrip("#").strip()
