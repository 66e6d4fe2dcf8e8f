"""Making workspaces, and going from one to another."""

import secrets
from uuid import UUID

from django.db import transaction
from django.utils.text import slugify

from apps.accounts.models import Membership, User, Workspace
from apps.accounts.permissions import permission_require
from apps.audit.actions import WORKSPACE_CREATED, WORKSPACE_SWITCHED
from apps.audit.services import event_record
from chatbot.lib.errors import ForbiddenError, NotFoundError, ValidationFailedError

NAME_MAXIMUM = 100
_SLUG_LENGTH = 50


@transaction.atomic
def workspace_create(*, actor: User, name: str) -> Workspace:
    """A workspace without members, for super admins. Raises ForbiddenError, ValidationFailedError."""
    permission_require(user=actor, workspace_id=None, permission="workspace_create")
    name = " ".join(name.replace("\x00", "").split())
    if not name or len(name) > NAME_MAXIMUM:
        raise ValidationFailedError(errors={"name": f"Give it a name of at most {NAME_MAXIMUM} characters."})
    workspace = Workspace.objects.create(name=name, slug=_slug(name))
    event_record(action=WORKSPACE_CREATED, actor=actor, workspace_id=workspace.pk, target=workspace)
    return workspace


@transaction.atomic
def workspace_switch(*, actor: User, workspace_id: UUID) -> Workspace:
    """From now on the person works there: lists show it, and what they begin goes there.

    A super admin need not be a member. Raises NotFoundError for others who are none, ForbiddenError for an API key,
    which is bound to its workspace.
    """
    if getattr(actor, "api_key", None):
        raise ForbiddenError("An API key works in its own workspace only.")
    workspace = Workspace.objects.filter(pk=workspace_id).first()
    if workspace is None or not _may_enter(actor, workspace):
        raise NotFoundError
    if actor.current_workspace_id != workspace.pk:
        actor.current_workspace = workspace
        actor.save(update_fields=["current_workspace"])
        event_record(action=WORKSPACE_SWITCHED, actor=actor, workspace_id=workspace.pk, target=workspace)
    return workspace


def _may_enter(actor: User, workspace: Workspace) -> bool:
    return actor.is_super_admin or Membership.objects.filter(user=actor, workspace=workspace).exists()


def _slug(name: str) -> str:
    slug = slugify(name)[:_SLUG_LENGTH].strip("-") or "workspace"
    return slug if not Workspace.objects.filter(slug=slug).exists() else f"{slug}-{secrets.token_hex(4)}"
