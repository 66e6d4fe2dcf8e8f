"""How allauth behaves here: own lockout, own registration, addresses from trusted proxies only, mails by a worker."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from typing_extensions import override

from apps.accounts.exceptions import CredentialsError
from apps.accounts.rate_limit import door_require
from apps.accounts.sign_in_guard import attempt_failed, attempt_require, attempt_succeeded
from apps.accounts.tasks import mail_send
from chatbot.lib.queue import task_enqueue
from chatbot.lib.request_context import client_address


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    error_messages = DefaultAccountAdapter.error_messages | {
        # As the API says it; also for a closed account.
        "email_password_mismatch": CredentialsError.title,
    }

    @override
    def authenticate(self, request: HttpRequest, **credentials: Any) -> AbstractBaseUser | None:
        """The person with this address and password. Page, API and asking again all come through here.

        Raises RateLimitedError, TooManyAttemptsError, and UnavailableError while requests cannot be counted.
        """
        door_require(request=request, door="sign_in")
        email = str(credentials.get("email") or credentials.get("username") or "")
        attempt = attempt_require(email=email, address=client_address(request))
        user: AbstractBaseUser | None = super().authenticate(request, **credentials)
        if user is None:
            attempt_failed(attempt)
        else:
            attempt_succeeded(attempt)
        return user

    @override
    def get_login_stages(self) -> list[str]:
        """Mails are verified by this product itself, so the second factor is the only stage."""
        return ["apps.accounts.second_factor.stages.SecondFactorStage"]

    @override
    def get_reauthentication_methods(self, user: AbstractBaseUser | AnonymousUser) -> list[dict[str, str]]:
        """One page asks everybody for what they have."""
        if not user.is_authenticated:
            return []
        return [{"id": "step_up", "description": "Confirm that it is you", "url": reverse("accounts:step-up")}]

    @override
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Not through allauth: registration has a page of its own."""
        return False

    @override
    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request) or ""

    @override
    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        written = self.render_mail(template_prefix, email, {"email": email, **context})
        transaction.on_commit(lambda: task_enqueue(mail_send, email, written.subject, str(written.body)))
