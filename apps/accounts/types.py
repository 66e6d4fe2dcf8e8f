"""Requests as views and API endpoints get them."""

from typing import TYPE_CHECKING

from django.http import HttpRequest

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails

    from apps.accounts.models import User


class ApiRequest(HttpRequest):
    """A request to the API after authentication; for type checkers only, no object is of this class."""

    auth: "User"


class UserRequest(HttpRequest):
    """A request to a page behind sign-in; for type checkers only, no object is of this class."""

    user: "User"
    htmx: "HtmxDetails"
