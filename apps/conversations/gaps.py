"""What the documents do not answer: counted by topic for administrators, in full only for whoever asked.

Administrators may not read conversations, so what they get holds no question: words that several people used, numbers
of questions and people, and weeks. Workers count; pages read rows.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from apps.accounts.models import Group, User, Workspace
from apps.accounts.permissions import permission_require
from apps.accounts.selectors.workspaces import workspace_current, workspace_current_key
from apps.audit.actions import GAPS_READ
from apps.audit.services import event_record
from apps.conversations.feedback import DOWN
from apps.conversations.gap_topics import Topic, WeakQuestion, topics_of
from apps.conversations.models import Feedback, KnowledgeGap, Message
from apps.conversations.selectors import conversations_of
from apps.rag.languages import language_of
from chatbot.lib.errors import NotFoundError
from chatbot.lib.queue import task_enqueue

WEEKS = 12
# More than anybody asks in vain in that time; a bound, so that no night's work is endless.
_QUESTIONS_MAXIMUM = 20_000
_WORD = re.compile(r"[^\W\d_]{3,40}")
# What people say around what they ask for.
_ASKING_TEXT = """
    tell find show give list explain say know need want get like please help much many long often make does mean happen
    question answer document documents page file information
    zeige zeig nenne gib finde sage bitte viel viele lange frage antwort dokument seite datei
    dire donne trouve montre combien question réponse document page fichier
    dime dame busca muestra cuánto cuántos pregunta respuesta documento página archivo
    dimmi dammi trova mostra quanto quanti domanda risposta documento pagina
"""
_ASKING = frozenset(_ASKING_TEXT.split())
_STEMMERS = frozenset({"english", "german", "french", "spanish", "italian", "portuguese", "dutch", "russian"})
_STEM_SQL = "SELECT word, ts_lexize(%s::regdictionary, word) FROM unnest(%s::text[]) AS word"


@dataclass(frozen=True, slots=True, kw_only=True)
class GapReport:
    """The topics of the workspace, or of one team. `groups`: the teams that have any. `computed_at` None: not yet."""

    gaps: Sequence[KnowledgeGap]
    groups: Sequence[Group]
    group: Group | None
    computed_at: datetime | None


@transaction.atomic
def gap_report(*, actor: User, group_key: UUID | None = None) -> GapReport:
    """Of the workspace that the administrator works in; that they looked is recorded.

    Raises ForbiddenError, NotFoundError for a team that is not there.
    """
    workspace = workspace_current(user=actor)
    permission_require(user=actor, workspace_id=workspace.pk, permission="gaps_read")
    rows = KnowledgeGap.objects.filter(workspace=workspace)
    groups = list(Group.objects.filter(pk__in=rows.exclude(group=None).values("group_id")).order_by("title"))
    group = next((group for group in groups if group.key == group_key), None)
    if group_key is not None and group is None:
        raise NotFoundError
    gaps = list(rows.filter(group=group).order_by("-questions", "pk"))
    gaps.sort(key=lambda gap: not gap.terms)
    event_record(action=GAPS_READ, actor=actor, workspace_id=workspace.pk, target=workspace, data={"topics": len(gaps)})
    return GapReport(gaps=gaps, groups=groups, group=group, computed_at=gaps[0].computed_at if gaps else None)


def weak_replies_of(*, user: User) -> QuerySet[Message]:
    """The person's own replies, in the workspace they work in, that were not answered well. `parent` comes along."""
    own = conversations_of(user=user).filter(workspace_id=workspace_current_key(user=user))
    return _weak(Message.objects.filter(conversation__in=own.values("pk"))).select_related("parent")


def gaps_workspaces() -> list[UUID]:
    """Workspaces with something to count, or with what was counted and is over."""
    recent = _weak(Message.objects.filter(created_at__gte=_since(timezone.now())))
    found = set(recent.values_list("workspace_id", flat=True).distinct())
    return sorted(found | set(KnowledgeGap.objects.values_list("workspace_id", flat=True).distinct()))


@transaction.atomic
def gaps_count_request(*, actor: User) -> None:
    """Have a worker count the workspace's topics now. Raises ForbiddenError."""
    from apps.conversations.tasks import gaps_count

    workspace = workspace_current(user=actor)
    permission_require(user=actor, workspace_id=workspace.pk, permission="gaps_read")
    key = str(workspace.pk)
    transaction.on_commit(lambda: task_enqueue(gaps_count, key))


def gaps_compute(*, workspace_id: UUID) -> None:
    """Count the workspace's topics anew, of all and of each team, in place of what was counted before."""
    now = timezone.now()
    questions = _questions(workspace_id, now)
    members = _members(workspace_id)
    rows = [_row(workspace_id, None, topic, now) for topic in topics_of(questions, weeks=WEEKS)]
    for group_id, people in members.items():
        own = [question for question in questions if question.person_id in people]
        topics = topics_of(own, weeks=WEEKS)
        # A team without a shared topic would only tell how much its people ask.
        if any(topic.terms for topic in topics):
            rows += [_row(workspace_id, group_id, topic, now) for topic in topics]
    with transaction.atomic():
        # Two workers at once would each leave their rows beside the other's.
        if Workspace.objects.select_for_update(no_key=True).filter(pk=workspace_id).first() is None:
            return
        KnowledgeGap.objects.filter(workspace_id=workspace_id).delete()
        KnowledgeGap.objects.bulk_create(rows)


def _weak(replies: QuerySet[Message]) -> QuerySet[Message]:
    """Not in the documents, found too little, or rated as bad by whoever asked."""
    bad = Feedback.objects.filter(message=OuterRef("pk"), rating=DOWN)
    is_weak = Q(is_unanswered=True) | Q(retrieval__is_enough=False) | Exists(bad)
    return replies.filter(is_weak, role=Message.Role.ASSISTANT, parent__isnull=False)


def _since(now: datetime) -> datetime:
    return now - timedelta(weeks=WEEKS)


def _questions(workspace_id: UUID, now: datetime) -> list[WeakQuestion]:
    """Each question once, however often it was answered anew."""
    since = _since(now)
    replies = _weak(Message.objects.filter(workspace_id=workspace_id, created_at__gte=since))
    found = replies.order_by("-created_at").values_list(
        "parent_id", "parent__content", "conversation__owner_id", "created_at"
    )
    rows = {row[0]: row[1:] for row in found[:_QUESTIONS_MAXIMUM]}
    terms = _terms([text for text, _, _ in rows.values()])
    return [
        WeakQuestion(
            person_id=owner_id, week=min(WEEKS - 1, max(0, (created_at - since).days // 7)), terms=frozenset(words)
        )
        for (_, owner_id, created_at), words in zip(rows.values(), terms, strict=True)
    ]


def _terms(texts: Sequence[str]) -> list[set[str]]:
    """The words of each text that carry meaning, each form of a word as its commonest one. A query for each language.

    Words with figures are none: numbers and codes name cases, not topics.
    """
    languages = [_language(text) for text in texts]
    usual = Counter(language for language in languages if language).most_common(1)
    default = usual[0][0] if usual else "english"
    words = [_WORD.findall(text.casefold()) for text in texts]
    spoken = defaultdict[str, set[str]](set)
    for language, found in zip(languages, words, strict=True):
        spoken[language or default].update(found)
    stems = {language: _stems(language, found) for language, found in spoken.items()}
    forms = defaultdict[str, Counter[str]](Counter)
    stemmed = []
    for language, found in zip(languages, words, strict=True):
        known = stems[language or default]
        kept = {word: known[word] for word in found if word in known and word not in _ASKING}
        for word, stem in kept.items():
            forms[stem][word] += 1
        stemmed.append(set(kept.values()))
    shown = {stem: max(counts, key=lambda word: (counts[word], word)) for stem, counts in forms.items()}
    return [{shown[stem] for stem in found} for found in stemmed]


def _language(text: str) -> str | None:
    language = language_of(text)
    return language if language in _STEMMERS else None


def _stems(language: str, words: Iterable[str]) -> Mapping[str, str]:
    """Word -> stem, as the database's dictionary has it; small words of the language are left out. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_STEM_SQL, [f"{language}_stem", sorted(words)])
        return {word: stems[0] for word, stems in cursor.fetchall() if stems}


def _members(workspace_id: UUID) -> dict[int, set[UUID]]:
    rows: Any = Group.objects.filter(workspace_id=workspace_id, user__isnull=False).values_list("pk", "user")
    members: dict[int, set[UUID]] = defaultdict(set)
    for group_id, person_id in rows:
        members[group_id].add(person_id)
    return members


def _row(workspace_id: UUID, group_id: int | None, topic: Topic, now: datetime) -> KnowledgeGap:
    return KnowledgeGap(
        workspace_id=workspace_id,
        group_id=group_id,
        terms=list(topic.terms),
        questions=topic.questions,
        people=topic.people,
        weeks=list(topic.weeks),
        computed_at=now,
    )
