"""Errors in the form people and programs get them: a page, a toast for htmx, or problem+json under /api/."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import TemplateDoesNotExist
from django.template.loader import render_to_string, select_template
from django.utils.html import format_html

from chatbot.lib.errors import AppError, ValidationFailedError
from chatbot.lib.request_context import request_context

API_PREFIX = "/api/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is told about an error; all of it safe to show. `errors` maps a field to what is wrong with it."""

    status: int
    code: str
    title: str
    detail: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


def problem_of(error: AppError) -> Problem:
    errors = error.errors if isinstance(error, ValidationFailedError) else {}
    seconds = error.extra.get("retry_after")
    headers = {"Retry-After": str(seconds)} if seconds is not None else {}
    return Problem(
        status=error.status, code=error.code, title=error.title, detail=error.detail, errors=errors, headers=headers
    )


def problem_of_status(status: int) -> Problem:
    """The general words for a status, for errors that are not ours."""
    known = {
        401: ("not_authenticated", "Please sign in."),
        403: ("forbidden", "You may not do this."),
        404: ("not_found", "This page or item does not exist, or you may not see it."),
        405: ("method_not_allowed", "This address does not take that method."),
        500: ("internal_error", "Something went wrong on our side. It has been logged."),
    }
    phrase = HTTPStatus(status).phrase
    code, title = known.get(status, (phrase.lower().replace(" ", "_"), f"{phrase}."))
    return Problem(status=status, code=code, title=title)


def problem_json(problem: Problem) -> JsonResponse:
    """RFC 9457."""
    body: dict[str, object] = {
        "type": "about:blank",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail or problem.title,
        "code": problem.code,
        "request_id": request_context().request_id,
    }
    if problem.status == HTTPStatus.UNPROCESSABLE_ENTITY:
        body["errors"] = [{"field": name, "message": message} for name, message in problem.errors.items()]
    return JsonResponse(
        body, status=problem.status, content_type="application/problem+json", headers=dict(problem.headers)
    )


def problem_response(request: HttpRequest, problem: Problem) -> HttpResponse:
    """The answer that suits the caller.

    A page of status 500 and above is rendered without the request, because the database may be away.
    """
    if request.path.startswith(API_PREFIX):
        return problem_json(problem)
    if request.headers.get("HX-Request") == "true":
        return _toast(request, problem)
    context = {"problem": problem, "request_id": request_context().request_id}
    try:
        template = select_template([f"errors/{problem.status}.html", "errors/error.html"])
        body = template.render(context, request if problem.status < HTTPStatus.INTERNAL_SERVER_ERROR else None)
    except TemplateDoesNotExist:
        body = format_html(
            "<!doctype html><html lang='en'><title>{}</title><h1>{}</h1><p>{}</p><p><a href='/'>Back</a></p></html>",
            problem.title,
            problem.title,
            problem.detail,
        )
    return HttpResponse(body, status=problem.status, headers=dict(problem.headers))


def _toast(request: HttpRequest, problem: Problem) -> HttpResponse:
    message = problem.detail or problem.title
    try:
        body = render_to_string(
            "components/_toast.html",
            {"message": message, "kind": "error", "code": problem.code, "request_id": request_context().request_id},
        )
    except TemplateDoesNotExist:
        body = format_html('<div class="toast" role="alert">{}</div>', message)
    headers = {"HX-Retarget": "#toasts", "HX-Reswap": "beforeend", **problem.headers}
    return HttpResponse(body, status=problem.status, headers=headers)
