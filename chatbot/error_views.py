"""What Django calls for errors that are not ours. No stack trace ever leaves."""

import sys

import redis
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse

from chatbot.lib.errors import UnavailableError
from chatbot.lib.problems import Problem, problem_of, problem_of_status, problem_response

# A part that does not answer is no bug: the caller is told to try again.
UNAVAILABLE_ERRORS = (redis.ConnectionError, redis.TimeoutError, OperationalError)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem_response(request, problem_of_status(400))


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem_response(request, problem_of_status(403))


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem_response(request, problem_of_status(404))


def server_error(request: HttpRequest) -> HttpResponse:
    """Called inside the handling of the exception, which it is not given."""
    if isinstance(sys.exc_info()[1], UNAVAILABLE_ERRORS):
        return problem_response(request, problem_of(UnavailableError()))
    return problem_response(request, problem_of_status(500))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    problem = Problem(
        status=403,
        code="csrf_failed",
        title="Please reload the page and try again.",
        detail="The page was open for too long, or cookies are blocked.",
    )
    return problem_response(request, problem)
