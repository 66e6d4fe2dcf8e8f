"""Sign the end of every chain now, as the schedule does each day."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from typing_extensions import override

from apps.audit.heads import heads_sign


class Command(BaseCommand):
    help = "Signs the end of every chain of the audit log and writes it to CHATBOT_AUDIT_HEADS."

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.stdout.write(f"{heads_sign()} heads signed.")
        except OSError as error:
            raise CommandError(f"The heads cannot be written: {error}") from error
