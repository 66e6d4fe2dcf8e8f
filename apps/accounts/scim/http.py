"""SCIM over HTTP (RFC 7644): who may, what came, what goes back, and errors in its form."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from pydantic import ValidationError
from scim2_models import Context, Error, ListResponse, Resource, ResponseParameters, SCIMException, SearchRequest

from apps.accounts.authentication import authenticate_request
from apps.accounts.exceptions import NotAuthenticatedError, RateLimitedError, ScimConflictError
from apps.accounts.models import ApiKey, User
from apps.accounts.rate_limit import rate_limit_count
from apps.accounts.scim.resources import MAXIMUM_RESULTS, POLICY, PROVIDER
from chatbot.lib.errors import AppError, ForbiddenError, ValidationFailedError

CONTENT_TYPE = "application/scim+json"
ResourceT = TypeVar("ResourceT", bound=Resource[Any])


class ScimRequest(HttpRequest):
    """A request with a directory's key; for type checkers only."""

    user: User
    workspace_id: UUID


ScimView = Callable[..., HttpResponse]


def scim_endpoint(*methods: str) -> Callable[[ScimView], ScimView]:
    """A view for these methods that a directory's key opens; what it raises becomes a SCIM error.

    Takes bearer keys only, never a cookie, so that there is nothing to forge.
    """

    def wrap(view: ScimView) -> ScimView:
        @csrf_exempt
        @never_cache
        @wraps(view)
        def endpoint(request: ScimRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                _directory_require(request)
                if request.method not in methods:
                    return error_response(405, "The address does not take this method.")
                with PROVIDER, POLICY:
                    return view(request, *args, **kwargs)
            except AppError as error:
                return _refused(error)
            except SCIMException as error:
                return scim_response(error.to_error(), status=error.to_error().status or 400)
            except ValidationError as error:
                found = Error.from_validation_errors(error)[0]
                return scim_response(found, status=found.status or 400)

        return endpoint

    return wrap


def _directory_require(request: ScimRequest) -> None:
    """Raises NotAuthenticatedError, ForbiddenError for a key that is no directory's, RateLimitedError."""
    user = authenticate_request(request) if request.headers.get("Authorization") else None
    if user is None:
        raise NotAuthenticatedError
    key = getattr(user, "api_key", None)
    if key is None or ApiKey.Scope.ADMIN not in key.scopes or not user.is_super_admin:
        raise ForbiddenError("This needs an API key of a super admin with the scope admin.")
    limit = rate_limit_count(user=user)
    if limit is not None and limit.retry_after_seconds:
        raise RateLimitedError(retry_after=limit.retry_after_seconds)
    request.user = user
    request.workspace_id = key.workspace_id


def _refused(error: AppError) -> HttpResponse:
    detail = error.detail or error.title
    if isinstance(error, ScimConflictError):
        return error_response(409, detail, "uniqueness")
    if isinstance(error, ValidationFailedError):
        return error_response(400, " ".join([error.detail, *error.errors.values()]).strip(), "invalidValue")
    response = error_response(error.status, detail)
    if isinstance(error, NotAuthenticatedError):
        response["WWW-Authenticate"] = 'Bearer realm="scim"'
    if "retry_after" in error.extra:
        response["Retry-After"] = str(error.extra["retry_after"])
    return response


def error_response(status: int, detail: str, kind: str | None = None) -> HttpResponse:
    return scim_response(Error(status=status, detail=detail, scim_type=kind), status=status)


def scim_response(
    body: Any,
    *,
    status: int = 200,
    context: Context = Context.RESOURCE_QUERY_RESPONSE,
    parameters: ResponseParameters[Any] | None = None,
) -> HttpResponse:
    text = body.model_dump_json(scim_ctx=context, response_parameters=parameters)
    return HttpResponse(text, status=status, content_type=CONTENT_TYPE)


def parameters_read(model: type[ResourceT], query: Mapping[str, str]) -> "SearchRequest[Any]":
    """Filter, order, place and choice of attributes from the address. Raises pydantic's ValidationError."""
    wanted = {name: value for name, value in query.items() if value}
    return SearchRequest[model].model_validate(wanted)  # type: ignore[valid-type]


def list_response(
    model: type[ResourceT], resources: list[ResourceT], request: "SearchRequest[Any]", *, total: int | None = None
) -> HttpResponse:
    """The page asked for. `total` given: `resources` is that page already, filtered and cut by the database."""
    if total is None:
        if request.filter:
            resources = [row for row in resources if request.filter.match(row)]
        if request.sort_by:
            resources = request.sort(resources)
        total = len(resources)
        start = request.start_index_0 or 0
        count = MAXIMUM_RESULTS if request.count is None else min(request.count, MAXIMUM_RESULTS)
        resources = resources[start : start + count]
    found = ListResponse[model](  # type: ignore[valid-type]
        total_results=total,
        start_index=request.start_index or 1,
        items_per_page=len(resources),
        resources=resources or None,
    )
    return scim_response(found, parameters=request)
