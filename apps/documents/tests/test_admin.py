"""Documents and collections in Django's admin."""

from itertools import count

import pytest

from apps.audit.models import Event
from apps.documents.models import Collection
from apps.documents.tests.factories import upload

NUMBERS = count()


@pytest.fixture
def collection(ada, workspace):
    return Collection.objects.create(workspace=workspace, owner=ada, name="Handbooks", visibility="workspace")


def test_only_the_classification_of_a_collection_is_changed_and_that_is_recorded(client_root, root, collection):
    values = {"name": "Manuals", "visibility": "private", "classification": "confidential"}
    answer = client_root.post(f"/admin/documents/collection/{collection.pk}/change/", values)
    assert answer.status_code == 302
    event = Event.objects.get(action="collection_changed")
    assert (event.actor_id, event.workspace_id) == (root.pk, collection.workspace_id)
    assert event.data == {"changed": "classification", "classification": "confidential"}
    collection.refresh_from_db()
    assert (collection.name, collection.visibility) == ("Handbooks", "workspace")


def test_the_list_of_documents_costs_the_same_for_any_number(
    client_root, ada, workspace, django_assert_max_num_queries
):
    upload(ada, f"some words {next(NUMBERS)}".encode(), f"notes{next(NUMBERS)}.txt")
    client_root.get("/admin/documents/document/")
    with django_assert_max_num_queries(30) as few:
        client_root.get("/admin/documents/document/")
    for _ in range(4):
        upload(ada, f"some words {next(NUMBERS)}".encode(), f"notes{next(NUMBERS)}.txt")
    with django_assert_max_num_queries(len(few)):
        client_root.get("/admin/documents/document/")
