"""Letting people into a workspace by a link that works once."""

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from apps.accounts import tasks
from apps.accounts.exceptions import RateLimitedError
from apps.accounts.mail import mail_deliver, mail_render
from apps.accounts.models import Invitation, Membership, User, Workspace
from apps.accounts.permissions import permission_require
from apps.accounts.secret_hash import secret_hash
from apps.accounts.selectors.invitations import invitation_require, invitations_open
from apps.accounts.services.mailboxes import mailbox_prove
from apps.accounts.services.people import member_added_record
from apps.audit.actions import INVITATION_ACCEPTED, INVITATION_REVOKED, INVITATION_SENT, PERSON_CREATED
from apps.audit.services import event_record
from chatbot.lib.errors import ForbiddenError, NotFoundError, ValidationFailedError
from chatbot.lib.queue import task_enqueue

_PERMISSION = "people_manage"


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationSent:
    """`link` lets in whoever opens it: show it once to the administrator, who may have no mail."""

    invitation: Invitation
    link: str


@transaction.atomic
def invitation_send(*, actor: User, workspace: Workspace, email: str, role: str, base_url: str) -> InvitationSent:
    """Invite an address into the workspace and mail the link; an earlier invitation of the address there ends.

    `base_url`: scheme and host of the site (`apps.accounts.mail.public_base`). Raises NotFoundError or ForbiddenError
    as the permission table says, ValidationFailedError for what was entered or a member, RateLimitedError after too
    many in an hour.
    """
    permission_require(user=actor, workspace_id=workspace.pk, permission=_PERMISSION)
    # Two invitations of the same address at once wait for each other.
    Workspace.objects.select_for_update(no_key=True).get(pk=workspace.pk)
    email = _checked(workspace=workspace, email=email, role=role)
    _hour_check(workspace)
    invitations_open(workspace=workspace).filter(email=email).update(revoked_at=timezone.now())
    invitation = Invitation(
        workspace=workspace,
        email=email,
        role=role,
        invited_by=actor,
        expires_at=timezone.now() + timedelta(days=settings.INVITATION_DAYS),
    )
    token = _token(invitation)
    invitation.token_hash = secret_hash(token)
    invitation.save()
    event_record(action=INVITATION_SENT, actor=actor, workspace_id=workspace.pk, target=invitation, data={"role": role})
    transaction.on_commit(lambda: task_enqueue(tasks.invitation_mail, str(invitation.pk), base_url))
    return InvitationSent(invitation=invitation, link=_link(token, base_url=base_url))


@transaction.atomic
def invitation_revoke(*, actor: User, workspace: Workspace, invitation_id: UUID) -> None:
    """Take an open invitation back. Raises NotFoundError, also for one of another workspace, or ForbiddenError."""
    permission_require(user=actor, workspace_id=workspace.pk, permission=_PERMISSION)
    if not invitations_open(workspace=workspace).filter(pk=invitation_id).update(revoked_at=timezone.now()):
        raise NotFoundError
    invitation = Invitation.objects.get(pk=invitation_id)
    event_record(action=INVITATION_REVOKED, actor=actor, workspace_id=workspace.pk, target=invitation)


@transaction.atomic
def invitation_join(*, token: str, user: User) -> Membership:
    """A person who has an account joins.

    Raises NotFoundError for a link that does not work and ForbiddenError for one that is for another address.
    """
    invitation = _taken(token)
    if invitation.email != user.email:
        raise ForbiddenError("This invitation is for another address than the one you are signed in with.")
    return _joined(invitation, user)


@transaction.atomic
def invitation_complete(*, token: str, name: str, password: str, mailbox: str = "") -> User:
    """A new person sets name and password and joins.

    `mailbox`: what stands in the mailed link only. Without it the mailbox is not taken as proven: whoever invited them
    has the other link.

    Raises NotFoundError for a link that does not work and ValidationFailedError for what was entered, also if somebody
    has the address already: they sign in and join.
    """
    invitation = _taken(token)
    draft = User(email=invitation.email, name=name)
    if User.objects.filter(email=draft.email).exists():
        raise ValidationFailedError(errors={"name": "There is an account with this address. Please sign in to join."})
    try:
        validate_password(password, draft)
    except ValidationError as error:
        raise ValidationFailedError(errors={"password": " ".join(error.messages)}) from error
    user = User.objects.create_user(invitation.email, password, name=name)
    if constant_time_compare(mailbox, _mailbox_proof(invitation)):
        mailbox_prove(person=user)
    event_record(action=PERSON_CREATED, actor=user, workspace_id=invitation.workspace_id, target=user)
    _joined(invitation, user)
    return user


def invitation_mail_send(*, invitation_id: UUID, base_url: str) -> None:
    """Mail the link of an invitation that is still open."""
    rows = Invitation.objects.select_related("workspace", "invited_by")
    invitation = rows.filter(pk=invitation_id, accepted_at=None, revoked_at=None).first()
    if invitation is None:
        return
    context = {
        "workspace": invitation.workspace.name,
        "inviter": str(invitation.invited_by or ""),
        "link": f"{_link(_token(invitation), base_url=base_url)}?{urlencode({'mailbox': _mailbox_proof(invitation)})}",
        "expires_at": invitation.expires_at,
    }
    mail_deliver(mail_render(name="invitation", to=invitation.email, context=context))


def _checked(*, workspace: Workspace, email: str, role: str) -> str:
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise ValidationFailedError(errors={"email": " ".join(error.messages)}) from error
    if role not in Membership.Role.values:
        raise ValidationFailedError(errors={"role": f"must be one of {', '.join(Membership.Role.values)}"})
    if Membership.objects.filter(workspace=workspace, user__email=email).exists():
        raise ValidationFailedError(errors={"email": "This person is a member already."})
    return email


def _hour_check(workspace: Workspace) -> None:
    hour_ago = timezone.now() - timedelta(hours=1)
    if workspace.invitations.filter(created_at__gt=hour_ago).count() >= settings.INVITATIONS_PER_HOUR:
        raise RateLimitedError("Too many invitations within an hour. Please go on later.", retry_after=3600)


def _taken(token: str) -> Invitation:
    """The invitation under a lock: of two who open the link at once, the second finds it used."""
    found = invitation_require(token=token)
    Invitation.objects.select_for_update(no_key=True).get(pk=found.pk)
    return invitation_require(token=token)


def _joined(invitation: Invitation, user: User) -> Membership:
    membership, is_new = Membership.objects.get_or_create(
        user=user, workspace=invitation.workspace, defaults={"role": invitation.role}
    )
    invitation.accepted_at = timezone.now()
    invitation.save(update_fields=["accepted_at"])
    user.current_workspace = invitation.workspace
    user.save(update_fields=["current_workspace"])
    event_record(
        action=INVITATION_ACCEPTED,
        actor=user,
        workspace_id=invitation.workspace_id,
        target=invitation,
        data={"role": membership.role},
    )
    if is_new:
        member_added_record(actor=user, membership=membership)
    return membership


def _link(token: str, *, base_url: str) -> str:
    return f"{base_url}{reverse('accounts:invitation', args=[token])}"


def _token(invitation: Invitation) -> str:
    """Derived from the key, so that the worker that mails it can make it again and it waits nowhere."""
    return salted_hmac("apps.accounts.services.invitations", str(invitation.pk), algorithm="sha256").hexdigest()


def _mailbox_proof(invitation: Invitation) -> str:
    """Stands in the mail only, and so shows that its reader has the mailbox."""
    return salted_hmac("apps.accounts.services.invitations.mailbox", str(invitation.pk), algorithm="sha256").hexdigest()
