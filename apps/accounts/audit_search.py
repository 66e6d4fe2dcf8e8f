"""One search in the audit log, read from an address: the same for the page, the export and the API."""

from dataclasses import dataclass

from django.http import HttpRequest, QueryDict, StreamingHttpResponse
from django.utils import timezone

from apps.accounts.forms.audit_log import AuditForm
from apps.accounts.models import User
from apps.accounts.selectors.audit_log import Reader, audit_reader
from apps.accounts.services.audit_log import audit_export_record, audit_read_record
from apps.audit.export import csv_lines, jsonl_lines, rows_of
from apps.audit.selectors import Scope, Wanted, events_all
from chatbot.lib.downloads import lines_response
from chatbot.lib.errors import ValidationFailedError

# Format to how its lines are made and what it is called.
_FORMATS = {"jsonl": (jsonl_lines, "application/x-ndjson"), "csv": (csv_lines, "text/csv")}
FORMATS = tuple(_FORMATS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What somebody who may looks for. `wanted` begins somewhere unless few events are meant."""

    user: User
    reader: Reader
    form: AuditForm
    scope: Scope
    wanted: Wanted

    def opened(self) -> None:
        """Record that the log was looked into."""
        audit_read_record(actor=self.user, reader=self.reader, scope=self.scope, wanted=self.wanted)


def audit_form(*, reader: Reader, values: QueryDict) -> AuditForm:
    return AuditForm(values, is_above=reader.workspace is None)


def search_of(*, user: User, values: QueryDict) -> Search:
    """At most four queries. Raises ForbiddenError and NotFoundError as `audit_reader`, ValidationFailedError."""
    reader = audit_reader(user=user)
    form = audit_form(reader=reader, values=values)
    if not form.is_valid():
        raise ValidationFailedError(
            errors={name: " ".join(str(text) for text in texts) for name, texts in form.errors.items()}
        )
    return search_made(user=user, reader=reader, form=form)


def search_made(*, user: User, reader: Reader, form: AuditForm) -> Search:
    """Of a valid form. At most one query."""
    wanted = form.wanted().windowed()
    return Search(user=user, reader=reader, form=form, scope=reader.scope.narrowed(form.chain), wanted=wanted)


def search_export(
    request: HttpRequest, search: Search, *, file_format: str, limit: int | None = None
) -> StreamingHttpResponse:
    """Everything found as a file that is made while it is sent; recorded first.

    Raises ValidationFailedError for a format that there is not.
    """
    if file_format not in _FORMATS:
        raise ValidationFailedError(errors={"format": f"must be one of {', '.join(FORMATS)}"})
    lines_of, content_type = _FORMATS[file_format]
    audit_export_record(
        actor=search.user,
        reader=search.reader,
        scope=search.scope,
        wanted=search.wanted,
        file_format=file_format,
        limit=limit,
    )
    lines = lines_of(rows_of(events_all(scope=search.scope, wanted=search.wanted, limit=limit)))
    filename = f"audit-log-{timezone.now():%Y-%m-%d-%H%M}.{file_format}"
    return lines_response(request, lines, filename=filename, content_type=content_type)
