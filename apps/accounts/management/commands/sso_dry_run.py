"""`manage.py sso_dry_run`: what a sign-in would become. Changes nothing."""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from typing_extensions import override

from apps.accounts.models import SignInSource
from apps.accounts.sso.planning import sign_in_plan
from apps.accounts.sso.telling import Told, plan_told
from apps.accounts.sso.trying import person_of_claims, person_of_last_sign_in
from apps.accounts.sso.types import ExternalPerson
from chatbot.lib.errors import ValidationFailedError


class Command(BaseCommand):
    help = "Say which account and roles a single sign-on would give, by which rule, and what would change."

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        sources = [SignInSource.OIDC.value, SignInSource.SAML.value, SignInSource.LDAP.value]
        parser.add_argument("--source", required=True, choices=sources)
        whom = parser.add_mutually_exclusive_group(required=True)
        whom.add_argument("--claims", help="file with a JSON object of claims; - for the standard input")
        whom.add_argument("--email", help="whose last sign-in to take; for LDAP the directory is asked")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            person = self._person(options)
        except ValidationFailedError as error:
            raise CommandError(" ".join(error.errors.values())) from error
        plan = sign_in_plan(person)
        self._write(plan_told(plan))

    def _person(self, options: dict[str, Any]) -> ExternalPerson:
        source: str = options["source"]
        if options["email"]:
            return person_of_last_sign_in(source=source, email=options["email"])
        try:
            text = sys.stdin.read() if options["claims"] == "-" else Path(options["claims"]).read_text(encoding="utf-8")
            claims = json.loads(text)
        except (OSError, ValueError) as error:
            raise CommandError(f"The claims cannot be read: {error}") from error
        if not isinstance(claims, dict):
            raise CommandError("Claims are a JSON object.")
        return person_of_claims(source=source, claims=claims)

    def _write(self, told: Told) -> None:
        self.stdout.write(told.account)
        self.stdout.write(f"Refused: {told.refusal}" if told.refusal else "Comes in.")
        for title, lines in (
            ("Becomes", [f"{what} (by: {why})" for what, why in told.gifts]),
            ("Changes", list(told.changes)),
        ):
            self.stdout.write(f"{title}:")
            for line in lines or ["nothing"]:
                self.stdout.write(f"  {line}")
