"""The public API, version 1: the apps' routers under one address, one authentication, one form of error."""

import logging
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI, Swagger
from ninja.errors import HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema
from ninja.security.base import AuthBase
from typing_extensions import override

from apps.accounts.api.audit_log import router as audit_log_router
from apps.accounts.api.auth import auth_router, me_router
from apps.accounts.api.keys import router as keys_router
from apps.accounts.api.passwords import router as passwords_router
from apps.accounts.api.people import router as people_router
from apps.accounts.api.second_factor import router as second_factor_router
from apps.accounts.api.workspaces import router as workspaces_router
from apps.accounts.authentication import authenticate_api
from apps.accounts.exceptions import RateLimitedError
from apps.accounts.models import User
from apps.accounts.rate_limit import rate_limit_count, rate_limited_record
from apps.accounts.scopes import SCOPES, scope_require
from apps.accounts.second_factor.enforcement import second_factor_require
from apps.conversations.api import router as conversations_router
from apps.conversations.api_answers import router as answers_router
from apps.conversations.api_messages import router as messages_router
from apps.documents.api import router as documents_router
from apps.documents.api_collections import router as collections_router
from apps.llm.api import router as models_router
from apps.rag.api import router as search_router
from chatbot.error_views import UNAVAILABLE_ERRORS
from chatbot.lib.api_types import ProblemOut
from chatbot.lib.errors import AppError, UnavailableError, ValidationFailedError
from chatbot.lib.problems import problem_json, problem_of, problem_of_status
from chatbot.lib.response_headers import response_headers_add
from chatbot.middleware import API_NAMESPACE

logger = logging.getLogger(__name__)


class ApiAuth(AuthBase):
    """Bearer token, API key, or the session with the CSRF header. Counts the request against the person's limit."""

    # Has the documentation page send the token of its own session.
    csrf = True

    openapi_type = "http"
    openapi_scheme = "bearer"
    openapi_bearerFormat = "JWT"  # noqa: N815  # the specification's spelling

    @override
    def __call__(self, request: HttpRequest) -> User:
        user = authenticate_api(request)
        scope_require(request, user=user)
        second_factor_require(request, user=user)
        limit = rate_limit_count(user=user)
        if limit is not None:
            response_headers_add(request, limit.headers)
            if limit.retry_after_seconds:
                rate_limited_record(subject=str(user.pk), door="api", user=user)
                raise RateLimitedError(retry_after=limit.retry_after_seconds)
        return user


_SECURITY_SCHEMES = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An access token, from POST /auth/login.",
    },
    "key": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "cb_<prefix>_<secret>",
        "description": "An API key. It acts in its own workspace only, and needs the scope that an operation names.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": settings.SESSION_COOKIE_NAME,
        "description": "The browser's session; what changes things also needs the CSRF token as X-CSRFToken.",
    },
}


class Api(NinjaAPI):
    """Says in its description what every operation may answer beside its own, and what lets one in."""

    @override
    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        schema = super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params)
        described = ProblemOut.model_json_schema(ref_template="#/components/schemas/{model}")
        schema["components"]["schemas"] |= {**described.pop("$defs", {}), "Problem": described}
        problem = {"$ref": "#/components/schemas/Problem"}
        schema["components"]["securitySchemes"] = _SECURITY_SCHEMES
        for path, operations in schema["paths"].items():
            for method, operation in operations.items():
                operation["responses"]["default"] = {
                    "description": "A problem (RFC 9457)",
                    "content": {"application/problem+json": {"schema": problem}},
                }
                if "security" in operation:
                    _security_describe(operation, f"{method.upper()} {path.partition('/v1')[2]}")
        return schema


def _security_describe(operation: dict[str, Any], name: str) -> None:
    scope = SCOPES.get(name)
    words = f"API keys need the scope `{scope.value}`." if scope else "Not with an API key."
    operation["description"] = "\n\n".join(filter(None, [operation.get("description"), words]))
    operation["security"] = [{"token": []}, *([{"key": []}] if scope else []), {"session": []}]


api = Api(
    title="chatbot",
    version="1",
    description="Conversations with cited answers over your own documents. Errors are problem+json (RFC 9457).",
    urls_namespace=API_NAMESPACE,
    auth=ApiAuth(),
    docs=Swagger(settings={"persistAuthorization": True}),
)
api.add_router("/auth", auth_router)
api.add_router("/auth", passwords_router)
api.add_router("/auth/2fa", second_factor_router)
api.add_router("", me_router)
api.add_router("", workspaces_router)
api.add_router("/keys", keys_router)
api.add_router("/admin", audit_log_router)
api.add_router("/admin", people_router)
api.add_router("/models", models_router)
api.add_router("/conversations", conversations_router)
api.add_router("/messages", messages_router)
api.add_router("/documents", answers_router)
api.add_router("/documents", search_router)
api.add_router("/documents", documents_router)
api.add_router("/collections", collections_router)


@api.exception_handler(AppError)
def app_error(request: HttpRequest, error: AppError) -> HttpResponse:
    return problem_json(problem_of(error))


@api.exception_handler(ValidationError)
def validation_error(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """Fields by their names in the request: `content`, `params.temperature`, `limit`."""
    fields: dict[str, str] = {}
    for item in error.errors:
        place = [str(part) for part in item["loc"][1:]]
        # The first part is the endpoint's own name for its body.
        if item["loc"][0] == "body" and len(place) > 1:
            place = place[1:]
        fields.setdefault(".".join(place), item["msg"])
    return problem_json(problem_of(ValidationFailedError(errors=fields)))


@api.exception_handler(HttpError)
def http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    return problem_json(problem_of_status(error.status_code))


@api.exception_handler(Http404)
def not_found(request: HttpRequest, error: Http404) -> HttpResponse:
    return problem_json(problem_of_status(404))


@api.exception_handler(Exception)
def other_error(request: HttpRequest, error: Exception) -> HttpResponse:
    """A part that is away is said so; everything else is a bug, and Django logs it."""
    if isinstance(error, UNAVAILABLE_ERRORS):
        logger.error("%s: %s", request.path, type(error).__name__, exc_info=error)
        return problem_json(problem_of(UnavailableError()))
    raise error
