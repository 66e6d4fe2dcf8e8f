"""Who sees, deletes and cancels which documents. `ada` owns, `ben` and `vera` are members, `cleo` is a stranger."""

import pytest
from django.core.files.storage import default_storage

from apps.accounts.models import Membership, User
from apps.audit.models import Event
from apps.documents import page_images, selectors, services, tasks
from apps.documents.models import Collection, Document, Section
from apps.documents.tests.factories import file_key, lease, parsed, pdf_bytes, upload, version_of
from apps.documents.types import PageRequest
from chatbot.lib.errors import ForbiddenError, NotFoundError, ValidationFailedError

pytestmark = pytest.mark.django_db


@pytest.fixture
def shelf(ada, workspace):
    return Collection.objects.create(owner=ada, workspace=workspace, name="Shelf", visibility="workspace")


@pytest.fixture
def private(ada):
    return upload(ada, b"For ada alone", "private.txt")


@pytest.fixture
def shared(ada, shelf):
    return upload(ada, b"For all", "shared.txt", collection=shelf)


@pytest.fixture
def admin(workspace):
    user = User.objects.create_user("admin@example.org", "x")
    Membership.objects.create(user=user, workspace=workspace, role="admin")
    return user


def seen_by(user):
    return set(selectors.documents_visible_to(user=user).values_list("filename", flat=True))


def test_each_sees_what_is_theirs(ada, ben, vera, cleo, admin, private, shared):
    assert seen_by(ada) == {"private.txt", "shared.txt"}
    assert seen_by(ben) == seen_by(vera) == seen_by(admin) == {"shared.txt"}
    assert seen_by(cleo) == set()


def test_being_above_every_workspace_opens_no_content(private, shared):
    assert seen_by(User.objects.create_superuser("root@example.org", "x")) == set()


def test_who_leaves_the_workspace_sees_nothing_of_it(ada, private, shared):
    Membership.objects.filter(user=ada).delete()
    assert seen_by(ada) == set()


def test_a_private_shelf_hides_what_others_put_on_it(ada, ben, shelf, shared):
    Collection.objects.filter(pk=shelf.pk).update(visibility="private")
    assert seen_by(ada) == {"shared.txt"}
    assert seen_by(ben) == set()


@pytest.mark.parametrize("call", ["require", "status", "page", "delete", "cancel"])
def test_a_stranger_gets_not_found_everywhere(cleo, shared, call):
    calls = {
        "require": lambda: selectors.document_require(user=cleo, document_id=shared.pk),
        "status": lambda: selectors.document_status(user=cleo, document_id=shared.pk),
        "page": lambda: selectors.page_image(user=cleo, document_id=shared.pk, page=1),
        "delete": lambda: services.document_delete(actor=cleo, document_id=shared.pk),
        "cancel": lambda: services.document_cancel(actor=cleo, document_id=shared.pk),
    }
    with pytest.raises(NotFoundError):
        calls[call]()
    assert Document.objects.filter(pk=shared.pk).exists()


def test_the_list_filters(ada, shelf, private, shared):
    parsed(private)
    names = lambda **filters: set(selectors.document_list(user=ada, **filters).values_list("filename", flat=True))  # noqa: E731
    assert names() == {"private.txt", "shared.txt"}
    assert names(collection_id=shelf.pk) == {"shared.txt"}
    assert names(status="uploaded") == {"shared.txt"}
    assert names(status="processing") == {"private.txt"}
    assert names(text="PRIV") == {"private.txt"}
    assert names(text="100%\x00") == set()
    with pytest.raises(ValidationFailedError):
        names(status="lost")


def test_status_tells_how_far_it_is(ada, private):
    status = selectors.document_status(user=ada, document_id=private.pk)
    assert (status.status, status.progress, status.pages, status.error_code) == ("uploaded", 0, None, "")
    parsed(private)
    assert selectors.document_status(user=ada, document_id=private.pk).progress == pytest.approx(0.3)


@pytest.mark.parametrize("who", ["ben", "vera"])
def test_a_member_may_not_delete_or_cancel_what_is_not_theirs(request, who, shared):
    member = request.getfixturevalue(who)
    with pytest.raises(ForbiddenError):
        services.document_delete(actor=member, document_id=shared.pk)
    with pytest.raises(ForbiddenError):
        services.document_cancel(actor=member, document_id=shared.pk)


@pytest.mark.parametrize("who", ["ada", "admin"])
def test_delete_removes_rows_files_and_pictures(request, who, ada, shelf, django_capture_on_commit_callbacks):
    document = upload(ada, pdf_bytes("Hello"), "a.pdf", collection=shelf)
    version = parsed(document)
    tasks.page_render(str(version.pk), 1, page_images.answer_key_new())
    key = page_images.storage_key(PageRequest(version_id=version.pk, page=1))
    assert default_storage.exists(key)
    with django_capture_on_commit_callbacks(execute=True):
        services.document_delete(actor=request.getfixturevalue(who), document_id=document.pk)
    assert not default_storage.exists(file_key(version))
    assert not default_storage.exists(key)
    assert not Section.objects.exists()
    assert Event.objects.get(action="document_deleted").target_id == str(document.pk)


def test_deleting_while_it_is_read_ends_the_reading(ada):
    from apps.documents import jobs

    document = upload(ada, b"Hello")
    version = version_of(document)
    token = lease(version)
    services.document_delete(actor=ada, document_id=document.pk)
    assert jobs.held_version(version_id=version.pk, token=token) is None
    assert not jobs.version_parsed(version_id=version.pk, token=token)
