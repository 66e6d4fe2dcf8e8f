"""`manage.py index_status [--json]`: which search indexes there are and how far each has come."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand
from typing_extensions import override

from apps.rag.models import IndexProfile
from apps.rag.profiles.coverage import Coverage, coverages_of, profile_bytes

_HEAD = ("name", "state", "embedder", "dimensions", "documents", "share", "passages", "withheld", "size")
_MEGABYTE = 1024 * 1024


class Command(BaseCommand):
    help = "Show the search indexes: state, embedder, how many of the documents they cover, size."

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="all facts, one JSON array")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        profiles = list(IndexProfile.objects.order_by("created_at"))
        coverages, sizes = coverages_of(profiles), profile_bytes(profiles)
        if options["json"]:
            facts = [_facts(profile, coverages[profile.pk], sizes[profile.pk]) for profile in profiles]
            self.stdout.write(json.dumps(facts, indent=2))
            return
        rows = [_HEAD, *[_row(profile, coverages[profile.pk], sizes[profile.pk]) for profile in profiles]]
        widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
        for row in rows:
            self.stdout.write("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        for profile in profiles:
            for sentence in filter(None, [profile.error_detail, *profile.switch_blocked.splitlines()]):
                self.stdout.write(f"{profile.title}: {sentence}")


def _row(profile: IndexProfile, coverage: Coverage, size: int) -> tuple[str, ...]:
    return (
        profile.title,
        profile.state,
        f"{profile.provider}:{profile.embedder}",
        str(profile.dimensions or "?"),
        f"{coverage.done}/{coverage.versions}" + (f" ({coverage.failed} failed)" if coverage.failed else ""),
        f"{coverage.percent} %",
        f"{coverage.embedded}/{coverage.chunks}",
        str(coverage.withheld),
        f"{size / _MEGABYTE:.1f} MB",
    )


def _facts(profile: IndexProfile, coverage: Coverage, size: int) -> dict[str, Any]:
    names = ("provider", "embedder", "dimensions", "vector_type", "chunking", "query_prefix", "document_prefix")
    return {
        "id": str(profile.pk),
        "name": profile.name,
        "state": profile.state,
        **{name: getattr(profile, name) for name in names},
        "chunks_per_minute": profile.chunks_per_minute,
        "error": profile.error_detail,
        "blocked": profile.switch_blocked.splitlines(),
        "bytes": size,
        "coverage": {**asdict(coverage), "missing": coverage.missing},
    }
