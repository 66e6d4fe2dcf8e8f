"""Forms on pages: what was posted, and what a service says about it."""

from django.forms import BaseForm
from django.http import HttpRequest, QueryDict

from chatbot.lib.errors import ValidationFailedError


def posted(request: HttpRequest) -> QueryDict | None:
    """The data of a form: what was posted, be it nothing; None while the form is only shown.

    `request.POST or None` would take a POST without fields for a look at the form.
    """
    return request.POST if request.method == "POST" else None


def errors_add(form: BaseForm, error: ValidationFailedError) -> None:
    """Put what a service found wrong beside the fields that it is about."""
    for field, message in error.errors.items():
        form.add_error(field, message)
