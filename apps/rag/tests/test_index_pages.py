"""The pages about search indexes."""

import re

import pytest
from django.urls import reverse

from apps.audit.actions import INDEX_SWITCHED
from apps.audit.models import Event
from apps.rag.models import IndexProfile
from apps.rag.profiles.switching import index_switch_wanted
from apps.rag.selectors import profile_live
from apps.rag.services import index_profile_ensure
from apps.rag.testing import fake_embedder
from apps.rag.tests.factories import indexed
from apps.rag.tests.index_profiles import OTHER, begun, built, run

State = IndexProfile.State
LIST = "/settings/indexes/"


@pytest.fixture
def other():
    with fake_embedder(model=OTHER) as fake:
        yield fake


def page(client, address=LIST, **options):
    answer = client.get(address, **options)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def of(name, profile):
    return reverse(f"rag:index-{name}", args=[profile.pk])


@pytest.mark.django_db
def test_the_list_shows_indexes_and_how_far_they_are(client_root, ada, embedder, other):
    assert "The first index is made with the first document." in page(client_root)
    indexed(ada, "First.")
    new = begun(dimensions=64, chunks_per_minute=600)
    text = page(client_root)
    assert "being built" in text
    assert "0 of 1 document" in text
    assert "600 passages a minute" in text
    assert f'hx-get="{of("progress", new)}' in text
    run(new)
    text = page(client_root)
    assert "ready" in text
    assert text.count("1 of 1 document") == 2
    assert 'hx-get="/settings/indexes/' not in text.replace(of("drop", new), "")


@pytest.mark.django_db
def test_the_list_takes_the_same_queries_however_many_there_are(
    client_root, ada, embedder, other, django_assert_num_queries
):
    indexed(ada, "First.")
    page(client_root)
    with django_assert_num_queries(13) as captured:
        page(client_root)
    for number in range(3):
        built(name=f"n{number}")
    with django_assert_num_queries(len(captured)):
        page(client_root)


@pytest.mark.django_db
def test_a_build_is_begun_by_the_form(client_root, root, embedder):
    index_profile_ensure()
    address = reverse("rag:index-new")
    assert 'value="bge-small-en-v1.5"' in page(client_root, address)
    wish = {"name": "second", "provider": "onnx", "embedder": OTHER, "chunk_ideal": "200", "document_prefix": "-"}
    answer = client_root.post(address, {**wish, "query_prefix": "query: "})
    assert (answer.status_code, answer["Location"]) == (302, LIST)
    profile = IndexProfile.objects.get(name="second")
    assert (profile.state, profile.created_by) == (State.BUILDING, root)
    assert profile.chunking == {"minimum": 100, "ideal": 200, "maximum": 233}
    # The space at the end belongs to it.
    assert (profile.query_prefix, profile.document_prefix) == ("query: ", "")

    answer = client_root.post(address, {**wish, "chunk_ideal": "3"})
    assert answer.status_code == 422
    answer = client_root.post(address, wish)
    assert (answer.status_code, "Another index has this name." in answer.content.decode()) == (422, True)
    answer = client_root.post(address, {**wish, "name": "third", "provider": "gemini"})
    assert answer.status_code == 422
    assert IndexProfile.objects.count() == 2


@pytest.mark.django_db
def test_pausing_going_on_switching_rolling_back_dropping(client_root, ada, embedder, other):
    indexed(ada, "First.")
    old, new = index_profile_ensure(), begun()
    assert client_root.post(of("pause", new)).status_code == 302
    assert "paused" in page(client_root)
    assert client_root.post(of("resume", new)).status_code == 302
    run(new)

    assert "Check and switch" in page(client_root, of("switch", new))
    assert client_root.post(of("switch", new)).status_code == 302
    assert "It is being compared" in page(client_root)
    assert profile_live() == old
    assert index_switch_wanted(profile_id=new.pk)
    assert profile_live() == new

    assert "Roll back to bge-small-en-v1.5" in page(client_root)
    assert client_root.post(reverse("rag:index-back")).status_code == 302
    assert profile_live() == old

    assert "Its passages and vectors are deleted." in page(client_root, of("drop", new))
    assert "dialog-content" in page(client_root, of("drop", new), headers={"HX-Request": "true"})
    assert client_root.post(of("drop", new)).status_code == 302
    assert "being deleted" in page(client_root)
    assert client_root.post(of("drop", old)).status_code == 409
    assert client_root.get(of("drop", old)).status_code == 409


@pytest.mark.django_db
def test_a_switch_that_documents_speak_against_needs_a_reason(client_root, ada, embedder, other):
    indexed(ada, "First.")
    old, new = index_profile_ensure(), built()
    indexed(ada, "Second.")
    assert "1 document is not in it yet." in page(client_root, of("switch", new))
    answer = client_root.post(of("switch", new))
    assert (answer.status_code, profile_live()) == (409, old)
    answer = client_root.post(of("switch", new), {"reason": " "})
    assert (answer.status_code, profile_live()) == (422, old)
    answer = client_root.post(of("switch", new), {"reason": "It must be."})
    assert (answer.status_code, profile_live()) == (302, new)
    assert Event.objects.get(action=INDEX_SWITCHED).data["reason"] == "It must be."


@pytest.mark.django_db
def test_progress_is_asked_for_while_something_moves(client_root, ada, embedder, other):
    indexed(ada, "First.")
    new = begun()
    address = re.search(r'hx-get="([^"]*progress/[^"]*)"', page(client_root)).group(1)
    assert f'id="index-{new.pk}-progress"' in page(client_root, address)
    run(new)
    # The buttons are others now.
    assert client_root.get(address)["HX-Refresh"] == "true"


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["progress", "switch", "drop"])
def test_strangers_and_unknown_indexes_get_nothing(client_root, client_anna, client_ada, embedder, other, name):
    new = built()
    assert client_root.get(of(name, new)).status_code == 200
    assert client_anna.get(of(name, new)).status_code in {403, 404}
    assert client_ada.get(of(name, new)).status_code in {403, 404}
    addresses = [of(name, new), of("pause", new)]
    new.delete()
    assert client_root.get(addresses[0]).status_code == 404
    assert client_root.post(addresses[1]).status_code == 404
