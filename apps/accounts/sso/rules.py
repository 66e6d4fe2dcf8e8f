"""From claims to roles: pure functions over the rules."""

from collections.abc import Iterable, Iterator
from typing import Any, Protocol
from uuid import UUID

from apps.accounts.models import Membership, SignInSource
from apps.accounts.sso.types import Claims, Outcome, RoleGift

_RANK = {Membership.Role.VIEWER: 0, Membership.Role.USER: 1, Membership.Role.ADMIN: 2}


class Rule(Protocol):
    """What is read of a SignInRule."""

    id: UUID
    source: str
    claim: str
    value: str
    workspace_id: UUID | None
    role: str
    group_id: int | None
    makes_super_admin: bool


def rules_apply(rules: Iterable[Rule], claims: Claims) -> Outcome:
    """What all matching rules give together: of several roles in one workspace the highest; the first rule for ties.

    A group comes only with its rule's workspace, as groups are of members.
    """
    matched: list[UUID] = []
    memberships: dict[UUID, RoleGift] = {}
    groups: dict[int, UUID] = {}
    super_admin_rule: UUID | None = None
    for rule in rules:
        if not rule_matches(rule, claims):
            continue
        matched.append(rule.id)
        if rule.makes_super_admin:
            super_admin_rule = super_admin_rule or rule.id
        if rule.workspace_id is None:
            continue
        held = memberships.get(rule.workspace_id)
        if held is None or _rank(rule.role) > _rank(held.role):
            memberships[rule.workspace_id] = RoleGift(role=rule.role, rule_id=rule.id)
        if rule.group_id is not None:
            groups.setdefault(rule.group_id, rule.id)
    return Outcome(rule_ids=tuple(matched), memberships=memberships, groups=groups, super_admin_rule=super_admin_rule)


def rule_matches(rule: Rule, claims: Claims) -> bool:
    """Whether the claim has, or is, the rule's value. Names in LDAP know no capitals; elsewhere they count."""
    if not rule.claim:
        return True
    values = claim_values(claims, rule.claim)
    if rule.source == SignInSource.LDAP:
        return rule.value.casefold() in {value.casefold() for value in values}
    return rule.value in values


def claim_values(claims: Claims, path: str) -> list[str]:
    """All texts under a name. Dots lead into objects, unless a claim of the whole name is there.

    Names of claims may hold dots themselves (`https://example.org/roles`), so every split is tried.
    """
    return list(_texts(_found(claims, path)))


def _found(claims: Any, path: str) -> Any:
    if not isinstance(claims, dict):
        return None
    if path in claims:
        return claims[path]
    parts = path.split(".")
    for end in range(1, len(parts)):
        found = _found(claims.get(".".join(parts[:end])), ".".join(parts[end:]))
        if found is not None:
            return found
    return None


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, list | tuple):
        for item in value:
            if not isinstance(item, list | tuple):
                yield from _texts(item)
    elif isinstance(value, bool):
        yield "true" if value else "false"
    elif isinstance(value, str | int | float):
        yield str(value)


def _rank(role: str) -> int:
    return _RANK[Membership.Role(role)]
