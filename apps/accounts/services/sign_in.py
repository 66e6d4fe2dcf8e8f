"""Opening an account again that failed attempts have locked."""

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.selectors.people import account_manage_require
from apps.accounts.sign_in_guard import guard_clear
from apps.audit.actions import SIGN_IN_UNLOCKED
from apps.audit.services import event_record


@transaction.atomic
def sign_in_unlock(*, actor: User, user: User) -> None:
    """Forget the account's failed attempts, so that the person may try at once. Unlocking twice is not an error.

    A lock on their network address stays: it runs out by itself. Raises NotFoundError and ForbiddenError.
    """
    account_manage_require(actor=actor, person=user)
    guard_clear(email=user.email)
    event_record(action=SIGN_IN_UNLOCKED, actor=actor, workspace_id=user.current_workspace_id, target=user)


@transaction.atomic
def sign_in_unlock_by_operator(*, user: User) -> None:
    """The same from the server's command line, where nobody is signed in."""
    guard_clear(email=user.email)
    event_record(action=SIGN_IN_UNLOCKED, actor=None, actor_label="sign_in_unlock", workspace_id=None, target=user)
