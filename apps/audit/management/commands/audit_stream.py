"""Send events to the receiver that CHATBOT_AUDIT_STREAM names."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from typing_extensions import override

from apps.audit.exceptions import DeliveryError
from apps.audit.streaming import outlet_configured, stream_restart, stream_run

_PAUSE_SECONDS = 2.0
_PAUSE_AFTER_FAILURE_SECONDS = 10.0
_RUN_SECONDS = 600.0


class Command(BaseCommand):
    help = "Sends new events of the audit log to CHATBOT_AUDIT_STREAM; without --once it goes on until it is stopped."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="send what is there, then end")
        parser.add_argument(
            "--from-start", action="store_true", help="begin with the oldest events, sent before or not"
        )

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        outlet = outlet_configured()
        if outlet is None:
            raise CommandError("CHATBOT_AUDIT_STREAM is empty: there is nowhere to send events to.")
        if options["from_start"]:
            stream_restart()
        while True:
            try:
                sent = stream_run(outlet=outlet, seconds=_RUN_SECONDS)
            except DeliveryError as error:
                if options["once"]:
                    raise CommandError(f"{error.title} {error.detail}") from error
                self.stderr.write(f"{error.title} {error.detail}")
                time.sleep(_PAUSE_AFTER_FAILURE_SECONDS)
                continue
            if sent or options["once"]:
                self.stdout.write(f"Sent {sent} events.")
            if options["once"]:
                return
            time.sleep(_PAUSE_SECONDS)
