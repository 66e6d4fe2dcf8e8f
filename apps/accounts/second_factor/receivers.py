"""What changes who must have a second factor."""

from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from apps.accounts.models import Membership, User, Workspace
from apps.accounts.second_factor.enforcement import state_forget


@receiver([post_save, post_delete], sender=Workspace)
def policy_change_notice(**_: Any) -> None:
    state_forget()
    transaction.on_commit(state_forget)


@receiver([post_save, post_delete], sender=Membership)
def membership_change_notice(*, instance: Membership, **_: Any) -> None:
    _person_forget(instance.user_id)


@receiver(post_save, sender=User)
def person_change_notice(*, instance: User, **_: Any) -> None:
    _person_forget(instance.pk)


def _person_forget(user_id: Any) -> None:
    # At once, for who reads in this transaction; and after it, because somebody may have looked meanwhile.
    state_forget(user_id=user_id)
    transaction.on_commit(lambda: state_forget(user_id=user_id))
