"""What a password may not be, beyond Django's validators: long ones that people choose all the same."""

import re
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from django.db.models import Q

from apps.accounts.models import User, Workspace

_OWN_LIST = Path(__file__).with_name("common_passwords.txt")
_PRODUCT = "chatbot"
# Shorter names turn up in honest passphrases by chance.
_SHORTEST_NAME = 4
_LEET = str.maketrans("0134578@$!", "oieastbasi")
_ENDS = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_LETTERS_AND_DIGITS = re.compile(r"[\W_]+")

_LINES = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "qwertzuiopü",
    "azertyuiop",
    "asdfghjkl",
    "asdfghjklöä",
    "zxcvbnm",
    "yxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/",
    "qazwsxedcrfvtgbyhnujmikolp",
    "qweasdzxcrtyfghvbnuiojklm",
    "qwerasdfzxcv",
)
_RUN = 4
_FEWEST_FREE = 6
_FEWEST_DISTINCT = 5
_SHORTEST_UNIT = 8


class CommonCoreValidator:
    """Refuses what is a common password once digits, signs and letter games are taken off: `P@ssword-2026!`."""

    def validate(self, password: str, user: Any = None) -> None:
        if any(form in _common() for form in _forms(password)):
            raise ValidationError("This is a common password with a few signs around it.", code="password_common_core")

    def get_help_text(self) -> str:
        return "Your password can’t be a common one with digits or signs added."


class PatternValidator:
    """Refuses rows of the keyboard or alphabet, and the same few signs again and again."""

    def validate(self, password: str, user: Any = None) -> None:
        text = password.lower()
        unit = len(_unit(text))
        is_repeated = unit < len(text) and unit < _SHORTEST_UNIT
        if is_repeated or len(set(text)) < _FEWEST_DISTINCT or _free(text) < _FEWEST_FREE:
            raise ValidationError(
                "This is mostly a row of the keyboard or the same signs again.", code="password_pattern"
            )

    def get_help_text(self) -> str:
        return "Your password can’t be a row of the keyboard or a repetition."


class NamesValidator:
    """Refuses passwords with the name of the product or workspace or the first part of the e-mail address in them."""

    def validate(self, password: str, user: Any = None) -> None:
        plain = _plain(password)
        if any(len(name) >= _SHORTEST_NAME and name in plain for name in map(_plain, _names(user))):
            raise ValidationError(
                "The password may not contain your address or the name of the product or workspace.",
                code="password_names",
            )

    def get_help_text(self) -> str:
        return "Your password can’t contain your address or the name of your workspace."


class OperatorListValidator:
    """Refuses what stands in the operator's list (CHATBOT_PASSWORD_LIST), in any case."""

    def validate(self, password: str, user: Any = None) -> None:
        path: Path = settings.PASSWORD_LIST
        # Read line by line each time: it is long and passwords are set seldom.
        wanted = password.strip().lower()
        if path.is_file():
            with path.open(encoding="utf-8", errors="replace") as lines:
                if any(line.strip().lower() == wanted for line in lines):
                    raise ValidationError("This password is on your organisation’s list.", code="password_listed")

    def get_help_text(self) -> str:
        return "Your password can’t stand on your organisation’s list of refused ones."


@cache
def _common() -> frozenset[str]:
    """Django's twenty thousand and the longer ones of this product."""
    own = _OWN_LIST.read_text(encoding="utf-8").split()
    return frozenset(CommonPasswordValidator().passwords) | frozenset(own)


def _forms(password: str) -> set[str]:
    """The password as it may stand in a list: without what people put around it, and without letter games."""
    text = password.lower()
    bare = _ENDS.sub("", text)
    played = _ENDS.sub("", text.translate(_LEET))
    inside = bare.translate(_LEET)
    forms = {text, bare, inside, played, _LETTERS_AND_DIGITS.sub("", bare), _LETTERS_AND_DIGITS.sub("", inside)}
    forms = {form for form in forms if form}
    return forms | {_unit(form) for form in forms}


def _unit(text: str) -> str:
    """The shortest piece that makes up the text when it is repeated."""
    return text[: (text + text).find(text, 1)]


def _free(text: str) -> int:
    """How many characters belong to no run along a line, forwards or backwards, and repeat none before."""
    free, position = 0, 0
    while position < len(text):
        run = max(_run(text, position, line) for line in (*_LINES, *(line[::-1] for line in _LINES)))
        if run >= _RUN:
            position += run
        else:
            free += text[position] != text[position - 1 : position]
            position += 1
    return free


def _run(text: str, start: int, line: str) -> int:
    length = 0
    while start + length < len(text) and text[start : start + length + 1] in line:
        length += 1
    return length


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text).lower()
    return _LETTERS_AND_DIGITS.sub("", "".join(sign for sign in folded if not unicodedata.combining(sign)))


def _names(user: Any) -> set[str]:
    names = {_PRODUCT}
    if isinstance(user, User):
        names.add(user.email.partition("@")[0])
        mine = Q(memberships__user=user.pk) | Q(invitations__email=user.email)
        names |= set(Workspace.objects.filter(mine).values_list("name", flat=True))
    return names
