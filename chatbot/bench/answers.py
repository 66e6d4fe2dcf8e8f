"""Whether replies know what the documents do not tell: half of the articles indexed, questions about both halves."""

import argparse
import random
import time
from collections.abc import Iterator
from typing import Any

from chatbot.bench.corpus import data_dir, indexed
from chatbot.bench.reading import lines_of
from chatbot.bench.replies import Asked, Kept, ask, product, share, summary

# Questions of each kind unless told otherwise.
SAMPLE = 60
_SEED = 20
KINDS = ("other half", "answerable", "adversarial")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Rates of "not in the documents" for each kind of question, through the whole reply with the embedded model.

    `--limit`: questions of each kind. `--seconds`: stop asking after that; the next run goes on. `--fresh`: ask all
    anew. Wanted: other half high, answerable low, adversarial (on the topic, but the fact is absent) as high as can be.
    """
    corpus, questions = _halves(args.limit or SAMPLE)
    kept = Kept("answers", fresh=args.fresh)
    with product() as model, indexed(corpus) as loaded:
        deadline = time.monotonic() + (args.seconds or float("inf"))
        for _, key, text, _ in questions:
            if kept.get(key) is None and time.monotonic() < deadline:
                kept.keep(key, ask(loaded.user, model, text))
    return {"results": list(_rows(questions, kept))}


def _halves(count: int) -> tuple[dict[str, tuple[str, str]], list[tuple[str, str, str, list[str]]]]:
    """The first half's paragraphs, and (kind, key, text, answers) in turn, so that a run cut short has of each kind."""
    folder = data_dir() / "squad2"
    paragraphs = {row["_id"]: (row["title"], row["text"]) for row in lines_of(folder / "corpus.jsonl")}
    articles = sorted({title for title, _ in paragraphs.values()})
    inside = set(articles[::2])
    by_kind: dict[str, list[tuple[str, str, str, list[str]]]] = {kind: [] for kind in KINDS}
    for row in lines_of(folder / "queries_dev.jsonl"):
        is_inside = paragraphs[row["doc"]][0] in inside
        kind = "other half" if not is_inside else "adversarial" if row["is_impossible"] else "answerable"
        by_kind[kind].append((kind, row["_id"], row["text"], row["answers"]))
    for rows in by_kind.values():
        random.Random(_SEED).shuffle(rows)
    picked = [row for rows in zip(*(rows[:count] for rows in by_kind.values()), strict=False) for row in rows]
    return {key: value for key, value in paragraphs.items() if value[0] in inside}, picked


def _rows(questions: list[tuple[str, str, str, list[str]]], kept: Kept) -> Iterator[dict[str, Any]]:
    for kind in KINDS:
        asked = [(reply, answers) for name, key, _, answers in questions if name == kind and (reply := kept.get(key))]
        replies = [reply for reply, _ in asked]
        right = [_has_answer(reply, answers) for reply, answers in asked]
        yield {
            "questions": kind,
            "not_in_documents": share([reply.is_unanswered for reply in replies]),
            "refused_before_the_model": share([reply.is_enough is False for reply in replies]),
            **({"has_the_answer": share(right)} if kind == "answerable" else {}),
            **_mean("support_share", [reply.support_share for reply in replies if reply.support_share is not None]),
            **summary(replies),
        }


def _has_answer(reply: Asked, answers: list[str]) -> bool:
    return any(answer.lower() in reply.text.lower() for answer in answers)


def _mean(name: str, values: list[float]) -> dict[str, float]:
    return {name: round(sum(values) / len(values), 3)} if values else {}
