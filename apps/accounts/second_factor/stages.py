"""The second factor as a stage of every sign-in by page: by password, by link, by single sign-on."""

from typing import Any

from allauth.mfa.stages import AuthenticateStage
from allauth.mfa.webauthn.internal.flows import did_use_passwordless_login
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare
from typing_extensions import override

from apps.accounts.second_factor.enforcement import sso_suffices
from apps.accounts.second_factor.state import has_second_factor
from apps.accounts.selectors.sessions import password_mark

_MARK = "password_mark"


class SecondFactorStage(AuthenticateStage):  # type: ignore[misc]  # allauth has no types
    """Passed by who has none, who signed in by a passkey, and by single sign-on where that is trusted.

    Who waits here has proved a password; once that is changed it counts no more (`is_outdated`).
    """

    @override
    def handle(self) -> tuple[Any, bool]:
        response, goes_on = super().handle()
        if response is not None:
            self.state[_MARK] = password_mark(self.login.user)
        return response, goes_on

    @property
    def is_outdated(self) -> bool:
        return not constant_time_compare(self.state.get(_MARK, ""), password_mark(self.login.user))

    @override
    def _should_handle(self, request: HttpRequest) -> bool:
        user = self.login.user
        if user is None or not has_second_factor(user=user):
            return False
        return not did_use_passwordless_login(request, user) and not sso_suffices(request.session, user=user)
