"""How much of all documents a profile covers, and how large it is. Reads only."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, Exists, F, FloatField, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Cast, NullIf

from apps.accounts.models import Workspace
from apps.documents.models import Collection, DocumentVersion
from apps.llm import registry
from apps.llm.selectors import classifications_open_to
from apps.rag.models import CorpusStatistics, IndexedVersion, IndexProfile
from apps.rag.profiles.graphs import graph_bytes

_DONE, _FAILED = IndexedVersion.State.DONE, IndexedVersion.State.FAILED


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceCoverage:
    """`versions`: current versions that are searched there; the rest counts those under the profile."""

    name: str
    versions: int
    done: int
    failed: int
    withheld: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """`share`: 0 to 1 of the documents, those begun counted in part. `chunks` stand, `embedded` of them have a vector.

    `withheld`: done, but their texts are kept from the profile's model; only their words are searched.
    """

    versions: int
    done: int
    failed: int
    withheld: int
    chunks: int
    embedded: int
    share: float
    workspaces: tuple[WorkspaceCoverage, ...]

    @property
    def missing(self) -> int:
        """Documents without an end under the profile yet."""
        return max(0, self.versions - self.done - self.failed)

    @property
    def percent(self) -> int:
        """Rounded down, so that 100 means all."""
        return int(self.share * 100)


def coverages_of(profiles: Sequence[IndexProfile]) -> dict[UUID, Coverage]:
    """By profile. Three queries."""
    totals = dict(versions_searched().values_list("workspace_id").annotate(count=Count("pk")).order_by())
    names = dict(Workspace.objects.filter(pk__in=totals).values_list("pk", "name"))
    rows: dict[UUID, dict[UUID, Any]] = defaultdict(dict)
    for row in _counted(profiles):
        rows[row["profile_id"]][row["workspace_id"]] = row
    return {profile.pk: _coverage(totals, names, rows[profile.pk]) for profile in profiles}


def coverage_of(profile: IndexProfile) -> Coverage:
    """Three queries."""
    return coverages_of([profile])[profile.pk]


def versions_searched() -> QuerySet[DocumentVersion]:
    """What every profile ought to hold: current versions that the live one has finished."""
    return DocumentVersion.objects.filter(is_current=True, state=DocumentVersion.State.INDEXED)


def versions_missing(profile: IndexProfile) -> QuerySet[DocumentVersion]:
    """Of those, what came to no end under the profile yet, or was withheld and need not be any more."""
    ended = IndexedVersion.objects.filter(profile=profile, version=OuterRef("pk"), state__in=[_DONE, _FAILED])
    return versions_searched().filter(~Exists(ended.exclude(_sendable(profile))))


def _sendable(profile: IndexProfile) -> Q:
    """Withheld versions that the profile's model may see by now."""
    withheld = Q(is_withheld=True)
    if registry.provider_is_local(profile.provider):
        return withheld
    levels = classifications_open_to(provider=profile.provider, model=profile.embedder)
    is_open = Q(version__document__collection__classification__in=levels)
    if Collection.Classification.INTERNAL in levels:
        is_open |= Q(version__document__collection=None)
    return withheld & is_open


def _counted(profiles: Iterable[IndexProfile]) -> Iterable[Any]:
    begun = Q(state=IndexedVersion.State.BUILDING)
    part = F("embedded_count") / NullIf(Cast("chunk_count", FloatField()), 0.0)
    return (
        IndexedVersion.objects.filter(
            profile__in=profiles, version__is_current=True, version__state=DocumentVersion.State.INDEXED
        )
        .values("profile_id", "workspace_id")
        .annotate(
            done=Count("pk", filter=Q(state=_DONE)),
            failed=Count("pk", filter=Q(state=_FAILED)),
            withheld=Count("pk", filter=Q(state=_DONE, is_withheld=True)),
            chunks=Sum("chunk_count"),
            embedded=Sum("embedded_count"),
            begun=Sum(part, filter=begun),
        )
        .order_by()
    )


def _coverage(totals: dict[UUID, int], names: dict[UUID, str], rows: dict[UUID, Any]) -> Coverage:
    def total(name: str) -> float:
        return float(sum(row[name] or 0 for row in rows.values()))

    versions = sum(totals.values())
    ended = total("done") + total("failed")
    workspaces = [
        WorkspaceCoverage(
            name=names.get(key, ""),
            versions=count,
            **{name: int(rows.get(key, {}).get(name) or 0) for name in ("done", "failed", "withheld")},
        )
        for key, count in totals.items()
    ]
    return Coverage(
        versions=versions,
        done=int(total("done")),
        failed=int(total("failed")),
        withheld=int(total("withheld")),
        chunks=int(total("chunks")),
        embedded=int(total("embedded")),
        share=min(1.0, (ended + total("begun")) / versions) if versions else 1.0,
        workspaces=tuple(sorted(workspaces, key=lambda workspace: workspace.name)),
    )


def profile_bytes(profiles: Sequence[IndexProfile]) -> dict[UUID, int]:
    """Room on disk by profile: its graph, and its part of the table of passages by their number. Three queries."""
    graphs = graph_bytes(profiles)
    counts = dict(CorpusStatistics.objects.values_list("profile_id").annotate(count=Sum("chunk_count")).order_by())
    with connection.cursor() as cursor:
        # Without the graphs, which are each profile's own.
        cursor.execute(
            "SELECT pg_total_relation_size('rag_chunk') - coalesce(sum(pg_relation_size(indexrelid)), 0)::bigint"
            " FROM pg_index WHERE indrelid = 'rag_chunk'::regclass"
            " AND starts_with(indexrelid::regclass::text, 'chunk_nearest_')"
        )
        [table] = cursor.fetchone()
    each = table / max(1, sum(counts.values()))
    return {profile.pk: graphs[profile.pk] + int(each * counts.get(profile.pk, 0)) for profile in profiles}
