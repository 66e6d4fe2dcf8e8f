"""What an administrator does to somebody's account. Each asks first and acts by POST."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from apps.accounts.models import User
from apps.accounts.second_factor.changing import second_factor_reset
from apps.accounts.selectors.people import DISABLED, LOCKED, PersonRow, member_administered
from apps.accounts.services.people import person_sign_out
from apps.accounts.services.sessions import person_disable, person_enable
from apps.accounts.services.sign_in import sign_in_unlock
from apps.accounts.step_up import step_up_required
from apps.accounts.types import UserRequest
from apps.accounts.views.answers import asked, redirected

_ask_or_act = require_http_methods(["GET", "POST"])


@_ask_or_act
def person_unlock(request: UserRequest, person_id: UUID) -> HttpResponse:
    return _act(
        request,
        person_id,
        act=lambda person: sign_in_unlock(actor=request.user, user=person),
        done="{person} may try again at once.",
        title="Open the account of {person}?",
        text="Failed attempts are forgotten, and they may try to sign in at once. Do this if you know it was them.",
        button="Unlock",
        is_danger=False,
    )


@_ask_or_act
@step_up_required
def person_factor_reset(request: UserRequest, person_id: UUID) -> HttpResponse:
    return _act(
        request,
        person_id,
        act=lambda person: second_factor_reset(actor=request.user, user=person),
        done="The second factor of {person} is reset.",
        title="Reset the second factor of {person}?",
        text="Their authenticator, passkeys and recovery codes are deleted, they are signed out everywhere and told "
        "by mail. Make sure that it is them who asks.",
        button="Reset",
    )


@_ask_or_act
def person_end_sessions(request: UserRequest, person_id: UUID) -> HttpResponse:
    return _act(
        request,
        person_id,
        act=lambda person: person_sign_out(actor=request.user, person=person),
        done="{person} is signed out everywhere.",
        title="Sign {person} out everywhere?",
        text="Browsers and API sign-ins end at once, and so do API keys. They can sign in again.",
        button="Sign out",
    )


@_ask_or_act
def person_close(request: UserRequest, person_id: UUID) -> HttpResponse:
    return _act(
        request,
        person_id,
        act=lambda person: person_disable(actor=request.user, user=person),
        done="{person} is disabled.",
        title="Disable {person}?",
        text="They are signed out everywhere at once, and nobody can sign in with this account until you enable it.",
        button="Disable",
    )


@_ask_or_act
def person_open(request: UserRequest, person_id: UUID) -> HttpResponse:
    return _act(
        request,
        person_id,
        act=lambda person: person_enable(actor=request.user, user=person),
        done="{person} is enabled.",
        title="Enable {person}?",
        text="They can sign in again. API keys that ended stay ended.",
        button="Enable",
        is_danger=False,
    )


def actions_for(row: PersonRow, *, is_self: bool) -> list[dict[str, Any]]:
    """What the page of a person offers, for somebody who may change the account."""
    if is_self:
        return []
    person = row.user
    offered = []
    if row.status == LOCKED:
        offered.append(
            _offer(person, "unlock", "Locked after failed sign-ins", "Let them try again at once.", "Unlock")
        )
    if row.has_second_factor:
        text = "If they lost their device. They set up a new one when they sign in."
        offered.append(_offer(person, "factor-reset", "Second factor", text, "Reset", is_direct=True))
    if row.status == DISABLED:
        text = "They can sign in again. API keys that ended stay ended."
        return [*offered, _offer(person, "enable", "Enable the account", text, "Enable")]
    text = "Ends sessions, API sign-ins and API keys at once."
    offered.append(_offer(person, "end-sessions", "Sign out everywhere", text, "Sign out"))
    text = "They are signed out everywhere and cannot sign in any more, in no workspace."
    return [*offered, _offer(person, "disable", "Disable the account", text, "Disable", is_danger=True)]


def _offer(person: User, route: str, title: str, text: str, button: str, **more: bool) -> dict[str, Any]:
    address = reverse(f"accounts:person-{route}", args=[person.pk])
    return {"title": title, "text": text, "button": button, "address": address, **more}


def _act(
    request: UserRequest, person_id: UUID, *, act: Callable[[User], object], done: str, title: str, **words: Any
) -> HttpResponse:
    person = member_administered(user=request.user, person_id=person_id).user
    if request.method == "POST":
        act(person)
        return redirected(request, "accounts:person", person_id, text=done.replace("{person}", str(person)))
    back = reverse("accounts:person", args=[person_id])
    return asked(request, section="people", back=back, title=title.replace("{person}", str(person)), **words)
