"""What a sign-in would change, read from the rules and the person as they are. The dry run shows, sign-in does it."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings

from apps.accounts.models import Group, Membership, SignInRule, User, Workspace
from apps.accounts.permission_table import SUPER_ADMIN
from apps.accounts.sso.people import Found, person_find
from apps.accounts.sso.rules import rules_apply
from apps.accounts.sso.types import Change, ExternalPerson, Outcome, Refusal, RoleGift

_NO_RULE = Refusal(
    code="no_rule",
    text="Your sign-in service let you in, but none of your groups there has a place here. Ask an administrator.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`changes` hold even where the refusal stands: who fell out of the rules loses what they gave."""

    external: ExternalPerson
    found: Found
    outcome: Outcome
    changes: tuple[Change, ...]
    refusal: Refusal | None


def sign_in_plan(external: ExternalPerson, *, linking: User | None = None) -> Plan:
    """What would become of this sign-in, nothing changed. At most nine queries.

    `linking`: who is signed in and links this identity to their account; then it is theirs whatever its address.
    """
    found = Found(how="email", person=linking) if linking else person_find(external)
    rules = list(SignInRule.objects.filter(source=external.source).order_by("created_at", "pk"))
    if found.refusal is not None:
        outcome = rules_apply(rules, external.claims)
        return Plan(external=external, found=found, outcome=outcome, changes=(), refusal=found.refusal)
    memberships = list(Membership.objects.filter(user=found.person)) if found.person else []
    outcome = rules_apply(rules, external.claims) if rules else _default_outcome(external.source, memberships)
    is_stranger = outcome.is_empty and not _has_own_place(found.person, memberships, external.source)
    refusal = _NO_RULE if rules and is_stranger else None
    changes: list[Change] = []
    if refusal is None or found.how == "linked":
        changes += _membership_changes(external.source, memberships, outcome)
        changes += _group_changes(found.person, rules, outcome)
        changes += _super_admin_changes(found.person, external.source, outcome)
    return Plan(external=external, found=found, outcome=outcome, changes=tuple(changes), refusal=refusal)


def _default_outcome(source: str, memberships: list[Membership]) -> Outcome:
    """Without rules: the first workspace, for people who belong nowhere or got it in this way before."""
    workspace_id = Workspace.objects.order_by("created_at", "pk").values_list("pk", flat=True).first()
    others = [row for row in memberships if row.workspace_id != workspace_id or row.managed_by != source]
    held = len(others) < len(memberships)
    if workspace_id is None or (others and not held):
        return Outcome()
    return Outcome(memberships={workspace_id: RoleGift(role=settings.SSO_DEFAULT_ROLE, rule_id=None)})


def _has_own_place(person: User | None, memberships: list[Membership], source: str) -> bool:
    """Whether somebody gave the person a place that does not come from this source."""
    if person is None:
        return False
    is_above = person.is_super_admin and person.super_admin_managed_by != source
    return is_above or any(row.managed_by != source for row in memberships)


def _membership_changes(source: str, memberships: list[Membership], outcome: Outcome) -> Iterator[Change]:
    held = {row.workspace_id: row for row in memberships}
    for workspace_id, gift in outcome.memberships.items():
        row = held.get(workspace_id)
        before = row.role if row else ""
        # What somebody set by hand, or another source gives, stays.
        if row is not None and (row.managed_by != source or row.role == gift.role):
            continue
        yield Change(kind="membership", workspace_id=workspace_id, before=before, after=gift.role, rule_id=gift.rule_id)
    for row in memberships:
        if row.managed_by == source and row.workspace_id not in outcome.memberships:
            yield Change(kind="membership", workspace_id=row.workspace_id, before=row.role, after="")


def _group_changes(person: User | None, rules: list[SignInRule], outcome: Outcome) -> Iterator[Change]:
    """A group that some rule of the source gives is kept by the rules; all others are let be."""
    kept = {rule.group_id for rule in rules if rule.group_id is not None}
    if not kept:
        return
    mine = set(person.groups.filter(pk__in=kept).values_list("pk", flat=True)) if person else set()
    workspace_of: dict[int, UUID] = dict(Group.objects.filter(pk__in=kept).values_list("pk", "workspace_id"))
    for group_id, rule_id in outcome.groups.items():
        if group_id not in mine:
            yield Change(
                kind="group",
                group_id=group_id,
                workspace_id=workspace_of[group_id],
                before="",
                after="member",
                rule_id=rule_id,
            )
    for group_id in sorted(mine - set(outcome.groups)):
        yield Change(kind="group", group_id=group_id, workspace_id=workspace_of[group_id], before="member", after="")


def _super_admin_changes(person: User | None, source: str, outcome: Outcome) -> Iterator[Change]:
    is_now = person is not None and person.is_super_admin
    if outcome.super_admin_rule and not is_now:
        yield Change(kind=SUPER_ADMIN, before="", after=SUPER_ADMIN, rule_id=outcome.super_admin_rule)
    if is_now and person is not None and person.super_admin_managed_by == source and not outcome.super_admin_rule:
        others = User.objects.filter(is_super_admin=True, is_active=True).exclude(pk=person.pk)
        if others.exists():
            yield Change(kind=SUPER_ADMIN, before=SUPER_ADMIN, after="")
