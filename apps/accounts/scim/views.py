"""The addresses of SCIM 2.0. Directories keep people and groups of one workspace by them."""

import json
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from scim2_models import Context, ListResponse, PatchOp, ResourceType, Schema, SearchRequest

from apps.accounts.models import ExternalIdentity, User
from apps.accounts.models import Group as GroupRow
from apps.accounts.scim import groups, people
from apps.accounts.scim.http import (
    ScimRequest,
    error_response,
    list_response,
    parameters_read,
    scim_endpoint,
    scim_response,
)
from apps.accounts.scim.resources import (
    CONFIG,
    MAXIMUM_RESULTS,
    PROVIDER,
    Group,
    group_resource,
    person_resource,
)
from apps.accounts.scim.resources import User as Person
from apps.accounts.services.groups import group_delete
from chatbot.lib.errors import ValidationFailedError


@scim_endpoint("GET")
def service_provider_config(request: ScimRequest) -> HttpResponse:
    return scim_response(CONFIG)


@scim_endpoint("GET")
def resource_types(request: ScimRequest, name: str = "") -> HttpResponse:
    return _described(ResourceType, list(PROVIDER.resource_types), name, request)


@scim_endpoint("GET")
def schemas(request: ScimRequest, name: str = "") -> HttpResponse:
    return _described(Schema, list(PROVIDER.schemas), name, request)


@scim_endpoint("GET", "POST")
def user_list(request: ScimRequest) -> HttpResponse:
    if request.method == "POST":
        wanted = Person.model_validate(_body(request), scim_ctx=Context.RESOURCE_CREATION_REQUEST)
        wanted.active = wanted.active is not False
        user = people.person_provision(actor=request.user, workspace_id=request.workspace_id, person=wanted)
        return _created(_person(request, user))
    return _users_found(request, parameters_read(Person, request.GET.dict()))


@scim_endpoint("POST")
def user_search(request: ScimRequest) -> HttpResponse:
    wanted = SearchRequest[Person].model_validate(_body(request), scim_ctx=Context.SEARCH_REQUEST)
    return _users_found(request, wanted)


def _users_found(request: ScimRequest, parameters: "SearchRequest[Any]") -> HttpResponse:
    if parameters.filter or parameters.sort_by:
        return list_response(Person, _persons(request, list(people.people_of(request.workspace_id))), parameters)
    rows = people.people_of(request.workspace_id)
    start = parameters.start_index_0 or 0
    count = MAXIMUM_RESULTS if parameters.count is None else min(parameters.count, MAXIMUM_RESULTS)
    page = _persons(request, list(rows[start : start + count]))
    return list_response(Person, page, parameters, total=rows.count())


@scim_endpoint("GET", "PUT", "PATCH", "DELETE")
def user_detail(request: ScimRequest, resource_id: str) -> HttpResponse:
    user = people.person_of(workspace_id=request.workspace_id, person_id=resource_id)
    if request.method == "DELETE":
        people.person_remove(actor=request.user, workspace_id=request.workspace_id, user=user)
        return HttpResponse(status=204)
    if request.method != "GET":
        wanted = _wanted(request, Person, _person(request, user))
        people.person_replace(actor=request.user, user=user, person=wanted)
        user = people.person_of(workspace_id=request.workspace_id, person_id=resource_id)
    return scim_response(_person(request, user), parameters=parameters_read(Person, request.GET.dict()))


@scim_endpoint("GET", "POST")
def group_list(request: ScimRequest) -> HttpResponse:
    if request.method == "POST":
        wanted = Group.model_validate(_body(request), scim_ctx=Context.RESOURCE_CREATION_REQUEST)
        group = groups.group_provision(actor=request.user, workspace_id=request.workspace_id, wanted=wanted)
        return _created(_group(request, group))
    return _groups_found(request, parameters_read(Group, request.GET.dict()))


@scim_endpoint("POST")
def group_search(request: ScimRequest) -> HttpResponse:
    wanted = SearchRequest[Group].model_validate(_body(request), scim_ctx=Context.SEARCH_REQUEST)
    return _groups_found(request, wanted)


def _groups_found(request: ScimRequest, parameters: "SearchRequest[Any]") -> HttpResponse:
    rows = [_group(request, group) for group in groups.groups_of(request.workspace_id)]
    return list_response(Group, rows, parameters)


@scim_endpoint("GET", "PUT", "PATCH", "DELETE")
def group_detail(request: ScimRequest, resource_id: str) -> HttpResponse:
    group = groups.group_of(workspace_id=request.workspace_id, group_id=resource_id)
    if request.method == "DELETE":
        group_delete(actor=request.user, group_id=group.key)
        return HttpResponse(status=204)
    if request.method != "GET":
        wanted = _wanted(request, Group, _group(request, group))
        group = groups.group_replace(actor=request.user, group=group, wanted=wanted)
    return scim_response(_group(request, group), parameters=parameters_read(Group, request.GET.dict()))


@scim_endpoint("POST")
def search(request: ScimRequest) -> HttpResponse:
    """Over all kinds of resources at once: RFC 7644 §3.4.3 leaves it open."""
    return error_response(501, "Search below /Users or /Groups.")


@scim_endpoint("GET", "POST", "PUT", "PATCH", "DELETE")
def not_served(request: ScimRequest, path: str = "") -> HttpResponse:
    return error_response(404, "There is no such resource.")


def _described(model: Any, rows: list[Any], name: str, request: ScimRequest) -> HttpResponse:
    if "filter" in request.GET:
        # RFC 7644 §4: what describes the service is not searched.
        return error_response(403, "The description of the service cannot be filtered.")
    if not name:
        return scim_response(ListResponse[model](total_results=len(rows), items_per_page=len(rows), resources=rows))
    for row in rows:
        if str(row.id) == name:
            return scim_response(row)
    return error_response(404, "There is no such resource.")


def _wanted(request: ScimRequest, model: Any, now: Any) -> Any:
    """What the resource shall be, from the whole of it (PUT) or from changes (PATCH)."""
    if request.method == "PATCH":
        patch = PatchOp[model].model_validate(_body(request), scim_ctx=Context.RESOURCE_PATCH_REQUEST)
        patch.patch(now)
        return now
    wanted = model.model_validate(_body(request), scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST)
    wanted.replace(now)
    if isinstance(wanted, Person):
        wanted.active = wanted.active is not False
    return wanted


def _body(request: ScimRequest) -> Any:
    try:
        return json.loads(request.body)
    except ValueError as error:
        raise ValidationFailedError("The body is not JSON.") from error


def _base(request: ScimRequest) -> str:
    return request.build_absolute_uri(reverse("scim:service-provider-config")).rsplit("/", 1)[0]


def _created(resource: Any) -> HttpResponse:
    response = scim_response(resource, status=201, context=Context.RESOURCE_CREATION_RESPONSE)
    response["Location"] = resource.meta.location
    return response


def _person(request: ScimRequest, user: User) -> Person:
    return _persons(request, [user])[0]


def _persons(request: ScimRequest, users: list[User]) -> list[Person]:
    identities: dict[Any, ExternalIdentity] = people.identities_of(users)
    base = _base(request)
    return [person_resource(user, identities.get(user.pk), base=base) for user in users]


def _group(request: ScimRequest, group: GroupRow) -> Group:
    members: list[User] = list(group.user_set.all())
    return group_resource(group, members, base=_base(request))
