"""Forms on pages: what a service says about what was entered."""

from django.forms import BaseForm

from chatbot.lib.errors import ValidationFailedError


def errors_add(form: BaseForm, error: ValidationFailedError) -> None:
    """Put what a service found wrong beside the fields that it is about."""
    for field, message in error.errors.items():
        form.add_error(field, message)
