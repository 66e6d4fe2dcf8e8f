"""Delete what is older than the retention now, as the schedule does each day."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from typing_extensions import override

from apps.audit.retention import events_retain


class Command(BaseCommand):
    help = "Deletes audit events older than CHATBOT_AUDIT_RETENTION_DAYS and leaves signed checkpoints in their place."

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.AUDIT_RETENTION_DAYS:
            self.stdout.write("CHATBOT_AUDIT_RETENTION_DAYS is 0: everything is kept.")
            return
        trimmed = events_retain()
        for each in trimmed:
            self.stdout.write(f"{each.chain}: {each.event_count} events deleted.")
        bad = [str(each.chain) for each in trimmed if each.flaw]
        if bad:
            raise CommandError(f"Left alone, because audit_verify finds them bad: {', '.join(bad)}.")
        if not trimmed:
            self.stdout.write("Nothing is old enough.")
