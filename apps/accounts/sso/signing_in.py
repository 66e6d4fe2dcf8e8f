"""Carrying out a sign-in from elsewhere: account, link, roles, all in one transaction with their audit events."""

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.db import connection, transaction

from apps.accounts.access_ended import access_ended_announce
from apps.accounts.exceptions import SsoRefusedError
from apps.accounts.models import ExternalIdentity, Group, Membership, SignInSource, User
from apps.accounts.permission_table import SUPER_ADMIN
from apps.accounts.services.first_run import workspace_default_ensure
from apps.accounts.services.groups import group_member_add, group_member_remove
from apps.accounts.services.mailboxes import account_reclaim
from apps.accounts.services.people import membership_end
from apps.accounts.sso.planning import Plan, sign_in_plan
from apps.accounts.sso.types import Change, ExternalPerson, Refusal
from apps.audit.actions import MEMBER_ADDED, PERSON_CREATED, ROLE_CHANGED, SSO_APPLIED, SSO_REFUSED
from apps.audit.services import event_record

_NAME_LENGTH = 150


def sign_in_apply(external: ExternalPerson, *, linking: User | None = None) -> User:
    """The account that this external person now has, with the roles that the rules give.

    Only for persons whom their source has just proved. `linking`: who is signed in and links the identity to their
    own account. Raises SsoRefusedError; what the refused one had by rules is taken back even then.
    """
    # A refusal must keep its event and what it took back, so it is raised outside the transaction.
    with transaction.atomic():
        _lock(external)
        workspace_default_ensure()
        plan = sign_in_plan(external, linking=linking)
        refusal = plan.refusal or _link_conflict(plan, linking)
        if refusal is None:
            person = _person(plan)
            if plan.found.how == "email" and linking is None:
                # Before the link: an account that somebody made in this person's name must not keep a second way in.
                account_reclaim(actor=person, person=person)
            _link(plan, person)
            _apply(plan, person)
            return person
        if plan.found.person is not None and plan.found.how == "linked":
            _apply(plan, plan.found.person)
        refusal_record(source=external.source, reason=refusal.code, person=plan.found.person, label=external.email)
    raise SsoRefusedError(refusal.text, reason=refusal.code)


def refusal_record(*, source: str, reason: str, person: User | None = None, label: str = "") -> None:
    """The audit event of a refused sign-in. `reason` is a code, never what the source said."""
    event_record(
        action=SSO_REFUSED,
        actor=person,
        actor_label=label,
        workspace_id=None,
        target=person,
        data={"source": source, "reason": reason},
        result="refused",
    )


def _lock(external: ExternalPerson) -> None:
    """Two first sign-ins of one person at once make one account: the second waits here and then finds it."""
    with connection.cursor() as cursor:
        for subject in (f"{external.source} {external.uid}", external.email):
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"sso {subject}"])


def _link_conflict(plan: Plan, linking: User | None) -> Refusal | None:
    """Of somebody who links: the identity may be another's already."""
    if linking is None:
        return None
    owner = SocialAccount.objects.filter(provider=plan.external.source, uid=plan.external.uid).first()
    if owner is None or owner.user_id == linking.pk:
        return None
    return Refusal(code="linked_to_other", text="This identity is linked to another account here.")


def _person(plan: Plan) -> User:
    external = plan.external
    if plan.found.person is None:
        person = User.objects.create_user(external.email, None, name=external.name[:_NAME_LENGTH])
        EmailAddress.objects.create(user=person, email=person.email, primary=True, verified=True)
        event_record(
            action=PERSON_CREATED, actor=person, workspace_id=None, target=person, data={"source": external.source}
        )
        return person
    person = plan.found.person
    if not person.name and external.name:
        person.name = external.name[:_NAME_LENGTH]
        person.save(update_fields=["name"])
    return person


def _link(plan: Plan, person: User) -> None:
    external = plan.external
    if external.source == SignInSource.LDAP:
        ExternalIdentity.objects.get_or_create(
            source=external.source, external_id=external.uid, defaults={"user": person}
        )
        return
    # The claims of the last sign-in are what the dry run can try rules on.
    SocialAccount.objects.update_or_create(
        provider=external.source,
        uid=external.uid,
        defaults={"extra_data": dict(external.claims)},
        create_defaults={"user": person, "extra_data": dict(external.claims)},
    )


def _apply(plan: Plan, person: User) -> None:
    source = plan.external.source
    # Memberships before groups: a group takes members of its workspace only.
    for change in sorted(plan.changes, key=lambda change: change.kind == "group"):
        if change.kind == "membership":
            _membership_change(person, source, change)
        elif change.kind == "group":
            _group_change(person, source, change)
        else:
            _super_admin_change(person, source, change)
    if plan.found.how == "linked" and not plan.changes:
        return
    event_record(
        action=SSO_APPLIED,
        actor=person,
        workspace_id=None,
        target=person,
        data={
            "source": source,
            "account": plan.found.how,
            "rules": ",".join(map(str, plan.outcome.rule_ids)),
            "changes": "; ".join(_said(change) for change in plan.changes),
        },
    )
    if any(change.before for change in plan.changes):
        access_ended_announce(user_id=person.pk)


def _membership_change(person: User, source: str, change: Change) -> None:
    assert change.workspace_id is not None
    rows = Membership.objects.filter(user=person, workspace_id=change.workspace_id)
    if not change.after:
        membership_end(actor=person, membership=rows.select_related("user").get(), source=source)
        return
    if not rows.update(role=change.after, managed_by=source):
        Membership.objects.create(user=person, workspace_id=change.workspace_id, role=change.after, managed_by=source)
    data = {"from": change.before, "to": change.after} if change.before else {"role": change.after}
    event_record(
        action=ROLE_CHANGED if change.before else MEMBER_ADDED,
        actor=person,
        workspace_id=change.workspace_id,
        target=person,
        data={**data, "source": source},
    )


def _group_change(person: User, source: str, change: Change) -> None:
    group = Group.objects.filter(pk=change.group_id).first() if change.group_id is not None else None
    # Whoever has just left the workspace left its groups with it.
    if group is None or not Membership.objects.filter(user=person, workspace_id=group.workspace_id).exists():
        return
    service = group_member_add if change.after else group_member_remove
    service(actor=None, group_id=group.key, user_id=person.pk, actor_label=source)


def _super_admin_change(person: User, source: str, change: Change) -> None:
    is_above = change.after == SUPER_ADMIN
    if not is_above and not _others_above(person):
        return
    person.is_super_admin = person.is_staff = person.is_superuser = is_above
    person.super_admin_managed_by = source if is_above else ""
    person.save(update_fields=["is_super_admin", "is_staff", "is_superuser", "super_admin_managed_by"])
    event_record(
        action=ROLE_CHANGED,
        actor=person,
        workspace_id=None,
        target=person,
        data={"from": change.before, "to": change.after, "source": source},
    )


def _others_above(person: User) -> bool:
    """Locks them, so that two at once cannot leave none."""
    above = User.objects.select_for_update(no_key=True).filter(is_super_admin=True, is_active=True).order_by("pk")
    return bool({row.pk for row in above} - {person.pk})


def _said(change: Change) -> str:
    where = change.group_id if change.kind == "group" else change.workspace_id
    words = f"{change.kind} {where or ''}".strip()
    return f"{words}: {change.before or 'none'} > {change.after or 'none'}"
