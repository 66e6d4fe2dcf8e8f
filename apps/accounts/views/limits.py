"""What allauth answers when one of its own limits is reached."""

from django.http import HttpRequest, HttpResponse

from apps.accounts.exceptions import RateLimitedError
from apps.accounts.models import User
from apps.accounts.rate_limit import rate_limited_record
from chatbot.lib.problems import problem_of, problem_response
from chatbot.lib.request_context import client_address

# allauth does not say how long; its limits are per minute.
_RETRY_SECONDS = 60


def too_many_requests(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    door = request.resolver_match.view_name if request.resolver_match else ""
    user = request.user if isinstance(request.user, User) else None
    rate_limited_record(subject=f"{door}:{user.pk if user else client_address(request)}", door=door, user=user)
    return problem_response(request, problem_of(RateLimitedError(retry_after=_RETRY_SECONDS)))
