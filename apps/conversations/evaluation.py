"""What judging needs of conversations: whole replies, golden questions out of replies, and how replies served."""

from collections.abc import Sequence
from datetime import timedelta
from time import perf_counter
from uuid import UUID

from django.db.models import Avg, Count, Q
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.permissions import permission_require
from apps.conversations.models import Citation, Feedback, Message, Retrieval, RetrievedPassage
from apps.conversations.selectors import message_require
from apps.documents.models import Collection
from apps.rag.evaluation.access import (
    PERMISSION,
    collection_judge_require,
    collections_judged_by,
    documents_judged,
)
from apps.rag.evaluation.questions import golden_propose
from apps.rag.evaluation.statistics import ReplyStatistics
from apps.rag.evaluation.types import Expected, GoldenFields, JudgedReply, Place
from apps.rag.models import GoldenQuestion
from chatbot.lib.errors import ValidationFailedError

STATISTICS_DAYS = 30
# A citation over more pages than this is of no help.
_PAGES_MAXIMUM = 20


def answer_once(
    *, user: User, workspace_id: UUID, question: str, collection_ids: Sequence[UUID], model_id: UUID | None
) -> JudgedReply:
    """What a reply to this question would be, with the person's permissions; no conversation is left behind.

    Only in workers and commands: loads models. Blocks. Raises NoModelError and what a search raises.
    """
    from apps.conversations.replies.rehearsing import Rehearsal, lease_made_up

    lease = lease_made_up(user=user, workspace_id=workspace_id, collection_ids=collection_ids, model_id=model_id)
    started = perf_counter()
    outcome, citations = Rehearsal(lease, question).outcome()
    return JudgedReply(
        text=outcome.content,
        is_unanswered=outcome.is_unanswered,
        cited=tuple(_places(citation) for citation in citations),
        support_share=outcome.support_share,
        took_ms=(perf_counter() - started) * 1000,
        error_detail=outcome.error_detail if outcome.state == Message.State.FAILED else "",
    )


def golden_from_message(*, user: User, message_id: UUID, collection_id: UUID) -> GoldenQuestion:
    """A proposed golden question out of a reply of the person's own: what was asked, and what the reply cites there.

    The same reply gives one question for each collection. Raises NotFoundError for another's reply and for a collection
    that may not be seen, ForbiddenError for one that may not be changed, ValidationFailedError for what is no reply.
    """
    reply = _reply_require(user, message_id)
    collection = collection_judge_require(user=user, collection_id=collection_id)
    key = f"message:{reply.pk}"
    known = GoldenQuestion.objects.filter(collection=collection, external_id=key).first()
    if known is not None:
        return known
    return golden_propose(
        actor=user,
        collection=collection,
        fields=GoldenFields(
            question=_question_of(reply), expected=_expected_of(reply, user, collection), external_id=key
        ),
        origin=GoldenQuestion.Origin.FEEDBACK,
        message_id=reply.pk,
    )


def collections_for_message(*, user: User, message_id: UUID) -> list[tuple[Collection, int]]:
    """Collections into which a question can go, with how many documents of each the reply cites; most first.

    Raises NotFoundError and ForbiddenError for a reply that is not the person's own.
    """
    reply = _reply_require(user, message_id)
    cited = Count("documents", filter=Q(documents__in=reply.citations.values("document_id")), distinct=True)
    rows = collections_judged_by(user=user).filter(workspace_id=reply.workspace_id).annotate(cited=cited)
    return [(row, row.cited) for row in rows.order_by("-cited", "name", "pk")]


def collection_statistics(collection_id: UUID) -> ReplyStatistics:
    """How the collection's documents served in replies of the last STATISTICS_DAYS days. Two queries; numbers only."""
    since = timezone.now() - timedelta(days=STATISTICS_DAYS)
    citing = Citation.objects.filter(document__collection_id=collection_id, message__created_at__gte=since)
    looked = RetrievedPassage.objects.filter(
        document__collection_id=collection_id, retrieval__created_at__gte=since
    ).values("retrieval__message_id")
    is_citing = Q(pk__in=citing.values("message_id"), is_unanswered=False)
    replies = Message.objects.filter(role=Message.Role.ASSISTANT, created_at__gte=since)
    is_abstained = Q(is_unanswered=True) & (Q(pk__in=looked) | Q(pk__in=citing.values("message_id")))
    counts = replies.aggregate(
        replies=Count("pk", filter=is_citing),
        support_share=Avg("support_share", filter=is_citing),
        abstained=Count("pk", filter=is_abstained),
    )
    rated = Feedback.objects.filter(message_id__in=citing.values("message_id"))
    thumbs = rated.aggregate(
        thumbs_up=Count("pk", filter=Q(rating__gt=0)), thumbs_down=Count("pk", filter=Q(rating__lt=0))
    )
    return ReplyStatistics(days=STATISTICS_DAYS, **counts, **thumbs)


def _reply_require(user: User, message_id: UUID) -> Message:
    reply = message_require(user=user, message_id=message_id)
    permission_require(user=user, workspace_id=reply.workspace_id, permission=PERMISSION)
    if reply.role != Message.Role.ASSISTANT or reply.parent is None:
        raise ValidationFailedError("Only a reply can become a golden question.")
    return reply


def _question_of(reply: Message) -> str:
    """What was asked; of a follow-up what was searched for, which stands alone."""
    asked = reply.parent
    assert asked is not None
    retrieval = Retrieval.objects.filter(message=reply).first()
    is_follow_up = asked.parent_id is not None
    return retrieval.searched if is_follow_up and retrieval and retrieval.searched.strip() else asked.content


def _expected_of(reply: Message, user: User, collection: Collection) -> tuple[Expected, ...]:
    """What the reply cites of the collection, as far as the person may see it still."""
    names = dict(documents_judged(user=user, collection_id=collection.pk).values_list("pk", "filename"))
    pages: dict[UUID, set[int]] = {}
    for citation in reply.citations.all():
        if citation.document_id in names:
            pages.setdefault(citation.document_id, set()).update(page for _, page in _places(citation) if page)
    return tuple(
        Expected(document_id=key, filename=names[key], pages=tuple(sorted(numbers))) for key, numbers in pages.items()
    )


def _places(citation: Citation) -> tuple[Place, ...]:
    if citation.document_id is None:
        return ()
    if citation.page is None:
        return ((citation.document_id, None),)
    last = min(max(citation.page_last or citation.page, citation.page), citation.page + _PAGES_MAXIMUM)
    return tuple((citation.document_id, page) for page in range(citation.page, last + 1))
