"""Is the audit log as it was written? Ends with 1 and names the first bad row of each chain if it is not."""

import json
import time
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from typing_extensions import override

from apps.audit.file_verification import FileReport, lines_verify
from apps.audit.management.selection import chain_require
from apps.audit.signing import public_key
from apps.audit.types import ChainReport, Flaw
from apps.audit.verification import log_verify
from chatbot.lib.errors import AppError


class Command(BaseCommand):
    help = "Walks every chain of the audit log and checks contents, hashes, numbers, signed heads and checkpoints."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--workspace", default="", help="only this workspace's chain (short name or id)")
        parser.add_argument("--file", default="", help="a file of audit_export --format jsonl instead of the database")
        parser.add_argument("--json", action="store_true", help="one JSON object a chain instead of lines")
        parser.add_argument("--public-key", action="store_true", help="print the key that signs, and do nothing else")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        if options["public_key"]:
            self.stdout.write(public_key())
            return
        started = time.monotonic()
        if options["file"]:
            is_good, count = self._file(Path(options["file"]), as_json=options["json"])
        else:
            is_good, count = self._log(chain_require(options["workspace"]), as_json=options["json"])
        seconds = max(time.monotonic() - started, 0.001)
        if not options["json"]:
            self.stdout.write(f"{count} events in {seconds:.1f} s, {count / seconds:.0f} a second.")
        if not is_good:
            raise CommandError("The audit log is not as it was written.", returncode=1)

    def _log(self, chain: UUID | None, *, as_json: bool) -> tuple[bool, int]:
        is_good, count = True, 0
        try:
            for report in log_verify(chain=chain):
                is_good, count = is_good and report.flaw is None, count + report.event_count
                self.stdout.write(json.dumps(_fields(report)) if as_json else _sentence(report))
        except AppError as error:
            raise CommandError(error.detail or error.title, returncode=1) from error
        return is_good, count

    def _file(self, path: Path, *, as_json: bool) -> tuple[bool, int]:
        try:
            with path.open(encoding="utf-8") as stream:
                report = lines_verify(stream)
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
        self.stdout.write(json.dumps(_file_fields(report)) if as_json else _file_sentence(report))
        return report.flaw is None, report.row_count


def _sentence(report: ChainReport) -> str:
    numbers = f"{report.first_seq} to {report.last_seq}" if report.event_count else f"none after {report.last_seq}"
    head = f"{report.chain}: {report.event_count} events ({numbers}), {report.heads_checked} signed heads agree"
    return f"{head}: good." if report.flaw is None else f"{head}: BAD. {_flaw_sentence(report.flaw)}"


def _file_sentence(report: FileReport) -> str:
    head = f"{report.row_count} events, {report.links_checked} of them with their predecessor"
    return (
        f"{head}: good."
        if report.flaw is None
        else f"{head}: BAD in line {report.flaw_line}. {_flaw_sentence(report.flaw)}"
    )


def _flaw_sentence(flaw: Flaw) -> str:
    at = flaw.created_at.isoformat() if flaw.created_at else None
    known = {"number": flaw.seq, "id": flaw.event_id, "time": at, "action": flaw.action}
    return f"First bad row: {', '.join(f'{name} {value}' for name, value in known.items() if value)}. {flaw.text}"


def _fields(report: ChainReport) -> dict[str, Any]:
    return {
        "chain": str(report.chain),
        "events": report.event_count,
        "first_number": report.first_seq,
        "last_number": report.last_seq,
        "heads_checked": report.heads_checked,
        "flaw": _flaw_fields(report.flaw),
    }


def _file_fields(report: FileReport) -> dict[str, Any]:
    return {
        "events": report.row_count,
        "links_checked": report.links_checked,
        "flaw": _flaw_fields(report.flaw),
        "line": report.flaw_line,
    }


def _flaw_fields(flaw: Flaw | None) -> dict[str, Any] | None:
    if flaw is None:
        return None
    return {
        "number": flaw.seq,
        "id": str(flaw.event_id) if flaw.event_id else None,
        "time": flaw.created_at.isoformat() if flaw.created_at else None,
        "action": flaw.action,
        "text": flaw.text,
    }
