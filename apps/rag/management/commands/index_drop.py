"""`manage.py index_drop NAME [--now]`: delete a search index that is not live."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from typing_extensions import override

from apps.rag.management.indexes import command_error, profile_named
from apps.rag.profiles.dropping import index_drop, index_drop_step
from chatbot.lib.errors import AppError


class Command(BaseCommand):
    help = "Delete a search index that is not the live one, with its passages; in the background."

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="name or key of the index")
        parser.add_argument("--now", action="store_true", help="delete it here and wait until it is gone")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        profile = profile_named(options["name"])
        try:
            index_drop(actor=None, actor_label="index_drop", profile_id=profile.pk)
        except AppError as error:
            raise command_error(error) from error
        while options["now"] and index_drop_step(profile_id=profile.pk):
            pass
        self.stdout.write(f"{profile.title} is {'gone' if options['now'] else 'being deleted'}.")
