"""Who acts in Django's admin, and doing one thing to each of several rows."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.db import transaction
from django.http import HttpRequest

from apps.accounts.models import User
from chatbot.lib.errors import AppError

RowT = TypeVar("RowT")


def acting(request: HttpRequest) -> User:
    """The site lets only people in, so it is one."""
    return cast("User", request.user)


def each(
    model_admin: "ModelAdmin[Any]",
    request: HttpRequest,
    rows: Iterable[RowT],
    change: Callable[[RowT], object],
    done: str,
) -> None:
    """Do it to each row in a transaction of its own, and say for how many and for which it could not be done.

    `done`: the words after the number.
    """
    count = 0
    for row in rows:
        try:
            with transaction.atomic():
                change(row)
            count += 1
        except AppError as error:
            model_admin.message_user(request, f"{row}: {error.detail or error.title}", messages.ERROR)
    if count:
        model_admin.message_user(request, f"{count} {done}.", messages.SUCCESS)
