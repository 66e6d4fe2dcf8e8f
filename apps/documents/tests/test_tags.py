"""Tags of documents: given, shown, listed by, and by whom; on the page and by the API."""

import pytest
from django.urls import reverse

from apps.audit.models import Event
from apps.documents.models import Collection, Document
from apps.documents.tests.factories import upload
from chatbot.tests.api import Api, problem_assert

HTMX = {"HX-Request": "true"}


@pytest.fixture
def document(ada):
    return upload(ada, b"Some words.", "notes.txt")


@pytest.fixture
def shared(ada, workspace):
    shelf = Collection.objects.create(workspace=workspace, owner=ada, name="All", visibility="workspace")
    return upload(ada, b"Some words.", "shared.txt", shelf)


def page(document):
    return reverse("documents:document-tags", args=[document.pk])


def tag(client, document, *tags):
    return Api(client)("patch", f"/documents/{document.pk}", {"tags": list(tags)})


def test_tags_are_given_by_the_api_and_kept_in_lower_case(client_ada, document):
    answer = tag(client_ada, document, " Contracts ", "#Law", "contracts", "", "Über  uns")
    assert answer.status_code == 200
    assert answer.json()["tags"] == ["contracts", "law", "über uns"]
    assert Api(client_ada)("get", f"/documents/{document.pk}").json()["tags"] == ["contracts", "law", "über uns"]
    assert tag(client_ada, document).json()["tags"] == []


def test_a_change_is_recorded_without_the_words(client_ada, document, ada):
    tag(client_ada, document, "salaries", "law")
    tag(client_ada, document, "law", "salaries".upper())
    tag(client_ada, document, "salaries", "law")
    tag(client_ada, document, "law", "new")
    events = list(Event.objects.filter(action="document_changed").order_by("pk"))
    assert [event.data["added"] for event in events] == [2, 0, 0, 1]
    assert events[-1].data == {"added": 1, "removed": 1, "tags": 2}
    assert (events[0].actor_id, events[0].target_id) == (ada.pk, str(document.pk))
    assert "salaries" not in str([event.data for event in events])


@pytest.mark.parametrize("tags", [["x" * 51], [f"t{number}" for number in range(21)], ['a"b'], ["a,b"], ["a\tb\x07"]])
def test_tags_that_cannot_be_kept_are_refused(client_ada, document, tags):
    problem_assert(tag(client_ada, document, *tags), 422)
    document.refresh_from_db()
    assert document.tags == []


def test_who_may_delete_may_tag_and_nobody_else(client_ada, client_ben, client_vera, client_anna, client_cleo, shared):
    assert tag(client_ada, shared, "a").status_code == 200
    assert tag(client_anna, shared, "b").status_code == 200
    for client in (client_ben, client_vera):
        problem_assert(tag(client, shared, "c"), 403)
        assert client.get(page(shared)).status_code == 403
        assert client.post(page(shared), {"tags": "c"}).status_code == 403
    problem_assert(tag(client_cleo, shared, "d"), 404)
    assert client_cleo.get(page(shared)).status_code == 404
    assert client_cleo.post(page(shared), {"tags": "d"}).status_code == 404
    shared.refresh_from_db()
    assert shared.tags == ["b"]


def test_tags_are_changed_in_the_dialog(client_ada, document):
    dialog = client_ada.get(page(document), headers=HTMX).content.decode()
    assert "<html" not in dialog
    assert "notes.txt" in dialog
    row = client_ada.post(page(document), {"tags": "Law, contracts"}, headers=HTMX)
    assert row["HX-Trigger"] == "dialog-close"
    assert f'id="document-{document.pk}"' in row.content.decode()
    assert "?tag=contracts" in row.content.decode()
    again = client_ada.get(page(document), headers=HTMX).content.decode()
    assert 'value="law, contracts"' in again
    client_ada.post(page(document), {"tags": ""}, headers=HTMX)
    document.refresh_from_db()
    assert document.tags == []


def test_tags_are_changed_without_a_script(client_ada, document):
    assert "<html" in client_ada.get(page(document)).content.decode()
    answer = client_ada.post(page(document), {"tags": "law"}, follow=True).content.decode()
    assert ">law</a>" in answer


def test_a_tag_that_is_too_long_is_told_in_the_dialog(client_ada, document):
    answer = client_ada.post(page(document), {"tags": "x" * 51}, headers=HTMX)
    assert answer.status_code == 422
    assert "at most 50 characters" in answer.content.decode()


def test_the_list_shows_those_with_a_tag(client_ada, ada, document):
    other = upload(ada, b"Other words.", "other.txt")
    tag(client_ada, document, "R&D")
    address = reverse("documents:document-list")
    shown = client_ada.get(address, {"tag": "R&D"}).content.decode()
    assert "notes.txt" in shown
    assert "other.txt" not in shown
    assert 'name="tag" value="r&amp;d"' in shown
    fragment = client_ada.get(address, {"tag": "nowhere"}, headers=HTMX).content.decode()
    assert "No document matches." in fragment
    items = Api(client_ada)("get", "/documents?tag=r%26d").json()["items"]
    assert [item["id"] for item in items] == [str(document.pk)]
    assert Document.objects.filter(pk=other.pk).exists()


def test_tags_of_others_are_not_found_by_guessing(client_ada, client_cleo, document):
    tag(client_ada, document, "secret")
    assert Api(client_cleo)("get", "/documents?tag=secret").json()["items"] == []
