"""What is kept of a reply when it has ended: its citations, and the end itself, however long the database is away."""

import logging
import time
from collections.abc import Mapping, Sequence

from django.db import IntegrityError, InterfaceError, OperationalError, connection

from apps.conversations.leases import Lease, Outcome, lease_finish
from apps.conversations.models import Citation
from apps.conversations.replies.citations import Cited
from apps.conversations.replies.preparing import Work
from apps.documents.models import DocumentVersion

logger = logging.getLogger(__name__)

# A database that is away for longer has let the lease lapse long ago.
FINISH_SECONDS = 60.0
FINISH_RETRY_SECONDS = 0.5


def citation_of(lease: Lease, cited: Cited) -> Citation:
    """The row, unsaved: a snapshot of the passage as the model read it."""
    passage = cited.passage
    return Citation(
        workspace_id=lease.workspace_id,
        message_id=lease.message_id,
        index=cited.index,
        document_id=passage.document_id,
        version_id=passage.version_id,
        chunk_id=passage.chunk_id,
        filename=passage.filename,
        page=passage.page,
        page_last=passage.page_last,
        heading=" › ".join(passage.heading_path)[:300],
        quote=cited.quote,
        text=passage.text,
        version_number=passage.version_number,
        score=passage.score,
    )


def end_store(
    *, lease: Lease, outcome: Outcome, work: Work | None, citations: Sequence[Citation], timings: Mapping[str, float]
) -> bool:
    """Write the end with all that belongs to it. False: the lease was lost, or the database stayed away.

    `work`: None where the reply failed before it was prepared. From the task's thread; blocks while it tries again.
    """
    deadline = time.monotonic() + FINISH_SECONDS
    while True:
        try:
            return lease_finish(
                lease,
                outcome,
                citations,
                documents=tuple(dict.fromkeys(passage.document_id for passage in work.passages)) if work else (),
                owner=work.owner if work else None,
                trace=work.choice.trace if work else None,
                timings=timings,
            )
        except IntegrityError:
            # A cited document was deleted meanwhile; the citation's snapshot stays.
            _documents_forget(citations)
        except (OperationalError, InterfaceError) as error:
            logger.warning("The end of reply %s has to wait: %s", lease.message_id, type(error).__name__)
            connection.close()
            time.sleep(FINISH_RETRY_SECONDS)
        if time.monotonic() > deadline:
            return False


def _documents_forget(citations: Sequence[Citation]) -> None:
    versions = [citation.version_id for citation in citations if citation.version_id]
    alive = set(DocumentVersion.objects.filter(pk__in=versions).values_list("pk", flat=True))
    for citation in citations:
        if citation.version_id not in alive:
            citation.version_id = citation.document_id = None
