"""Reads: invitations that still work."""

from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts.models import Invitation, User, Workspace
from apps.accounts.permissions import permission_has
from apps.accounts.secret_hash import secret_hash
from chatbot.lib.errors import NotFoundError

_GONE = "This invitation was used or taken back, or it is too old. Ask whoever invited you for a new one."


def invitations_open(*, workspace: Workspace) -> QuerySet[Invitation]:
    """The workspace's invitations that can still be accepted, newest first. The caller has checked the permission."""
    rows = Invitation.objects.filter(workspace=workspace, accepted_at=None, revoked_at=None)
    return rows.filter(expires_at__gt=timezone.now()).order_by("-created_at", "-pk")


def invitation_require(*, token: str) -> Invitation:
    """The invitation whose link still works, with `workspace` and `invited_by`. The token is the permission, as long as
    whoever sent it could still send one: else who is removed could have let themselves in again. Two queries.

    Raises NotFoundError with words for people.
    """
    rows = Invitation.objects.filter(token_hash=secret_hash(token))
    rows = rows.filter(accepted_at=None, revoked_at=None, expires_at__gt=timezone.now())
    invitation = rows.select_related("workspace", "invited_by").first()
    if invitation is None or not _inviter_may(invitation):
        raise NotFoundError(_GONE)
    return invitation


def _inviter_may(invitation: Invitation) -> bool:
    inviter = invitation.invited_by
    if inviter is None or not inviter.is_active:
        return False
    return permission_has(user=inviter, workspace_id=invitation.workspace_id, permission="people_manage")


def invitation_account_exists(*, invitation: Invitation) -> bool:
    """Whether somebody has the invited address: they sign in instead of choosing a password. One query."""
    return User.objects.filter(email=invitation.email).exists()
