"""Topics among questions, told only by words that several people used. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

# A word is shown once so many questions of so many people have it: else it could tell who asked what.
QUESTIONS_MINIMUM = 3
PEOPLE_MINIMUM = 2
TERMS_SHOWN = 3
# A further word names the topic if so large a part of its questions has it.
_COMMON_SHARE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class WeakQuestion:
    """A question that was not answered well. `week`: 0 is the oldest. `terms`: its words that carry meaning."""

    person_id: UUID
    week: int
    terms: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """`terms`: the commonest first; empty for questions that share no word. `weeks`: questions in each."""

    terms: tuple[str, ...]
    questions: int
    people: int
    weeks: tuple[int, ...]


def topics_of(questions: Sequence[WeakQuestion], *, weeks: int) -> list[Topic]:
    """Each question in one topic, the largest first; those that share no word last, together, as a mere number."""
    left = list(range(len(questions)))
    topics = []
    while shared := _shared(questions, left):
        best = max(shared, key=lambda term: (len(shared[term]), term))
        members = shared[best]
        inside = _shared(questions, members)
        named = [term for term in inside if len(inside[term]) >= _COMMON_SHARE * len(members)]
        named.sort(key=lambda term: (-len(inside[term]), term != best, term))
        topics.append(_topic(tuple(named[:TERMS_SHOWN]), [questions[number] for number in members], weeks))
        taken = set(members)
        left = [number for number in left if number not in taken]
    topics.sort(key=lambda topic: -topic.questions)
    return [*topics, *([_topic((), [questions[number] for number in left], weeks)] if left else [])]


def _shared(questions: Sequence[WeakQuestion], numbers: Iterable[int]) -> dict[str, list[int]]:
    """Term -> the questions with it, for the terms that enough questions of enough people have."""
    having: dict[str, list[int]] = defaultdict(list)
    for number in numbers:
        for term in questions[number].terms:
            having[term].append(number)
    return {
        term: found
        for term, found in having.items()
        if len(found) >= QUESTIONS_MINIMUM and len({questions[number].person_id for number in found}) >= PEOPLE_MINIMUM
    }


def _topic(terms: tuple[str, ...], questions: Sequence[WeakQuestion], weeks: int) -> Topic:
    counts = [0] * weeks
    for question in questions:
        counts[question.week] += 1
    people = {question.person_id for question in questions}
    return Topic(terms=terms, questions=len(questions), people=len(people), weeks=tuple(counts))
