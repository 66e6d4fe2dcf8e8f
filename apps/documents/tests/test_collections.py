"""Collections: who makes, changes, shares and deletes them, and what that opens."""

import pytest
from django.urls import reverse

from apps.accounts.models import Membership
from apps.audit.models import Event
from apps.documents import selectors
from apps.documents.collection_writing import (
    collection_create,
    collection_delete,
    collection_share,
    collection_unshare,
    collection_update,
    document_move,
)
from apps.documents.models import Collection, Document
from apps.documents.services import document_delete
from apps.documents.tests.factories import upload
from chatbot.lib.errors import ForbiddenError, NotFoundError, ValidationFailedError

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def shelf(ada):
    return collection_create(actor=ada, name=" My \x00 shelf ")


@pytest.fixture
def placed(ada, shelf):
    return upload(ada, b"Words", "placed.txt", collection=shelf)


def url(name, *args):
    return reverse(f"documents:{name}", args=args)


def names(user):
    return set(selectors.documents_visible_to(user=user).values_list("filename", flat=True))


def test_a_new_collection_is_its_owners_alone(ada, ben, admin_anna, root, shelf):
    assert (shelf.name, shelf.visibility, shelf.classification) == ("My shelf", "private", "internal")
    assert list(selectors.collections_visible_to(user=ada)) == [shelf]
    for other in (ben, admin_anna, root):
        assert not selectors.collections_visible_to(user=other).exists()
    assert Event.objects.get(action="collection_created").data == {
        "visibility": "private",
        "classification": "internal",
    }


def test_sharing_opens_reading_and_taking_back_closes_it_at_once(ada, ben, vera, placed, shelf):
    collection_share(actor=ada, collection_id=shelf.pk, grantee_id=vera.pk)
    assert names(vera) == {"placed.txt"}
    assert names(ben) == set()
    with pytest.raises(ForbiddenError):
        document_delete(actor=vera, document_id=placed.pk)
    collection_unshare(actor=ada, collection_id=shelf.pk, grantee_id=vera.pk)
    assert names(vera) == set()


def test_a_shared_collection_is_read_not_filled(ada, ben, placed, shelf):
    collection_share(actor=ada, collection_id=shelf.pk, grantee_id=ben.pk)
    with pytest.raises(ForbiddenError):
        upload(ben, b"Words", "mine.txt", collection=shelf)
    mine = upload(ben, b"Words", "mine.txt")
    with pytest.raises(ForbiddenError):
        document_move(actor=ben, document_id=mine.pk, collection_id=shelf.pk)
    with pytest.raises(ForbiddenError):
        document_move(actor=ben, document_id=placed.pk, collection_id=None)


def test_an_administrator_to_whom_it_is_shared_reads_and_no_more(ada, admin_anna, placed, shelf):
    collection_share(actor=ada, collection_id=shelf.pk, grantee_id=admin_anna.pk)
    assert names(admin_anna) == {"placed.txt"}
    for call in (
        lambda: document_delete(actor=admin_anna, document_id=placed.pk),
        lambda: collection_update(actor=admin_anna, collection_id=shelf.pk, name="Mine"),
        lambda: collection_delete(actor=admin_anna, collection_id=shelf.pk),
    ):
        with pytest.raises(ForbiddenError):
            call()


def test_an_open_collection_is_the_administrators_to_keep_but_not_to_close(ada, ben, admin_anna, placed, shelf):
    collection_update(actor=ada, collection_id=shelf.pk, visibility="workspace")
    assert names(ben) == {"placed.txt"}
    assert collection_update(actor=admin_anna, collection_id=shelf.pk, name="Better").name == "Better"
    with pytest.raises(ForbiddenError):
        collection_update(actor=admin_anna, collection_id=shelf.pk, visibility="private")
    with pytest.raises(ForbiddenError):
        collection_share(actor=admin_anna, collection_id=shelf.pk, grantee_id=ben.pk)
    with pytest.raises(ForbiddenError):
        collection_update(actor=ben, collection_id=shelf.pk, name="Mine")
    collection_delete(actor=admin_anna, collection_id=shelf.pk)
    assert names(ben) == set()
    assert names(ada) == {"placed.txt"}


def test_deleting_keeps_the_documents_for_their_owners(ada, ben, placed, shelf, admin_anna, workspace):
    collection_update(actor=ada, collection_id=shelf.pk, visibility="workspace")
    upload(ben, b"Words", "ben.txt", collection=shelf)
    Document.objects.create(workspace=workspace, collection=shelf, filename="nobody.txt")
    collection_delete(actor=ada, collection_id=shelf.pk)
    assert names(ada) == {"placed.txt", "nobody.txt"}
    assert names(ben) == {"ben.txt"}
    assert names(admin_anna) == set()
    assert Event.objects.get(action="collection_deleted").data == {"documents": 3}


def test_an_ownerless_collection_gets_an_owner_when_it_is_closed(admin_anna, workspace):
    shelf = Collection.objects.create(workspace=workspace, name="Sample", visibility="workspace")
    assert collection_update(actor=admin_anna, collection_id=shelf.pk, visibility="private").owner == admin_anna
    assert list(selectors.collections_visible_to(user=admin_anna)) == [shelf]


def test_documents_are_moved_by_their_owner(ada, ben, shelf, placed):
    loose = upload(ada, b"Words", "loose.txt")
    collection_share(actor=ada, collection_id=shelf.pk, grantee_id=ben.pk)
    assert names(ben) == {"placed.txt"}
    document_move(actor=ada, document_id=loose.pk, collection_id=shelf.pk)
    document_move(actor=ada, document_id=placed.pk, collection_id=None)
    assert names(ben) == {"loose.txt"}
    assert Event.objects.filter(action="collection_changed", target_type="documents.document").count() == 2


def test_the_owner_of_a_collection_takes_out_what_others_put_in(ada, ben, shelf, placed):
    collection_update(actor=ada, collection_id=shelf.pk, visibility="workspace")
    other = collection_create(actor=ada, name="Other")
    theirs = upload(ben, b"Words", "ben.txt", collection=shelf)
    with pytest.raises(ForbiddenError):
        document_move(actor=ada, document_id=theirs.pk, collection_id=other.pk)
    document_move(actor=ada, document_id=theirs.pk, collection_id=None)
    assert "ben.txt" not in names(ada)
    assert "ben.txt" in names(ben)


def test_no_document_leaves_its_workspace(ada, placed, other_workspace):
    Membership.objects.create(user=ada, workspace=other_workspace)
    elsewhere = Collection.objects.create(workspace=other_workspace, owner=ada, name="Elsewhere")
    with pytest.raises(ValidationFailedError):
        document_move(actor=ada, document_id=placed.pk, collection_id=elsewhere.pk)


def test_strangers_find_nothing_and_viewers_change_nothing(ada, vera, cleo, shelf, placed):
    collection_share(actor=ada, collection_id=shelf.pk, grantee_id=vera.pk)
    for actor, error in ((cleo, NotFoundError), (vera, ForbiddenError)):
        for call in (
            lambda actor=actor: collection_update(actor=actor, collection_id=shelf.pk, name="x"),
            lambda actor=actor: collection_delete(actor=actor, collection_id=shelf.pk),
            lambda actor=actor: collection_share(actor=actor, collection_id=shelf.pk, grantee_id=actor.pk),
            lambda actor=actor: collection_unshare(actor=actor, collection_id=shelf.pk, grantee_id=actor.pk),
            lambda actor=actor: document_move(actor=actor, document_id=placed.pk, collection_id=None),
        ):
            with pytest.raises(error):
                call()
    with pytest.raises(ForbiddenError):
        collection_create(actor=vera, name="Mine")


def test_lists_show_the_workspace_i_work_in_and_keys_open_both(ada, other_workspace, shelf, placed):
    Membership.objects.create(user=ada, workspace=other_workspace)
    elsewhere = Collection.objects.create(workspace=other_workspace, owner=ada, name="Elsewhere")
    there = upload(ada, b"Words", "there.txt", collection=elsewhere)
    assert list(selectors.collection_list(user=ada)) == [shelf]
    assert [row.filename for row in selectors.document_list(user=ada)] == ["placed.txt"]
    ada.current_workspace = other_workspace
    assert list(selectors.collection_list(user=ada)) == [elsewhere]
    assert [row.filename for row in selectors.document_list(user=ada)] == ["there.txt"]
    for document in (there, placed):
        assert selectors.document_require(user=ada, document_id=document.pk) == document


@pytest.mark.parametrize("fields", [{"name": " "}, {"name": "x" * 121}, {"visibility": "all"}, {"classification": "x"}])
def test_fields_are_checked(ada, shelf, fields):
    with pytest.raises(ValidationFailedError):
        collection_update(actor=ada, collection_id=shelf.pk, **fields)


def test_the_page_makes_fills_changes_and_deletes(client_ada, ada):
    made = client_ada.post(url("collection-new"), {"name": "Contracts", "classification": "confidential"}, headers=HTMX)
    shelf = Collection.objects.get()
    assert made["HX-Redirect"] == f"{url('document-list')}?collection={shelf.pk}"
    assert client_ada.post(url("collection-new"), {"name": ""}).status_code == 422
    page = client_ada.get(made["HX-Redirect"]).content.decode()
    assert "Contracts" in page
    assert "Only you" in page
    assert f'action="{url("document-list")}?collection={shelf.pk}"' in page
    edited = client_ada.post(url("collection-edit", shelf.pk), {"name": "Papers", "classification": "internal"})
    assert edited.status_code == 302
    assert "The documents stay" not in client_ada.get(url("collection-delete", shelf.pk)).content.decode()
    client_ada.post(url("collection-delete", shelf.pk))
    assert not Collection.objects.exists()


def test_the_page_uploads_into_the_collection_shown(client_ada, shelf):
    from django.core.files.uploadedfile import SimpleUploadedFile

    target = f"{url('document-list')}?collection={shelf.pk}"
    assert client_ada.post(target, {"files": SimpleUploadedFile("a.txt", b"x")})["Location"] == target
    assert Document.objects.get().collection == shelf
    assert "a.txt" in client_ada.get(target).content.decode()


def test_the_dialog_shares_with_people_groups_and_everybody(client_ada, ben, shelf):
    address = url("collection-share", shelf.pk)
    dialog = client_ada.get(address, headers=HTMX).content.decode()
    assert f'name="add" value="{ben.pk}"' in dialog
    shared = client_ada.post(address, {"add": str(ben.pk)}, headers=HTMX).content.decode()
    assert f'name="remove" value="{ben.pk}"' in shared
    assert "Shared with 1" in shared
    opened = client_ada.post(address, {"visibility": "workspace"}, headers=HTMX).content.decode()
    assert "Open to everybody" in opened
    client_ada.post(address, {"visibility": "private"})
    client_ada.post(address, {"remove": str(ben.pk)})
    assert "Only you" in client_ada.get(f"{url('document-list')}?collection={shelf.pk}").content.decode()
    found = client_ada.get(address, {"q": "be"}, headers={**HTMX, "HX-Target": "share-found"}).content.decode()
    assert "Ben" in found
    assert "Shared with</h3>" not in found
    assert client_ada.post(address, {"add": "x"}).status_code == 302


def test_the_row_moves_in_the_page(client_ada, ada, shelf):
    document = upload(ada, b"Words", "loose.txt")
    dialog = client_ada.get(url("document-move", document.pk), headers=HTMX).content.decode()
    assert f'<option value="{shelf.pk}">My shelf</option>' in dialog
    row = client_ada.post(url("document-move", document.pk), {"collection": str(shelf.pk)}, headers=HTMX)
    assert row["HX-Trigger"] == "dialog-close"
    assert "My shelf" in row.content.decode()
    assert client_ada.post(url("document-move", document.pk), {"collection": "x"}).status_code == 422
    client_ada.post(url("document-move", document.pk), {"collection": ""})
    document.refresh_from_db()
    assert document.collection is None


def doors(shelf, document):
    return [
        ("get", f"{url('document-list')}?collection={shelf.pk}", {}),
        ("get", url("collection-edit", shelf.pk), {}),
        ("post", url("collection-edit", shelf.pk), {"name": "Mine", "classification": "public"}),
        ("get", url("collection-delete", shelf.pk), {}),
        ("post", url("collection-delete", shelf.pk), {}),
        ("get", url("collection-share", shelf.pk), {}),
        ("post", url("collection-share", shelf.pk), {"visibility": "workspace"}),
        ("get", url("document-move", document.pk), {}),
        ("post", url("document-move", document.pk), {"collection": ""}),
    ]


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
@pytest.mark.parametrize("who", ["ben", "vera", "cleo", "anna", "root"])
def test_nobody_else_gets_in(request, who, shelf, placed, headers):
    client = request.getfixturevalue(f"client_{who}")
    for method, target, data in doors(shelf, placed):
        response = getattr(client, method)(target, data, headers=headers)
        is_empty_list = "?collection=" in target and bool(headers)
        assert response.status_code == (200 if is_empty_list else 404), (method, target)
        assert b"placed.txt" not in response.content
    shelf.refresh_from_db()
    placed.refresh_from_db()
    assert (shelf.name, shelf.visibility, placed.collection_id) == ("My shelf", "private", shelf.pk)


@pytest.mark.parametrize("who", ["ben", "vera", "anna"])
def test_readers_look_and_do_not_touch(request, who, ada, shelf, placed):
    client = request.getfixturevalue(f"client_{who}")
    reader = request.getfixturevalue("admin_anna" if who == "anna" else who)
    collection_share(actor=ada, collection_id=shelf.pk, grantee_id=reader.pk)
    listed, *others = doors(shelf, placed)
    page = client.get(listed[1]).content.decode()
    assert "placed.txt" in page
    assert "Shared with you by Ada" in page
    assert url("collection-share", shelf.pk) not in page
    assert "data-upload-target" not in page
    for method, target, data in others:
        assert getattr(client, method)(target, data).status_code == 403, (method, target)
    assert client.get(url("document-content", placed.pk)).status_code == 200


def test_viewers_are_offered_no_upload(client_vera):
    page = client_vera.get(url("document-list")).content.decode()
    assert 'type="file"' not in page
    assert url("collection-new") not in page
    assert client_vera.get(url("collection-new")).status_code == 403


def test_queries_do_not_grow_with_the_shelves(client_ada, ada, django_assert_num_queries):
    for number in range(5):
        shelf = collection_create(actor=ada, name=f"Shelf {number}")
        upload(ada, b"Words", f"{number}.txt", collection=shelf)
    client_ada.get(url("document-list"))
    # Session, user, rows, open documents, workspaces with roles, collections.
    with django_assert_num_queries(6):
        client_ada.get(url("document-list"))
