"""Whether a person has a second factor, and whether and until when they must get one."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts.models import Membership, User, Workspace
from apps.accounts.permission_table import ADMIN
from apps.accounts.second_factor.recovery import FEW, recovery_codes_left

TOTP = "totp"
PASSKEY = "webauthn"
RECOVERY_CODE = "recovery_code"
# What can be a second factor. Recovery codes only stand in for one.
KINDS = (TOTP, PASSKEY)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactorState:
    """`deadline`: until when the first workspace that demands a second factor waits; None where none does."""

    has_factor: bool
    required: bool
    deadline: datetime | None

    @property
    def is_overdue(self) -> bool:
        return self.is_missing and self.deadline is not None and self.deadline <= timezone.now()

    @property
    def is_missing(self) -> bool:
        return self.required and not self.has_factor


@dataclass(frozen=True, slots=True, kw_only=True)
class Passkey:
    """`signs_in`: whether it can stand for password and second factor both."""

    id: int
    name: str
    created_at: datetime
    last_used_at: datetime | None
    signs_in: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Factors:
    totp: Authenticator | None
    passkeys: list[Passkey]
    codes_left: int

    @property
    def has_any(self) -> bool:
        return self.totp is not None or bool(self.passkeys)

    @property
    def has_few_codes(self) -> bool:
        return self.codes_left <= FEW


def has_second_factor(*, user: User) -> bool:
    """One query."""
    return factor_rows(user=user).exists()


def people_with_second_factor(people: Iterable[User]) -> set[UUID]:
    """Keys of those of the people who have a second factor. One query."""
    rows = Authenticator.objects.filter(user__in=people, type__in=KINDS)
    return set(rows.values_list("user_id", flat=True))


def factor_rows(*, user: User) -> QuerySet[Authenticator]:
    """The person's authenticator app and passkeys."""
    rows: QuerySet[Authenticator] = Authenticator.objects.filter(user_id=user.pk, type__in=KINDS)
    return rows


def factors_of(*, user: User) -> Factors:
    """What the security page shows. Two queries."""
    rows = list(factor_rows(user=user).order_by("created_at", "pk"))
    return Factors(
        totp=next((row for row in rows if row.type == TOTP), None),
        passkeys=[
            Passkey(
                id=row.pk,
                name=row.data["name"],
                created_at=row.created_at,
                last_used_at=row.last_used_at,
                signs_in=bool(row.data.get("signs_in")),
            )
            for row in rows
            if row.type == PASSKEY
        ],
        codes_left=recovery_codes_left(user=user),
    )


def second_factor_state(*, user: User) -> SecondFactorState:
    """Two queries; three for super admins."""
    deadlines = [
        max(_since(row.workspace), row.created_at) + timedelta(days=row.workspace.second_factor_grace_days)
        for row in Membership.objects.filter(user=user).select_related("workspace")
        if row.role in row.workspace.second_factor_roles
    ]
    if user.is_super_admin:
        # They count as administrators of every workspace.
        deadlines += [
            max(_since(workspace), user.date_joined) + timedelta(days=workspace.second_factor_grace_days)
            for workspace in Workspace.objects.filter(second_factor_roles__contains=[ADMIN])
        ]
    return SecondFactorState(
        has_factor=has_second_factor(user=user), required=bool(deadlines), deadline=min(deadlines, default=None)
    )


def _since(workspace: Workspace) -> datetime:
    return workspace.second_factor_since or workspace.created_at
