"""Collections by the API: what each person gets at every door."""

from uuid import uuid4

import pytest

from apps.accounts.models import Membership
from apps.audit.models import Event
from apps.documents.models import Collection, Document
from apps.documents.tests.factories import upload
from chatbot.tests.api import Api, problem_assert

pytestmark = pytest.mark.django_db
COLLECTION = {
    "id", "workspace_id", "name", "visibility", "classification", "is_own", "can_manage", "created_at",
}  # fmt: skip


@pytest.fixture
def ada_api(client_ada):
    return Api(client_ada)


@pytest.fixture
def shelf(ada, workspace):
    return Collection.objects.create(workspace=workspace, owner=ada, name="Shelf")


@pytest.fixture
def placed(ada, shelf):
    return upload(ada, b"Words", "placed.txt", collection=shelf)


def doors(shelf, document):
    path = f"/collections/{shelf.pk}"
    return [
        ("put", path, {"name": "Mine"}),
        ("put", path, {"visibility": "workspace"}),
        ("get", f"{path}/grants", None),
        ("post", f"{path}/grants", {"grantee_id": str(shelf.owner_id)}),
        ("delete", f"{path}/grants/{shelf.owner_id}", None),
        ("put", f"/documents/{document.pk}/collection", {"collection_id": None}),
        ("delete", path, None),
    ]


def test_a_collection_is_made_read_changed_and_deleted(ada_api, workspace):
    made = ada_api("post", "/collections", {"name": "Contracts", "classification": "confidential"})
    assert made.status_code == 201
    body = made.json()
    assert set(body) == COLLECTION
    assert (body["visibility"], body["classification"], body["is_own"], body["can_manage"]) == (
        "private", "confidential", True, True,
    )  # fmt: skip
    assert body["workspace_id"] == str(workspace.pk)
    path = f"/collections/{body['id']}"
    assert ada_api("get", path).json() == body
    assert ada_api("get", "/collections").json() == {"items": [body], "next": None}
    changed = ada_api("put", path, {"visibility": "workspace"}).json()
    assert (changed["name"], changed["visibility"]) == ("Contracts", "workspace")
    assert ada_api("delete", path).status_code == 204
    problem_assert(ada_api("get", path), 404)
    assert [event.action for event in Event.objects.filter(action__startswith="collection").order_by("created_at")] == [
        "collection_created", "collection_changed", "collection_deleted",
    ]  # fmt: skip


def test_repeating_with_the_same_key_makes_one(ada_api):
    for _ in range(2):
        ada_api("post", "/collections", {"name": "Once"}, Idempotency_Key="k")
    assert Collection.objects.count() == 1


def test_a_reader_reads_and_does_not_change(ada_api, client_ben, ben, shelf, placed):
    ada_api("post", f"/collections/{shelf.pk}/grants", {"grantee_id": str(ben.pk)})
    api = Api(client_ben)
    seen = api("get", f"/collections/{shelf.pk}").json()
    assert (seen["is_own"], seen["can_manage"]) == (False, False)
    assert [item["id"] for item in api("get", "/collections").json()["items"]] == [str(shelf.pk)]
    assert [item["filename"] for item in api("get", f"/documents?collection={shelf.pk}").json()["items"]] == [
        "placed.txt"
    ]
    assert api("get", f"/documents/{placed.pk}/content").status_code == 200
    for method, path, body in doors(shelf, placed):
        problem_assert(api(method, path, body), 403, "forbidden")
    problem_assert(api("delete", f"/documents/{placed.pk}"), 403)
    assert ada_api("delete", f"/collections/{shelf.pk}/grants/{ben.pk}").status_code == 204
    problem_assert(api("get", f"/documents/{placed.pk}"), 404)


@pytest.mark.parametrize("who", ["ben", "vera", "cleo", "anna", "root"])
def test_nobody_else_gets_at_it(request, who, shelf, placed):
    api = Api(request.getfixturevalue(f"client_{who}"))
    for method, path, body in [("get", f"/collections/{shelf.pk}", None), *doors(shelf, placed)]:
        problem_assert(api(method, path, body), 404, "not_found")
    assert api("get", "/collections").json() == {"items": [], "next": None}
    shelf.refresh_from_db()
    placed.refresh_from_db()
    assert (shelf.name, shelf.visibility, placed.collection_id) == ("Shelf", "private", shelf.pk)


def test_what_does_not_exist_is_not_found(ada_api):
    for method, path, body in doors(Collection(pk=uuid4(), owner_id=uuid4()), Document(pk=uuid4())):
        problem_assert(ada_api(method, path, body), 404)


def test_an_administrator_keeps_order_in_what_is_open(client_anna, shelf):
    Collection.objects.update(visibility="workspace")
    api = Api(client_anna)
    assert api("put", f"/collections/{shelf.pk}", {"name": "Better"}).json()["can_manage"]
    problem_assert(api("put", f"/collections/{shelf.pk}", {"visibility": "private"}), 403)
    problem_assert(api("get", f"/collections/{shelf.pk}/grants"), 403)
    assert api("delete", f"/collections/{shelf.pk}").status_code == 204


def test_viewers_make_none(client_vera):
    problem_assert(Api(client_vera)("post", "/collections", {"name": "Mine"}), 403)


def test_no_grant_leaves_the_workspace(ada_api, cleo, shelf):
    problem_assert(ada_api("post", f"/collections/{shelf.pk}/grants", {"grantee_id": str(cleo.pk)}), 404)


def test_a_document_is_moved_in_and_out(ada_api, ada, shelf):
    document = upload(ada, b"Words", "loose.txt")
    path = f"/documents/{document.pk}"
    assert ada_api("put", f"{path}/collection", {"collection_id": str(shelf.pk)}).status_code == 204
    assert ada_api("get", path).json()["collection_id"] == str(shelf.pk)
    assert ada_api("put", f"{path}/collection", {"collection_id": None}).status_code == 204
    assert ada_api("get", path).json()["collection_id"] is None


def test_lists_are_of_the_workspace_i_work_in(ada_api, ada, shelf, placed, other_workspace):
    Membership.objects.create(user=ada, workspace=other_workspace)
    ada_api("put", "/me/workspace", {"workspace_id": str(other_workspace.pk)})
    assert ada_api("get", "/collections").json()["items"] == []
    assert ada_api("get", "/documents").json()["items"] == []
    assert ada_api("get", f"/collections/{shelf.pk}").json()["name"] == "Shelf"
    assert ada_api("post", "/collections", {"name": "There"}).json()["workspace_id"] == str(other_workspace.pk)


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("post", "/collections", {}, "name"),
        ("post", "/collections", {"name": " "}, "name"),
        ("post", "/collections", {"name": "x" * 121}, "name"),
        ("post", "/collections", {"name": "x", "visibility": "all"}, "visibility"),
        ("put", "/collections/{id}", {"name": None}, "name"),
        ("put", "/collections/{id}", {"classification": "secret"}, "classification"),
        ("post", "/collections/{id}/grants", {"grantee_id": "x"}, "grantee_id"),
        ("get", "/collections?limit=0", None, "limit"),
    ],
)
def test_bad_input_answers_422_with_the_field(ada_api, shelf, method, path, body, field):
    problem = problem_assert(ada_api(method, path.format(id=shelf.pk), body), 422, "invalid")
    assert [error["field"] for error in problem["errors"]] == [field]


def test_queries_do_not_grow_with_the_list(ada_api, ada, workspace, django_assert_num_queries):
    for number in range(4):
        Collection.objects.create(workspace=workspace, owner=ada, name=str(number))
    # What is remembered for a while is remembered now.
    ada_api("get", "/collections")
    # Session, user, rows, which of them I manage.
    with django_assert_num_queries(4):
        ada_api("get", "/collections")
