"""Requests as views and API endpoints get them, and whom things are shared with."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from uuid import UUID

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Grantee:
    """A person, by their key, or a group, by its `key`. `detail`: the address, or how many people the group has."""

    id: UUID
    kind: Literal["person", "group"]
    title: str
    detail: str
