"""The first administrator and the default workspace."""

import secrets

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from apps.accounts.exceptions import SetupInvalidError
from apps.accounts.models import Membership, SetupToken, User, Workspace
from apps.accounts.secret_hash import secret_hash
from apps.accounts.selectors.workspaces import administrator_exists
from apps.audit.actions import ADMINISTRATOR_CREATED
from apps.audit.services import event_record
from chatbot.lib.errors import NotFoundError, ValidationFailedError

DEFAULT_WORKSPACE_NAME = "My organisation"
DEFAULT_WORKSPACE_SLUG = "my-organisation"


def workspace_default_ensure() -> Workspace:
    """The first workspace; made if there is none."""
    workspace = Workspace.objects.order_by("created_at", "pk").first()
    return workspace or Workspace.objects.create(name=DEFAULT_WORKSPACE_NAME, slug=DEFAULT_WORKSPACE_SLUG)


@transaction.atomic
def administrator_ensure() -> str | None:
    """See that there is an administrator, or a way to become one.

    With CHATBOT_ADMIN_EMAIL and CHATBOT_ADMIN_PASSWORD one is created, unless there is one. Without them a new
    one-time set-up token is returned, to be shown once; only its hash is kept, and earlier ones end.
    Raises SetupInvalidError if only one of the two is set or one is not acceptable.
    """
    if administrator_exists():
        return None
    email, password = settings.ADMIN_EMAIL, settings.ADMIN_PASSWORD
    if bool(email) != bool(password):
        raise SetupInvalidError("Set both CHATBOT_ADMIN_EMAIL and CHATBOT_ADMIN_PASSWORD, or neither.")
    if not email:
        return _setup_token_issue()
    try:
        validate_email(email)
        administrator_create(email=email, password=password, name="")
    except (ValidationError, ValidationFailedError) as error:
        reasons = error.messages if isinstance(error, ValidationError) else list(error.errors.values())
        raise SetupInvalidError(f"CHATBOT_ADMIN_EMAIL or CHATBOT_ADMIN_PASSWORD: {' '.join(reasons)}") from error
    return None


@transaction.atomic
def administrator_create(*, email: str, password: str, name: str) -> User:
    """The first administrator: above every workspace, and administrator of the default one.

    Raises ValidationFailedError for an address that is taken or a weak password.
    """
    draft = User(email=email.strip().lower(), name=name)
    try:
        validate_password(password, draft)
    except ValidationError as error:
        raise ValidationFailedError(errors={"password": " ".join(error.messages)}) from error
    if User.objects.filter(email=draft.email).exists():
        raise ValidationFailedError(errors={"email": "This address is taken."})
    user = User.objects.create_superuser(email, password, name=name)
    workspace = workspace_default_ensure()
    Membership.objects.create(user=user, workspace=workspace, role=Membership.Role.ADMIN)
    event_record(action=ADMINISTRATOR_CREATED, actor=user, workspace_id=workspace.pk, target=user)
    return user


def setup_token_require(*, token: str) -> SetupToken:
    """The row of a set-up link that still works. Raises NotFoundError for others and once there is an administrator."""
    row = SetupToken.objects.filter(token_hash=secret_hash(token), used_at=None).first()
    if row is None or administrator_exists():
        raise NotFoundError
    return row


@transaction.atomic
def setup_complete(*, token: str, email: str, password: str, name: str) -> User:
    """Make the first administrator by a set-up link, which is used up by that.

    Raises NotFoundError for a link that does not work and ValidationFailedError for what was entered.
    """
    row = setup_token_require(token=token)
    # Of two who open the link at once, the second waits here and then finds it used.
    if SetupToken.objects.select_for_update().filter(pk=row.pk, used_at=None).first() is None:
        raise NotFoundError
    SetupToken.objects.filter(pk=row.pk).update(used_at=timezone.now())
    return administrator_create(email=email, password=password, name=name)


def _setup_token_issue() -> str:
    SetupToken.objects.filter(used_at=None).delete()
    token = secrets.token_urlsafe(32)
    SetupToken.objects.create(token_hash=secret_hash(token))
    return token
