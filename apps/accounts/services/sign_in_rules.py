"""Rules that say which role a single sign-on gives. For super admins."""

from typing import Any
from uuid import UUID

from django.db import transaction

from apps.accounts.models import Group, Membership, SignInRule, SignInSource, User, Workspace
from apps.accounts.permissions import permission_require
from apps.audit.actions import SIGN_IN_RULE_CHANGED
from apps.audit.services import event_record
from chatbot.lib.errors import NotFoundError, ValidationFailedError


@transaction.atomic
def sign_in_rule_create(
    *,
    actor: User,
    source: str,
    claim: str = "",
    value: str = "",
    workspace_id: UUID | None = None,
    role: str = "user",
    group_id: UUID | None = None,
    makes_super_admin: bool = False,
) -> SignInRule:
    """A rule that counts from the next sign-in. `group_id` is the group's `key`.

    Raises ForbiddenError or NotFoundError for whoever is no super admin, ValidationFailedError for a rule that gives
    nothing, that makes everybody a super admin, or whose group is of another workspace.
    """
    permission_require(user=actor, workspace_id=None, permission="sign_in_rules_manage")
    claim, value = claim.strip(), value.strip()
    group = Group.objects.filter(key=group_id).first() if group_id else None
    errors = {
        **_condition_errors(source, claim, value, makes_super_admin),
        **_gift_errors(workspace_id, role, group, makes_super_admin, has_group=group_id is not None),
    }
    if errors:
        raise ValidationFailedError(errors=errors)
    rule = SignInRule.objects.create(
        source=source,
        claim=claim,
        value=value,
        workspace_id=workspace_id,
        role=role,
        group=group,
        makes_super_admin=makes_super_admin,
    )
    _record(actor, rule, "created")
    return rule


@transaction.atomic
def sign_in_rule_delete(*, actor: User, rule_id: UUID) -> None:
    """What the rule gave goes with each person's next sign-in. Raises ForbiddenError, NotFoundError."""
    permission_require(user=actor, workspace_id=None, permission="sign_in_rules_manage")
    rule = SignInRule.objects.select_for_update(of=("self",)).filter(pk=rule_id).first()
    if rule is None:
        raise NotFoundError
    _record(actor, rule, "deleted")
    rule.delete()


def _condition_errors(source: str, claim: str, value: str, makes_super_admin: bool) -> dict[str, str]:
    if source not in {SignInSource.OIDC, SignInSource.SAML, SignInSource.LDAP}:
        return {"source": "Choose where the people come from."}
    if claim and not value:
        return {"value": "Say what the claim must be or hold."}
    if value and not claim:
        return {"claim": "Say which claim must have this value."}
    if makes_super_admin and not claim:
        return {"claim": "Not everybody of a source can be a super admin. Name a claim."}
    return {}


def _gift_errors(
    workspace_id: UUID | None, role: str, group: Group | None, makes_super_admin: bool, *, has_group: bool
) -> dict[str, str]:
    if role not in Membership.Role.values:
        return {"role": f"must be one of {', '.join(Membership.Role.values)}"}
    if workspace_id is None and not makes_super_admin:
        return {"workspace": "Say in which workspace the rule gives a role."}
    if workspace_id is not None and not Workspace.objects.filter(pk=workspace_id).exists():
        return {"workspace": "There is no such workspace."}
    if has_group and (group is None or group.workspace_id != workspace_id):
        return {"group": "The group must be one of the workspace."}
    return {}


def _record(actor: User, rule: SignInRule, change: str) -> None:
    data: dict[str, Any] = {
        "change": change,
        "source": rule.source,
        "claim": rule.claim,
        "value": rule.value,
        "role": rule.role if rule.workspace_id else "",
        "makes_super_admin": rule.makes_super_admin,
    }
    if rule.group_id is not None and rule.group is not None:
        data["group_id"] = rule.group.key
    event_record(action=SIGN_IN_RULE_CHANGED, actor=actor, workspace_id=rule.workspace_id, target=rule, data=data)
