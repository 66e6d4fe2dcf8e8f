"""Write the audit log, or a part of it, as JSON Lines or CSV."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from typing_extensions import override

from apps.audit.actions import AUDIT_EXPORTED
from apps.audit.content import ORGANISATION_CHAIN
from apps.audit.export import chain_rows, csv_lines, jsonl_lines
from apps.audit.management.selection import chain_require, moment_require
from apps.audit.services import event_record

_WRITERS = {"jsonl": jsonl_lines, "csv": csv_lines}


class Command(BaseCommand):
    help = "Writes the audit log, chain by chain in its order. A JSON Lines file passes audit_verify --file."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--format", choices=sorted(_WRITERS), default="jsonl")
        parser.add_argument("--workspace", default="", help="only this workspace (short name or id)")
        parser.add_argument("--after", default="", help="only events from this date or time on")
        parser.add_argument("--before", default="", help="only events before this date or time")
        parser.add_argument("--output", default="", help="a new file; standard output unless told")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        chain = chain_require(options["workspace"])
        rows = chain_rows(chain=chain, after=moment_require(options["after"]), before=moment_require(options["before"]))
        event_record(
            action=AUDIT_EXPORTED,
            actor=None,
            actor_label="audit_export",
            workspace_id=None if chain == ORGANISATION_CHAIN else chain,
            data={"format": options["format"]},
        )
        lines = _WRITERS[options["format"]](rows)
        if not options["output"]:
            sys.stdout.writelines(lines)
            return
        try:
            # A log is nobody else's business, and an earlier export is not overwritten.
            path = Path(options["output"])
            path.touch(mode=0o600, exist_ok=False)
            with path.open("w", encoding="utf-8", newline="") as stream:
                stream.writelines(lines)
        except OSError as error:
            raise CommandError(f"{options['output']} cannot be written: {error.strerror}.") from error
