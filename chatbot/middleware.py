"""Request ids, sign-in for every route, errors for people. Under ASGI only the sign-in check needs a thread."""

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, TypeAlias, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import resolve_url
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme

from apps.accounts.second_factor.enforcement import second_factor_gate
from chatbot.error_views import UNAVAILABLE_ERRORS
from chatbot.lib.errors import AppError, UnavailableError
from chatbot.lib.problems import API_PREFIX, problem_json, problem_of, problem_of_status, problem_response
from chatbot.lib.request_context import (
    RequestContext,
    request_context_of,
    request_context_reset,
    request_context_set,
)
from chatbot.lib.response_headers import response_headers_of

logger = logging.getLogger(__name__)

GetResponse: TypeAlias = Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]

# Everything else needs sign-in; a test walks the URL map against this list.
PUBLIC_ROUTES = frozenset(
    {
        "account_login",
        "account_logout",
        "account_signup",
        "mfa_authenticate",
        "passkey_sign_in",
        "account_inactive",
        "account_reset_password",
        "account_reset_password_done",
        "account_reset_password_from_key",
        "account_reset_password_from_key_done",
        "accounts:invitation",
        "accounts:registration-asked",
        "accounts:registration-confirm",
        "accounts:setup",
        "admin:login",
        "oidc-login",
        "oidc-callback",
        "saml-login",
        "saml-acs",
        "saml-finish",
        "saml-metadata",
        "health",
        "ready",
        # Guards itself: bearer token or loopback.
        "metrics",
        # Says only what this product's API looks like.
        "api:openapi-json",
    }
)
# Routes under these namespaces authenticate by themselves: the API takes tokens too, SCIM only keys.
API_NAMESPACE = "api"
_OWN_AUTHENTICATION = frozenset({API_NAMESPACE, "scim"})
# But not the page that describes them.
_API_PAGES = frozenset({"api:openapi-view"})


class _Middleware:
    """Takes the mode of the next layer, so that no layer needs a thread of its own under ASGI."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)  # type: ignore[type-var]  # typed for functions, made for this


class RequestIdMiddleware(_Middleware):
    """Accepts or makes the request's id, keeps it for logs and audit, and echoes it."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        context = request_context_of(request)
        if self.is_async:
            return self._answer(request, context)
        token = request_context_set(context)
        try:
            response = cast("HttpResponseBase", self.get_response(request))
        finally:
            request_context_reset(token)
        response["X-Request-ID"] = context.request_id
        return response

    async def _answer(self, request: HttpRequest, context: RequestContext) -> HttpResponseBase:
        # Not reset: each ASGI request is a task of its own, and the body of a stream is made after this returns.
        request_context_set(context)
        response = await cast("Awaitable[HttpResponseBase]", self.get_response(request))
        response["X-Request-ID"] = context.request_id
        return response


class BrowserRulesMiddleware(_Middleware):
    """What the browser may not do with these pages, beside what Django and django-csp say."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self.is_async:
            return self._answer(request)
        return _ruled(request, cast("HttpResponseBase", self.get_response(request)))

    async def _answer(self, request: HttpRequest) -> HttpResponseBase:
        return _ruled(request, await cast("Awaitable[HttpResponseBase]", self.get_response(request)))


# Everything that a page could ask for and these do not need; passkeys are asked for by this site alone.
_PERMISSIONS_POLICY = ", ".join(
    [
        *(
            f"{feature}=()"
            for feature in (
                "accelerometer", "autoplay", "browsing-topics", "camera", "display-capture", "encrypted-media",
                "fullscreen", "geolocation", "gyroscope", "hid", "idle-detection", "magnetometer", "microphone", "midi",
                "payment", "picture-in-picture", "screen-wake-lock", "serial", "usb", "xr-spatial-tracking",
            )
        ),
        "publickey-credentials-create=(self)",
        "publickey-credentials-get=(self)",
    ]
)  # fmt: skip


def _ruled(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    response.headers.setdefault("Permissions-Policy", _PERMISSIONS_POLICY)
    # A listed origin may read the API (CORS); nothing else is for other sites.
    if not request.path.startswith(API_PREFIX):
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    return response


class SignInRequiredMiddleware(_Middleware):
    """Sends whoever is not signed in to the sign-in page, except on public routes and the API."""

    def __init__(self, get_response: GetResponse) -> None:
        super().__init__(get_response)
        if self.is_async:
            self.process_view: Callable[..., Any] = self._process_view_async
        else:
            self.process_view = self._process_view

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        return self.get_response(request)

    def _process_view(self, request: HttpRequest, *_: Any) -> HttpResponse | None:
        return None if route_is_public(request) else _gate(request)

    async def _process_view_async(self, request: HttpRequest, *_: Any) -> HttpResponse | None:
        # One hop loads session and user; both stay on the request for the view.
        return None if route_is_public(request) else await sync_to_async(_gate)(request)


def route_is_public(request: HttpRequest) -> bool:
    match = request.resolver_match
    if match is None:
        return False
    if _OWN_AUTHENTICATION & set(match.namespaces[:1]) and match.view_name not in _API_PAGES:
        return True
    return match.view_name in PUBLIC_ROUTES


def _gate(request: HttpRequest) -> HttpResponse | None:
    """The answer to who may not pass: not signed in, or without a second factor that is due."""
    return second_factor_gate(request) if _is_signed_in(request) else sign_in_redirect(request)


def _is_signed_in(request: HttpRequest) -> bool:
    return request.user.is_authenticated and request.user.is_active


def sign_in_redirect(request: HttpRequest) -> HttpResponse:
    """To the sign-in page and, after it, back. htmx gets told to load a whole page instead of swapping the form in."""
    is_htmx = request.headers.get("HX-Request") == "true"
    target = request.headers.get("HX-Current-URL", "") if is_htmx else request.get_full_path()
    if is_htmx and not url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}):
        target = "/"
    if not is_htmx and request.method not in {"GET", "HEAD"}:
        target = "/"
    response: HttpResponse = redirect_to_login(target, resolve_url("account_login"))
    if is_htmx:
        response = HttpResponse(status=204, headers={"HX-Redirect": response["Location"]})
    patch_vary_headers(response, ["HX-Request", "Cookie"])
    response["Cache-Control"] = "no-store"
    return response


class AppErrorMiddleware(_Middleware):
    """The one place where errors that services raise become answers."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self.is_async:
            return self._answer(request)
        return _finished(request, cast("HttpResponseBase", self.get_response(request)))

    async def _answer(self, request: HttpRequest) -> HttpResponseBase:
        return _finished(request, await cast("Awaitable[HttpResponseBase]", self.get_response(request)))

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, UNAVAILABLE_ERRORS):
            logger.error("%s: %s", request.path, type(exception).__name__, exc_info=exception)
            return problem_response(request, problem_of(UnavailableError()))
        if not isinstance(exception, AppError):
            return None
        logger.info("%s answered with %s", request.path, exception.code, extra={"action": "request_refused"})
        return problem_response(request, problem_of(exception))


def _finished(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """With the headers that were asked for; a refused method under /api/ gets a body like every other error there."""
    if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED and request.path.startswith(API_PREFIX):
        allow = response.headers.get("Allow", "")
        response = problem_json(problem_of_status(HTTPStatus.METHOD_NOT_ALLOWED))
        response["Allow"] = allow
    for name, value in response_headers_of(request).items():
        response[name] = value
    return response
