"""Asking again who it is before something sensitive: a fresh password or second factor in this session."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from allauth.account.decorators import reauthentication_required
from django.http import HttpRequest, HttpResponseBase

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


def step_up_required(view: View) -> View:
    """A page that first asks for the password or second factor, unless that was minutes ago."""
    guarded = reauthentication_required(view)

    @wraps(view)
    def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return cast("HttpResponseBase", guarded(request, *args, **kwargs))

    return cast("View", page)
