"""Open a locked account from the server: for a lone super admin whom somebody keeps out."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from typing_extensions import override

from apps.accounts.models import User
from apps.accounts.services.sign_in import sign_in_unlock_by_operator


class Command(BaseCommand):
    help = "Forget the failed sign-ins of an account, so that its person may try at once."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="the address that the account signs in with")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(email=options["email"].strip().lower()).first()
        if user is None:
            raise CommandError("Nobody has this address.")
        sign_in_unlock_by_operator(user=user)
        self.stdout.write("The account may try again. A lock on a network address runs out by itself.")
