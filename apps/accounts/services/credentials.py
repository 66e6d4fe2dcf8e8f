"""Address and password, checked for the API as on the page."""

from typing import cast

from allauth.account.adapter import get_adapter
from django.contrib.auth import user_logged_in
from django.http import HttpRequest

from apps.accounts.exceptions import CredentialsError, OtpRequiredError
from apps.accounts.models import User
from apps.accounts.second_factor.checking import code_check
from apps.accounts.second_factor.state import has_second_factor


def credentials_check(*, request: HttpRequest, email: str, password: str, otp: str | None = None) -> User:
    """The person whose address and password these are: the same check, counters and time as on the sign-in page.

    Raises CredentialsError, the same for every reason, and what the adapter raises where too many tried. Of who has a
    second factor: OtpRequiredError without its code, OtpInvalidError for a wrong one. Signals record both in the audit
    log.
    """
    user = get_adapter(request).authenticate(request, email=email.strip().lower(), password=password)
    if user is None:
        raise CredentialsError
    if has_second_factor(user=user):
        if not otp:
            raise OtpRequiredError
        code_check(user=user, code=otp)
    user_logged_in.send(sender=User, request=request, user=user)
    return cast("User", user)
