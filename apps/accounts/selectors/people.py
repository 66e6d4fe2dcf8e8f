"""Reads for administration: where an administrator works, who is there and in what state."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery

from apps.accounts.models import Group, Membership, User, Workspace
from apps.accounts.permission_table import ADMIN, PERMISSIONS, SUPER_ADMIN
from apps.accounts.permissions import permission_require
from apps.accounts.second_factor.state import people_with_second_factor
from apps.accounts.selectors.workspaces import workspace_current_key, workspace_is_open
from apps.accounts.sign_in_guard import accounts_locked
from chatbot.lib.errors import AppError, ForbiddenError, NotFoundError, ValidationFailedError

ACTIVE = "active"
DISABLED = "disabled"
LOCKED = "locked"
STATUSES = (ACTIVE, DISABLED, LOCKED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a person works and as what: a role of the permission table, `super_admin` for who is above."""

    workspace: Workspace | None
    role: str | None

    def allows(self, permission: str) -> bool:
        return self.role in PERMISSIONS[permission].roles


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRow:
    """One member as the people page shows them. `groups` are titles in the workspace."""

    membership: Membership
    status: str
    has_second_factor: bool
    groups: Sequence[str]

    @property
    def user(self) -> User:
        return self.membership.user


def place_of(*, user: User) -> Place:
    """The workspace that the person works in and their role there. One query.

    A super admin who belongs nowhere and has not chosen is in the oldest workspace: one more query.
    """
    role = Membership.objects.filter(user=user, workspace_id=OuterRef("pk")).values("role")[:1]
    rows = Workspace.objects.annotate(own_role=Subquery(role))
    current = rows.filter(pk=workspace_current_key(user=user)).first()
    if not user.is_super_admin:
        return Place(workspace=current, role=current.own_role if current else None)
    if current is not None:
        return Place(workspace=current, role=SUPER_ADMIN)
    oldest = Workspace.objects.order_by("created_at", "pk").first()
    is_open = oldest is not None and workspace_is_open(user=user, workspace_id=oldest.pk)
    return Place(workspace=oldest if is_open else None, role=SUPER_ADMIN)


def workspace_administered(*, user: User, permission: str) -> Workspace:
    """The workspace that a settings page is about. One query.

    Raises NotFoundError for who is in none and ForbiddenError for too low a role.
    """
    place = place_of(user=user)
    if place.workspace is None:
        raise NotFoundError
    if not place.allows(permission):
        raise ForbiddenError
    return place.workspace


def member_require(*, actor: User, workspace_id: UUID, person_id: UUID) -> Membership:
    """A member of a workspace whose people the actor manages, with `user` and `workspace`. At most two queries.

    Raises NotFoundError for somebody of another workspace, ForbiddenError for too low a role.
    """
    permission_require(user=actor, workspace_id=workspace_id, permission="people_manage")
    rows = Membership.objects.select_related("user", "workspace")
    row = rows.filter(workspace_id=workspace_id, user_id=person_id).first()
    if row is None:
        raise NotFoundError
    return row


def member_administered(*, user: User, person_id: UUID) -> Membership:
    """A member of the workspace that the people pages are about. At most three queries. Raises as `member_require`."""
    workspace = workspace_administered(user=user, permission="people_manage")
    return member_require(actor=user, workspace_id=workspace.pk, person_id=person_id)


def account_manage_require(*, actor: User, person: User) -> None:
    """Pass if the actor may change the account itself: its activity, second factor, sessions, lock. One query.

    An account reaches into every workspace it belongs to, so all of them must be the actor's to administer.
    Raises NotFoundError for a stranger, ForbiddenError for a super admin's account and for one used elsewhere too.
    """
    if actor.is_super_admin:
        return
    administered = Membership.objects.filter(user=actor, role=ADMIN).values("workspace_id")
    inside = Count("pk", filter=Q(workspace_id__in=administered))
    counts = Membership.objects.filter(user=person).aggregate(all=Count("pk"), inside=inside)
    if not counts["inside"]:
        raise NotFoundError
    if person.is_super_admin:
        raise ForbiddenError("Only a super admin may change the account of a super admin.")
    if counts["inside"] < counts["all"]:
        raise ForbiddenError(
            "This person also belongs to a workspace that you do not administer. Remove them from yours, "
            "or ask a super admin."
        )


def account_manage_refusal(*, actor: User, person: User) -> str:
    """Why `account_manage_require` would not pass, in words; empty if it would. One query."""
    try:
        account_manage_require(actor=actor, person=person)
    except AppError as error:
        return error.detail or error.title
    return ""


def members_of(*, workspace_id: UUID, text: str = "", role: str = "", status: str = "") -> QuerySet[Membership]:
    """Members, with `user`, whose name or address contains `text`, in that role and state.

    Raises ValidationFailedError for a role or state that does not exist.
    """
    if role and role not in Membership.Role.values:
        raise ValidationFailedError(errors={"role": f"must be one of {', '.join(Membership.Role.values)}"})
    if status and status not in STATUSES:
        raise ValidationFailedError(errors={"status": f"must be one of {', '.join(STATUSES)}"})
    rows = Membership.objects.filter(workspace_id=workspace_id).select_related("user")
    if text := text.replace("\x00", "").strip():
        rows = rows.filter(Q(user__name__icontains=text) | Q(user__email__icontains=text))
    if role:
        rows = rows.filter(role=role)
    return _with_status(rows, status) if status else rows


def person_rows(*, workspace_id: UUID, memberships: Sequence[Membership]) -> list[PersonRow]:
    """The members with what the page says of each, in the same order. Three queries for any number."""
    people = [row.user for row in memberships]
    with_factor = people_with_second_factor(people)
    locked = accounts_locked(users=people)
    groups = _groups(workspace_id, people)
    return [
        PersonRow(
            membership=row,
            status=person_status(row.user, is_locked=row.user_id in locked),
            has_second_factor=row.user_id in with_factor,
            groups=groups[row.user_id],
        )
        for row in memberships
    ]


def person_status(person: User, *, is_locked: bool) -> str:
    if not person.is_active:
        return DISABLED
    return LOCKED if is_locked else ACTIVE


def _with_status(rows: QuerySet[Membership], status: str) -> QuerySet[Membership]:
    if status == DISABLED:
        return rows.filter(user__is_active=False)
    rows = rows.filter(user__is_active=True)
    locked = accounts_locked(users=[row.user for row in rows])
    return rows.filter(user_id__in=locked) if status == LOCKED else rows.exclude(user_id__in=locked)


def _groups(workspace_id: UUID, people: Iterable[User]) -> defaultdict[UUID, list[str]]:
    titles: defaultdict[UUID, list[str]] = defaultdict(list)
    rows = Group.objects.filter(workspace_id=workspace_id, user__in=people).order_by("title")
    for user_id, title in rows.values_list("user", "title"):
        titles[user_id].append(title)
    return titles


def memberships_of(*, user: User) -> QuerySet[Membership]:
    """Where the person belongs, with `workspace`, oldest first."""
    return Membership.objects.filter(user=user).select_related("workspace").order_by("created_at", "pk")


def member_by_email(*, workspace_id: UUID, email: str) -> User | None:
    """The member of that address, in any case of letters. One query. Authorise before."""
    return User.objects.filter(memberships__workspace_id=workspace_id, email=email.strip().lower()).first()


def workspaces_counted() -> QuerySet[Workspace]:
    """All workspaces by name, with `people_count`; for super admins."""
    return Workspace.objects.annotate(people_count=Count("memberships")).order_by("name", "pk")
