"""How a page says what happened: a toast for htmx, a message on the next page without."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django_htmx.http import trigger_client_event

from apps.accounts.types import UserRequest


def told(response: HttpResponse, *, text: str, kind: str = "success", closes_dialog: bool = False) -> HttpResponse:
    """The answer to an htmx request, with a toast, which is read aloud; the dialog that asked goes."""
    if closes_dialog:
        trigger_client_event(response, "dialog-close")
    return trigger_client_event(response, "app:toast", {"message": text, "kind": kind})


def redirected(request: UserRequest, *route: object, text: str, kind: int = messages.SUCCESS) -> HttpResponse:
    """To the page of that name and arguments, with a message."""
    messages.add_message(request, kind, text)
    name, *arguments = route
    return redirect(str(name), *arguments)


def asked(
    request: UserRequest, *, section: str, back: str, title: str, text: str, button: str, is_danger: bool = True
) -> HttpResponse:
    """A question with a button that posts to the same address: in the dialog, or on a page of its own without script.

    `back`: where Cancel on that page leads.
    """
    context = {"title": title, "text": text, "button": button, "is_danger": is_danger}
    if request.htmx:
        return render(request, "accounts/_confirm.html", context)
    return render(request, "accounts/confirm.html", context | {"settings_section": section, "back": back})
