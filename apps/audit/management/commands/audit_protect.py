"""Make the role that the application acts under, and this month's and the next months' partitions."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import ProgrammingError
from typing_extensions import override

from apps.audit.partitions import partitions_ensure
from apps.audit.protection import ROLE_DEFAULT, role_ensure


class Command(BaseCommand):
    help = "Makes the database role for CHATBOT_DATABASE_ROLE with its rights, and the next months' partitions."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--role", default=ROLE_DEFAULT, help=f"the role's name; {ROLE_DEFAULT} unless told")
        parser.add_argument(
            "--if-allowed", action="store_true", help="only say so where this database user may not make roles"
        )

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        partitions_ensure()
        try:
            role_ensure(role=options["role"])
        except ValueError as error:
            raise CommandError(str(error)) from error
        except ProgrammingError as error:
            sentence = f"The role {options['role']} was not made: {' '.join(str(error).split())}"
            if not options["if_allowed"]:
                raise CommandError(sentence) from error
            self.stderr.write(sentence)
