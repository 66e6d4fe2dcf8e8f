"""Who may judge which collections, and in whose name searches of an evaluation run."""

from collections.abc import Sequence
from typing import TypeVar
from uuid import UUID

from django.db.models import QuerySet

from apps.accounts.models import Membership, User
from apps.accounts.permission_table import ADMIN, PERMISSIONS
from apps.accounts.permissions import permission_require
from apps.accounts.selectors.workspaces import workspace_current_key, workspaces_open_to
from apps.documents.models import Collection, Document
from apps.documents.selectors import collection_require, collections_managed_by, documents_visible_to
from apps.rag.models import EvaluationRun, GoldenQuestion, ProposalRun
from chatbot.lib.errors import ForbiddenError, NotFoundError

PERMISSION = "evaluation_manage"
JUDGED_NO_MORE = "Who started this may no longer evaluate the collection."

RowT = TypeVar("RowT", GoldenQuestion, EvaluationRun, ProposalRun)


def collections_judged_by(*, user: User) -> QuerySet[Collection]:
    """Those that the person may change, in workspaces where their role may evaluate."""
    rows = Membership.objects.filter(user=user, role__in=PERMISSIONS[PERMISSION].roles)
    open_there = rows.filter(workspace_id__in=workspaces_open_to(user=user))
    return collections_managed_by(user=user).filter(workspace_id__in=open_there.values("workspace_id"))


def collections_judged_here(*, user: User) -> QuerySet[Collection]:
    """Of the workspace the person works in, by name."""
    current = workspace_current_key(user=user)
    return collections_judged_by(user=user).filter(workspace_id=current).order_by("name", "pk")


def collection_judge_require(*, user: User, collection_id: UUID) -> Collection:
    """Three queries at most. Raises NotFoundError for what may not be seen, ForbiddenError for what is not theirs."""
    collection = collection_require(user=user, collection_id=collection_id)
    permission_require(user=user, workspace_id=collection.workspace_id, permission=PERMISSION)
    if not collections_managed_by(user=user).filter(pk=collection.pk).exists():
        raise ForbiddenError("Only the owner, or an administrator where it is open to the workspace, may evaluate it.")
    return collection


def question_require(*, user: User, question_id: UUID) -> GoldenQuestion:
    """With its collection. One query. Raises NotFoundError."""
    return _judged_require(GoldenQuestion.objects.select_related("collection"), user, question_id)


def run_require(*, user: User, run_id: UUID) -> EvaluationRun:
    """With its collection and profile. One query. Raises NotFoundError."""
    return _judged_require(EvaluationRun.objects.select_related("collection", "profile"), user, run_id)


def proposals_require(*, user: User, run_id: UUID) -> ProposalRun:
    """With its collection. One query. Raises NotFoundError."""
    return _judged_require(ProposalRun.objects.select_related("collection"), user, run_id)


def documents_judged(*, user: User, collection_id: UUID) -> QuerySet[Document]:
    """The collection's documents as the person may see them."""
    return documents_visible_to(user=user).filter(collection_id=collection_id)


def caretaker_of(collection: Collection) -> User | None:
    """In whose name a collection is evaluated that nobody in particular asked for: its owner, else an administrator.

    None where nobody is left who may see it. Two queries at most.
    """
    owner = collection.owner
    if owner is not None and owner.is_active and may_search(user=owner, collection_id=collection.pk):
        return owner
    if collection.visibility != Collection.Visibility.WORKSPACE:
        return None
    admins = User.objects.filter(
        is_active=True, memberships__workspace_id=collection.workspace_id, memberships__role=ADMIN
    )
    return admins.order_by("pk").first()


def starter_of(run: EvaluationRun | ProposalRun) -> User | None:
    """Who started the run, if they may still evaluate its collection. One query, where `started_by` is loaded."""
    user = run.started_by
    if user is None or not user.is_active or not may_search(user=user, collection_id=run.collection_id):
        return None
    return user


def may_search(*, user: User, collection_id: UUID) -> bool:
    """Whether the person may still evaluate the collection. One query."""
    return collections_judged_by(user=user).filter(pk=collection_id).exists()


def question_texts(question_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Key → question, of questions whose collection the caller has authorised. One query."""
    return dict(GoldenQuestion.objects.filter(pk__in=question_ids).values_list("pk", "question"))


def _judged_require(rows: QuerySet[RowT], user: User, key: UUID) -> RowT:
    row = rows.filter(pk=key, collection__in=collections_judged_by(user=user)).first()
    if row is None:
        raise NotFoundError
    return row
