"""Address and password, checked for the API as on the page."""

from typing import cast

from allauth.account.adapter import get_adapter
from django.contrib.auth import user_logged_in
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from apps.accounts.exceptions import CredentialsError, TooManyAttemptsError
from apps.accounts.models import User


def credentials_check(*, request: HttpRequest, email: str, password: str) -> User:
    """The person whose address and password these are: the same check, counters and time as on the sign-in page.

    Raises CredentialsError, the same for every reason, and TooManyAttemptsError. Signals record both in the audit log.
    """
    try:
        user = get_adapter(request).authenticate(request, email=email.strip().lower(), password=password)
    except ValidationError as error:
        raise TooManyAttemptsError from error
    if user is None:
        raise CredentialsError
    user_logged_in.send(sender=User, request=request, user=user)
    return cast("User", user)
