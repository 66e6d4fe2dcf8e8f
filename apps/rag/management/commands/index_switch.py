"""`manage.py index_switch NAME [--force REASON]` or `--back`: let searches use another index."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from typing_extensions import override

from apps.rag.exceptions import SwitchBlockedError
from apps.rag.management.indexes import command_error, profile_named
from apps.rag.profiles.switching import index_roll_back, index_switch
from chatbot.lib.errors import AppError

LABEL = "index_switch"


class Command(BaseCommand):
    help = "Let searches use another index, if it is whole and answers the golden questions no worse; or the last one."

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("name", nargs="?", help="name or key of the index")
        which.add_argument("--back", action="store_true", help="the one that was live before, at once")
        parser.add_argument("--force", metavar="REASON", default="", help="whatever speaks against it; recorded")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["back"]:
                profile, missing = index_roll_back(actor=None, actor_label=LABEL)
                if missing:
                    self.stdout.write(f"{missing} documents are not in it yet; they are added now.")
            else:
                profile = index_switch(
                    actor=None,
                    actor_label=LABEL,
                    profile_id=profile_named(options["name"]).pk,
                    force_reason=options["force"].strip(),
                )
        except SwitchBlockedError as error:
            raise CommandError("\n".join([error.title, *error.reasons])) from error
        except AppError as error:
            raise command_error(error) from error
        self.stdout.write(f"{profile.title} ({profile.pk}) is live.")
