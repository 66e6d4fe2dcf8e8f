"""Reads: which limits hold for a person in a workspace, and how many questions were asked today."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce

from apps.accounts.models import DailyUsage, Membership, User, Workspace
from chatbot.lib.errors import NotFoundError

_COLUMNS = (
    "is_member", "messages_user", "documents_user", "bytes_user", "messages_per_day", "documents_limit", "bytes_limit",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Of one kind each for the person and the whole workspace; None is no limit."""

    messages_user: int | None
    messages_workspace: int | None
    documents_user: int | None
    documents_workspace: int | None
    bytes_user: int | None
    bytes_workspace: int | None

    @property
    def has_upload_limit(self) -> bool:
        limits = (self.documents_user, self.documents_workspace, self.bytes_user, self.bytes_workspace)
        return any(limit is not None for limit in limits)


def quota_limits(*, user: User, workspace_id: UUID) -> Limits:
    """One query. The membership's own limits go before the workspace's limits per user.

    A super admin who is no member has only the workspace's. Raises NotFoundError for other strangers.
    """
    member = Membership.objects.filter(user=user, workspace_id=OuterRef("pk"))
    rows = Workspace.objects.filter(pk=workspace_id).annotate(
        is_member=Exists(member),
        messages_user=Coalesce(Subquery(member.values("messages_per_day")), "messages_per_day_per_user"),
        documents_user=Coalesce(Subquery(member.values("documents_limit")), "documents_per_user"),
        bytes_user=Coalesce(Subquery(member.values("bytes_limit")), "bytes_per_user"),
    )
    row = rows.values(*_COLUMNS).first()
    if row is None or not (row["is_member"] or user.is_super_admin):
        raise NotFoundError
    return Limits(
        messages_user=row["messages_user"],
        messages_workspace=row["messages_per_day"],
        documents_user=row["documents_user"],
        documents_workspace=row["documents_limit"],
        bytes_user=row["bytes_user"],
        bytes_workspace=row["bytes_limit"],
    )


def messages_today(*, user: User, workspace: Workspace) -> tuple[int, int]:
    """Questions that the person, and that all of the workspace, asked today (UTC). One query."""
    rows = DailyUsage.objects.filter(workspace=workspace, day=today(), user__isnull=False)
    counts = rows.aggregate(mine=Sum("messages", filter=Q(user=user)), everybody=Sum("messages"))
    return counts["mine"] or 0, counts["everybody"] or 0


def today() -> date:
    """The day by which questions are counted: UTC, the same for every member."""
    return datetime.now(tz=UTC).date()
