"""`manage.py index_rebuild_statistics [--workspace SLUG]`: count the words of all passages anew."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from typing_extensions import override

from apps.accounts.models import Workspace
from apps.rag.models import CorpusStatistics
from apps.rag.services import statistics_rebuild


class Command(BaseCommand):
    help = "Count the words of all passages anew and rewrite their weights; searches and indexing go on meanwhile."

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--workspace", help="slug of the only workspace to do")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        corpora = CorpusStatistics.objects.select_related("workspace").order_by("workspace__slug")
        if slug := options["workspace"]:
            if not Workspace.objects.filter(slug=slug).exists():
                raise CommandError(f"There is no workspace {slug}.")
            corpora = corpora.filter(workspace__slug=slug)
        for corpus in corpora:
            count = statistics_rebuild(workspace_id=corpus.workspace_id, profile_id=corpus.profile_id)
            self.stdout.write(f"{corpus.workspace.slug}: {count} passages")
