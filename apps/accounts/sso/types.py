"""What a sign-in source says about a person, and what becomes of it."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from uuid import UUID

# Claims or attributes as the source gave them: texts, numbers, truth values, lists and objects of these.
Claims: TypeAlias = Mapping[str, Any]

# What allauth's column holds.
_UID_LENGTH = 191


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalPerson:
    """Somebody as a source describes them, after it proved who they are.

    `uid`: stable key at the source, never reused there. `email_is_trusted`: the address may find or make an account.
    """

    source: str
    uid: str
    email: str
    email_is_trusted: bool
    name: str
    claims: Claims


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleGift:
    """A role, and the rule that gives it; none for the default."""

    role: str
    rule_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the rules make of a person's claims. `groups`: their primary keys, with the rule that gives each."""

    rule_ids: tuple[UUID, ...] = ()
    memberships: Mapping[UUID, RoleGift] = field(default_factory=dict)
    groups: Mapping[int, UUID] = field(default_factory=dict)
    super_admin_rule: UUID | None = None

    @property
    def is_empty(self) -> bool:
        return not (self.memberships or self.super_admin_rule)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that a sign-in changes. `kind`: membership, group or super_admin; empty `before`: not there yet."""

    kind: str
    before: str
    after: str
    workspace_id: UUID | None = None
    group_id: int | None = None
    rule_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why somebody may not come in: `code` for the audit log, `text` for the person."""

    code: str
    text: str


def external_person(
    *, source: str, uid: str, email: object, email_is_trusted: bool, name: object, claims: Claims
) -> ExternalPerson:
    """As `ExternalPerson`, from what came over the wire: without what Postgres does not store.

    A key too long for its column is replaced by its SHA-256.
    """
    key = _plain(uid)
    if len(key) > _UID_LENGTH:
        key = hashlib.sha256(key.encode()).hexdigest()
    return ExternalPerson(
        source=source,
        uid=key,
        email=_plain(email).strip().lower() if isinstance(email, str) else "",
        email_is_trusted=email_is_trusted,
        name=" ".join(_plain(name).split()) if isinstance(name, str) else "",
        claims=_plain(claims),
    )


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "").encode(errors="replace").decode()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {_plain(str(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
