"""`manage.py rag_evaluate`: ask the golden questions, compare, and end with status 1 where search got worse."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from typing_extensions import override

from apps.accounts.models import User
from apps.documents.models import Collection
from apps.rag.evaluation.access import caretaker_of
from apps.rag.evaluation.comparison import regression_said, regressions, runs_compare
from apps.rag.evaluation.configuration import configuration_said
from apps.rag.evaluation.metrics import METRICS
from apps.rag.evaluation.nightly import run_before
from apps.rag.evaluation.questions import golden_import
from apps.rag.evaluation.runs import questions_approved, run_create, run_measure
from apps.rag.evaluation.types import Configuration, MetricComparison
from apps.rag.models import EvaluationRun, GoldenQuestion, IndexProfile
from apps.rag.selectors import profile_live
from chatbot.lib.errors import AppError

_RERANK = {"on": True, "off": False, "auto": None}
_ERRORS_SHOWN = 20


class Command(BaseCommand):
    help = "Ask the golden questions of a collection, or of all that have some. Status 1 where search got worse."

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--collection", help="key or name of the only collection to evaluate")
        parser.add_argument("--profile", default="live", help="key of another index than the live one")
        parser.add_argument("--rerank", choices=list(_RERANK), default="auto", help="default: as searches do")
        parser.add_argument("--answers", action="store_true", help="have a model answer, too, and judge what it says")
        parser.add_argument(
            "--compare",
            nargs=2,
            metavar=("A", "B"),
            help="each a run's key, or what is run now: live, an index's key, rerank, no-rerank",
        )
        parser.add_argument(
            "--import", dest="file", type=Path, help="golden questions: CSV, JSON Lines, or with --qrels BEIR"
        )
        parser.add_argument("--qrels", type=Path, help="judgements that belong to the queries of a BEIR set")
        parser.add_argument(
            "--keep-valid", action="store_true", help="import what is right although other lines are wrong"
        )
        parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            answer = self._answer(options)
        except AppError as error:
            raise CommandError(error.detail or error.title) from error
        if options["json"]:
            self.stdout.write(json.dumps(answer, default=str, indent=2))
        if answer["is_worse"]:
            sys.exit(1)

    def _answer(self, options: dict[str, Any]) -> dict[str, Any]:
        collections = _collections(options["collection"])
        self.is_json = options["json"]
        if options["file"]:
            return self._import(collections, options)
        if options["compare"]:
            found = [self._compare(collection, options) for collection in collections]
        else:
            found = [self._evaluate(collection, options) for collection in collections]
        return {"collections": found, "is_worse": any(each["regressions"] for each in found)}

    def _evaluate(self, collection: Collection, options: dict[str, Any]) -> dict[str, Any]:
        configuration = Configuration(rerank=_RERANK[options["rerank"]])
        run = _run(collection, _profile(options["profile"]), configuration, has_answers=options["answers"])
        self._say(f"\n{collection.name}: {run.metrics['counted']} questions, {configuration_said(configuration)}")
        for name, metric in METRICS.items():
            if name in run.metrics:
                value = run.metrics[name]
                self._say(f"  {metric.title:<32}{f'{value:.3f}' if metric.is_share else f'{value:.0f} ms'}")
        for error in run.results.exclude(error_detail="").values_list("error_detail", flat=True)[:_ERRORS_SHOWN]:
            self._say(f"  not counted: {error}")
        before = run_before(run)
        rows = runs_compare(first=before, second=run) if before else []
        return self._told(collection, rows) | {"run": run.pk, "metrics": run.metrics}

    def _compare(self, collection: Collection, options: dict[str, Any]) -> dict[str, Any]:
        a, b = options["compare"]
        first, second = (_run_named(collection, name, has_answers=options["answers"]) for name in (a, b))
        rows = runs_compare(first=first, second=second)
        self._say(f"\n{collection.name}: {a} and {b}")
        for row in rows:
            chance = "" if row.p_value is None else f"p = {row.p_value:.4f}"
            counts = f"{row.won} won, {row.lost} lost"
            self._say(
                f"  {row.title:<32}{row.first:>9.3f} {row.second:>9.3f} {row.difference:>+9.3f}  {counts}  {chance}"
            )
        told = self._told(collection, rows)
        return told | {"runs": [first.pk, second.pk], "comparison": [asdict(row) for row in rows]}

    def _told(self, collection: Collection, rows: Sequence[MetricComparison]) -> dict[str, Any]:
        worse = [regression_said(row) for row in regressions(rows)]
        for sentence in worse:
            self._say(f"  Worse: {sentence}.")
        return {"collection": collection.pk, "name": collection.name, "regressions": worse}

    def _import(self, collections: Sequence[Collection], options: dict[str, Any]) -> dict[str, Any]:
        if options["collection"] is None:
            raise CommandError("Say with --collection where the questions belong.")
        (collection,) = collections
        outcome = golden_import(
            actor=_asker(collection),
            collection_id=collection.pk,
            content=_read(options["file"]),
            filename=options["file"].name,
            qrels=_read(options["qrels"]) if options["qrels"] else None,
            is_valid_kept=options["keep_valid"],
        )
        for error in outcome.errors[:_ERRORS_SHOWN]:
            self._say(f"line {error.line}: {error.detail}")
        if len(outcome.errors) > _ERRORS_SHOWN:
            self._say(f"and {len(outcome.errors) - _ERRORS_SHOWN} more lines")
        if outcome.errors and not options["keep_valid"] and not self.is_json:
            raise CommandError("Nothing was imported. Mend these lines, or import the others with --keep-valid.")
        self._say(f"{outcome.added} imported, {outcome.unchanged} were there already")
        return {**asdict(outcome), "is_worse": bool(outcome.errors) and not options["keep_valid"]}

    def _say(self, text: str) -> None:
        if not self.is_json:
            self.stdout.write(text)


def _collections(named: str | None) -> list[Collection]:
    rows = Collection.objects.select_related("workspace", "owner").order_by("workspace__slug", "name", "pk")
    if named is None:
        with_questions = GoldenQuestion.objects.filter(state=GoldenQuestion.State.APPROVED).values("collection_id")
        return list(rows.filter(pk__in=with_questions))
    key = _key(named)
    found = list(rows.filter(pk=key) if key else rows.filter(name=named))
    if len(found) != 1:
        raise CommandError(f"{len(found) or 'No'} collections are called {named}. Give the key of one.")
    return found


def _run_named(collection: Collection, name: str, *, has_answers: bool) -> EvaluationRun:
    if (key := _key(name)) and (run := EvaluationRun.objects.filter(pk=key, collection=collection).first()):
        return run
    rerank = {"rerank": True, "no-rerank": False}.get(name)
    profile = _profile("live" if rerank is not None else name)
    return _run(collection, profile, Configuration(rerank=rerank), has_answers=has_answers)


def _run(
    collection: Collection, profile: IndexProfile, configuration: Configuration, *, has_answers: bool
) -> EvaluationRun:
    if not questions_approved(collection.pk).exists():
        raise CommandError(f"{collection.name} has no approved golden question yet.")
    run = run_measure(
        run_create(
            collection=collection,
            asker=_asker(collection),
            profile=profile,
            configuration=configuration,
            has_answers=has_answers,
            label="rag_evaluate",
            is_enqueued=False,
        )
    )
    if run.state != EvaluationRun.State.COMPLETE:
        raise CommandError(run.error_detail or "The evaluation waits for a model; the workers go on with it.")
    return run


def _asker(collection: Collection) -> User:
    asker = caretaker_of(collection)
    if asker is None:
        raise CommandError(f"Nobody is left who may evaluate {collection.name}.")
    return asker


def _profile(name: str) -> IndexProfile:
    key = _key(name)
    profile = profile_live() if name == "live" else IndexProfile.objects.filter(pk=key).first() if key else None
    if profile is None:
        raise CommandError(f"There is no index {name}.")
    return profile


def _key(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
