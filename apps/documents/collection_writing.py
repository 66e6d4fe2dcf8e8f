"""Writes to collections: make, change, share, delete, and put documents into them."""

from typing import TypedDict
from uuid import UUID

from django.db import transaction
from typing_extensions import Unpack

from apps.accounts.models import User, Workspace
from apps.accounts.permissions import permission_require
from apps.accounts.selectors.workspaces import workspace_current
from apps.accounts.services.grants import grant_create, grant_delete
from apps.audit.actions import COLLECTION_CHANGED, COLLECTION_CREATED, COLLECTION_DELETED
from apps.audit.services import event_record
from apps.documents.models import Collection, Document
from apps.documents.selectors import (
    collection_require,
    collections_fillable_by,
    collections_managed_by,
    document_require,
    documents_movable_by,
)
from chatbot.lib.errors import ForbiddenError, ValidationFailedError

NAME_MAXIMUM = 120


class CollectionFields(TypedDict, total=False):
    """What people set on a collection. `visibility`: private or workspace."""

    name: str
    visibility: str
    classification: str


@transaction.atomic
def collection_create(*, actor: User, **fields: Unpack[CollectionFields]) -> Collection:
    """An empty collection in the workspace the person works in; private unless said otherwise.

    Raises ForbiddenError for viewers, ValidationFailedError.
    """
    workspace = collection_workspace(user=actor)
    if fields.get("visibility") == Collection.Visibility.WORKSPACE:
        permission_require(user=actor, workspace_id=workspace.pk, permission="share")
    checked = _fields_checked(CollectionFields(**{"name": "", **fields}))
    collection = Collection.objects.create(workspace=workspace, owner=actor, **checked)
    _record(COLLECTION_CREATED, actor, collection, **_said(collection))
    return collection


def collection_workspace(*, user: User) -> Workspace:
    """Where a collection of theirs would stand. Raises NotFoundError, ForbiddenError for viewers."""
    workspace = workspace_current(user=user)
    permission_require(user=user, workspace_id=workspace.pk, permission="collection_write")
    return workspace


@transaction.atomic
def collection_update(*, actor: User, collection_id: UUID, **fields: Unpack[CollectionFields]) -> Collection:
    """Change what is given and nothing else. Closing one to the workspace is for its owner alone: others would lose it.

    Raises NotFoundError for what the actor may not see, ForbiddenError for what is not theirs to change,
    ValidationFailedError.
    """
    collection = _managed(actor, collection_id)
    checked = _fields_checked(fields)
    changed = {name: value for name, value in checked.items() if getattr(collection, name) != value}
    if "visibility" in changed:
        _owner_check(actor, collection)
        permission_require(user=actor, workspace_id=collection.workspace_id, permission="share")
    if changed:
        for name, value in changed.items():
            setattr(collection, name, value)
        if collection.owner_id is None and collection.visibility == Collection.Visibility.PRIVATE:
            # Else nobody could ever see it again.
            collection.owner = actor
        collection.save(update_fields=[*changed, "owner"])
        _record(COLLECTION_CHANGED, actor, collection, changed=",".join(sorted(changed)), **_said(collection))
    return collection


@transaction.atomic
def collection_delete(*, actor: User, collection_id: UUID) -> None:
    """Delete the collection and what it was shared with. Its documents stay, each its owner's alone.

    Those without an owner become the actor's, so that somebody can see them. Raises NotFoundError, ForbiddenError.
    """
    collection = _managed(actor, collection_id)
    _record(COLLECTION_DELETED, actor, collection, documents=collection.documents.count())
    collection.documents.filter(owner=None).update(owner=actor)
    collection.delete()


@transaction.atomic
def collection_share(*, actor: User, collection_id: UUID, grantee_id: UUID) -> None:
    """Let a person or a group of the workspace read it. Raises NotFoundError, ForbiddenError."""
    collection = collection_shareable(user=actor, collection_id=collection_id)
    grant_create(actor=actor, workspace_id=collection.workspace_id, target=collection, grantee_id=grantee_id)


@transaction.atomic
def collection_unshare(*, actor: User, collection_id: UUID, grantee_id: UUID) -> None:
    """Take it back: the next search finds nothing of it. Raises NotFoundError, ForbiddenError."""
    collection = collection_shareable(user=actor, collection_id=collection_id)
    grant_delete(actor=actor, workspace_id=collection.workspace_id, target=collection, grantee_id=grantee_id)


def collection_shareable(*, user: User, collection_id: UUID) -> Collection:
    """The collection, if the person may see and change whom it is shared with: its owner, and no viewer."""
    collection = _managed(user, collection_id)
    _owner_check(user, collection)
    permission_require(user=user, workspace_id=collection.workspace_id, permission="share")
    return collection


@transaction.atomic
def document_move(*, actor: User, document_id: UUID, collection_id: UUID | None) -> Document:
    """Put a document into another collection of its workspace, or by None into none: then it is its owner's alone.

    Raises NotFoundError for what the actor may not see, ForbiddenError for a document or collection that is not
    theirs to change, ValidationFailedError for a collection of another workspace.
    """
    document = document_require(user=actor, document_id=document_id)
    permission_require(user=actor, workspace_id=document.workspace_id, permission="document_write")
    if not documents_movable_by(user=actor).filter(pk=document.pk).exists():
        raise ForbiddenError("Only the owner of the document or of its collection can move it.")
    if collection_id is not None:
        _fillable_check(actor, document, collection_id)
    if document.collection_id != collection_id:
        before = document.collection_id
        document.collection_id = collection_id
        document.save(update_fields=["collection"])
        event_record(
            action=COLLECTION_CHANGED,
            actor=actor,
            workspace_id=document.workspace_id,
            target=document,
            data={"changed": "documents", "from": before or "", "to": collection_id or ""},
        )
    return document


def _fillable_check(actor: User, document: Document, collection_id: UUID) -> None:
    collection = collection_require(user=actor, collection_id=collection_id)
    if collection.workspace_id != document.workspace_id:
        raise ValidationFailedError(errors={"collection_id": "The collection belongs to another workspace."})
    if not collections_fillable_by(user=actor).filter(pk=collection_id).exists():
        raise ForbiddenError("This collection is shared with you to read. Only its owner can add documents.")
    if document.owner_id != actor.pk:
        # Else an administrator could open to many, or to themselves alone, what its owner put before few.
        raise ForbiddenError("Only the owner of the document can put it into another collection.")


def _managed(actor: User, collection_id: UUID) -> Collection:
    collection = collection_require(user=actor, collection_id=collection_id)
    permission_require(user=actor, workspace_id=collection.workspace_id, permission="collection_write")
    if not collections_managed_by(user=actor).filter(pk=collection.pk).exists():
        raise ForbiddenError("Only the owner, or an administrator where it is open to the workspace, may do this.")
    return collection


def _owner_check(actor: User, collection: Collection) -> None:
    """An ownerless collection is in the administrators' hands; `_managed` let in nobody else."""
    if collection.owner_id not in {None, actor.pk}:
        raise ForbiddenError("Only the owner of the collection may change who reads it.")


def _fields_checked(fields: CollectionFields) -> CollectionFields:
    checked = CollectionFields(**fields)
    errors: dict[str, str] = {}
    if "name" in checked:
        checked["name"] = " ".join(checked["name"].replace("\x00", "").split())
        if not 0 < len(checked["name"]) <= NAME_MAXIMUM:
            errors["name"] = f"Give it a name of at most {NAME_MAXIMUM} characters."
    if checked.get("visibility", Collection.Visibility.PRIVATE) not in Collection.Visibility.values:
        errors["visibility"] = f"must be one of {', '.join(Collection.Visibility.values)}"
    if checked.get("classification", Collection.Classification.INTERNAL) not in Collection.Classification.values:
        errors["classification"] = f"must be one of {', '.join(Collection.Classification.values)}"
    if errors:
        raise ValidationFailedError(errors=errors)
    return checked


def _said(collection: Collection) -> dict[str, str]:
    return {"visibility": collection.visibility, "classification": collection.classification}


def _record(action: str, actor: User, collection: Collection, **data: object) -> None:
    event_record(action=action, actor=actor, workspace_id=collection.workspace_id, target=collection, data=data)
