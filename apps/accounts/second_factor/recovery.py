"""Recovery codes: each stands in for the second factor once."""

import secrets

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import RecoveryCode, User
from apps.accounts.second_factor.cipher import keyed_hashes

COUNT = 10
# Fewer than that left is worth a warning.
FEW = 3
# Crockford's base32: nothing in it looks like something else.
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
# 80 random bits: nobody finds a code by trying, so a fast keyed hash keeps it as well as a slow one would.
LENGTH = 16
_GROUP = 4
_LOOKALIKES = str.maketrans({"o": "0", "i": "1", "l": "1"})


@transaction.atomic
def recovery_codes_replace(*, user: User) -> list[str]:
    """New codes in place of all former ones. They are known only now: hashes are kept.

    The person's row is locked, so that of two who do this at once the later one's codes hold. The caller audits.
    """
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    RecoveryCode.objects.filter(user=user).delete()
    codes = [_code() for _ in range(COUNT)]
    RecoveryCode.objects.bulk_create(RecoveryCode(user=user, code_hash=keyed_hashes(code)[0]) for code in codes)
    return ["-".join(code[at : at + _GROUP] for at in range(0, LENGTH, _GROUP)) for code in codes]


def recovery_code_use(*, user: User, code: str) -> bool:
    """Use a code up. False for a wrong or used one. One statement, so of two at once only one gets True."""
    plain = recovery_code_plain(code)
    if plain is None:
        return False
    unused = RecoveryCode.objects.filter(user=user, used_at=None, code_hash__in=keyed_hashes(plain))
    return unused.update(used_at=timezone.now()) > 0


def recovery_code_plain(text: str) -> str | None:
    """The code as it is hashed: without dashes, spaces and lookalikes. None for what cannot be one."""
    plain = "".join(character for character in text.lower() if character.isalnum()).translate(_LOOKALIKES)
    return plain if len(plain) == LENGTH and set(plain) <= set(_ALPHABET) else None


def recovery_codes_left(*, user: User) -> int:
    return RecoveryCode.objects.filter(user=user, used_at=None).count()


def _code() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(LENGTH))
