"""A plan in words, for the dry run."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from apps.accounts.models import Group, SignInRule, User, Workspace
from apps.accounts.permission_table import SUPER_ADMIN
from apps.accounts.sso.planning import Plan
from apps.accounts.sso.types import Change


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """`refusal`: empty if the person would come in. `gifts`: what they would be, each with the rule that says so."""

    account: str
    refusal: str
    gifts: tuple[tuple[str, str], ...]
    changes: tuple[str, ...]


def plan_told(plan: Plan) -> Told:
    """Three queries."""
    words = _Words(plan)
    outcome = plan.outcome
    gifts = [(words.membership(key, gift.role), words.rule(gift.rule_id)) for key, gift in outcome.memberships.items()]
    gifts += [(words.group(key), words.rule(rule_id)) for key, rule_id in outcome.groups.items()]
    if outcome.super_admin_rule:
        gifts.append(("Super admin", words.rule(outcome.super_admin_rule)))
    return Told(
        account=_account(plan),
        refusal=plan.refusal.text if plan.refusal else "",
        gifts=tuple(gifts),
        changes=tuple(words.change(change) for change in plan.changes),
    )


def rule_words(rule: SignInRule) -> str:
    """The rule's condition."""
    return f"{rule.claim} has {rule.value}" if rule.claim else "everybody"


def _account(plan: Plan) -> str:
    email = plan.external.email or "no address"
    match plan.found.how:
        case "linked":
            return f"Opens the account of {_name(plan.found.person)}, as it is linked to it."
        case "email":
            return f"Would be linked to the account of {_name(plan.found.person)}, which has the same address."
        case "new" if plan.refusal is None:
            return f"A new account for {email} would be made."
        case _:
            return f"No account would be opened for {email}."


def _name(person: User | None) -> str:
    return person.email if person else ""


class _Words:
    """Names of what a plan speaks of."""

    def __init__(self, plan: Plan) -> None:
        changes = plan.changes
        outcome = plan.outcome
        self._workspaces = dict(
            Workspace.objects.filter(
                pk__in={*outcome.memberships, *_keys(change.workspace_id for change in changes)}
            ).values_list("pk", "name")
        )
        self._groups = dict(
            Group.objects.filter(
                pk__in={*outcome.groups, *(change.group_id for change in changes if change.group_id is not None)}
            ).values_list("pk", "title")
        )
        self._rules = {rule.pk: rule_words(rule) for rule in SignInRule.objects.filter(pk__in=outcome.rule_ids)}

    def membership(self, workspace_id: UUID, role: str) -> str:
        return f"{role} in {self._workspaces.get(workspace_id, workspace_id)}"

    def group(self, group_id: int) -> str:
        return f"member of the group {self._groups.get(group_id, group_id)}"

    def rule(self, rule_id: UUID | None) -> str:
        return self._rules.get(rule_id, "rule") if rule_id else "default, as there is no rule"

    def change(self, change: Change) -> str:
        if change.kind == SUPER_ADMIN:
            return "becomes a super admin" if change.after else "is no super admin any more"
        if change.kind == "group":
            group = self._groups.get(change.group_id or 0, change.group_id)
            return f"{'joins' if change.after else 'leaves'} the group {group}"
        workspace = self._workspaces.get(change.workspace_id) if change.workspace_id else ""
        if not change.before:
            return f"joins {workspace} as {change.after}"
        if not change.after:
            return f"leaves {workspace} (was {change.before})"
        return f"in {workspace}: {change.before} becomes {change.after}"


def _keys(keys: Iterable[UUID | None]) -> set[UUID]:
    return {key for key in keys if key is not None}
