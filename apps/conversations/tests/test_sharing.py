"""Sharing a conversation: what readers get at every door, and what nobody else gets."""

from types import SimpleNamespace
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import Membership
from apps.accounts.services.groups import group_create, group_member_add
from apps.audit.models import Event
from apps.conversations import selectors
from apps.conversations.models import Citation, Conversation, Message
from apps.conversations.sharing import conversation_share, conversation_unshare
from apps.conversations.tests.factories import conversation_make, reply_make
from apps.conversations.tests.test_consumers import close_code, connected, socket
from apps.documents.models import Document
from chatbot.lib.errors import ForbiddenError, NotFoundError
from chatbot.tests.api import Api, problem_assert

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def url(name, *args):
    return reverse(f"conversations:{name}", args=args)


@pytest.fixture
def answered(conversation, ada, workspace):
    conversation.title = "Engines"
    conversation.save()
    document = Document.objects.create(workspace=workspace, owner=ada, filename="rules.pdf")
    reply = reply_make(conversation, content="It is **so** [1].", state=Message.State.COMPLETE)
    Citation.objects.create(
        workspace=workspace, message=reply, index=1, document=document, chunk_id=uuid4(),
        filename="rules.pdf", page=3, quote="So it is written.", score=0.9,
    )  # fmt: skip
    return reply


@pytest.fixture
def shared(ada, ben, conversation, answered):
    """With ben."""
    conversation_share(actor=ada, conversation_id=conversation.pk, grantee_id=ben.pk)
    return conversation


def reading(talk, reply):
    return [
        ("get", url("conversation-detail", talk.pk), {}),
        ("get", url("message-detail", reply.pk), {}),
        ("get", url("message-frames", reply.pk), {}),
        ("get", url("citation-detail", reply.pk, 1), {}),
    ]


def changing(talk, reply):
    return [
        ("get", url("conversation-item", talk.pk), {}),
        ("get", url("conversation-rename", talk.pk), {}),
        ("post", url("conversation-rename", talk.pk), {"title": "Mine"}),
        ("get", url("conversation-delete", talk.pk), {}),
        ("post", url("conversation-delete", talk.pk), {}),
        ("get", url("conversation-share", talk.pk), {}),
        ("post", url("conversation-share", talk.pk), {"add": str(talk.owner_id)}),
        ("post", url("message-create", talk.pk), {"content": "Hello"}),
        ("post", url("reply-stop", talk.pk), {}),
        ("post", url("branch-select", talk.pk), {"message": str(reply.pk)}),
        ("get", url("message-edit", reply.parent_id), {}),
        ("post", url("message-edit", reply.parent_id), {"content": "Hello"}),
        ("post", url("reply-regenerate", reply.pk), {}),
    ]


def api_reading(talk, reply):
    path = f"/conversations/{talk.pk}"
    return [("get", path, None), ("get", f"{path}?tree=1", None), ("get", f"{path}/stream?message_id={reply.pk}", None)]


def api_changing(talk, reply):
    path = f"/conversations/{talk.pk}"
    return [
        ("put", path, {"title": "Mine"}),
        ("delete", path, None),
        ("post", f"{path}/messages", {"content": "Hello"}),
        ("post", f"{path}/regenerate", {"message_id": str(reply.pk)}),
        ("post", f"{path}/stop", None),
        ("get", f"{path}/grants", None),
        ("post", f"{path}/grants", {"grantee_id": str(talk.owner_id)}),
        ("delete", f"{path}/grants/{talk.owner_id}", None),
    ]


def call(client, method, target, data, **more):
    return getattr(client, method)(target, data, **more)


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
def test_a_reader_opens_every_page_and_changes_nothing(client_ben, shared, answered, headers):
    for method, target, data in reading(shared, answered):
        assert call(client_ben, method, target, data, headers=headers).status_code in {200, 302}, target
    for method, target, data in changing(shared, answered):
        assert call(client_ben, method, target, data, headers=headers).status_code == 403, (method, target)
    shared.refresh_from_db()
    assert (shared.title, shared.messages.count()) == ("Engines", 2)


def test_a_reader_reads_by_the_api_and_changes_nothing(client_ben, shared, answered):
    api = Api(client_ben)
    for method, path, body in api_reading(shared, answered):
        assert api(method, path, body).status_code == 200, path
    for method, path, body in api_changing(shared, answered):
        problem_assert(api(method, path, body), 403, "forbidden")
    assert api("get", "/conversations").json()["items"] == []
    (item,) = api("get", "/conversations?shared=true").json()["items"]
    assert (item["id"], item["is_own"]) == (str(shared.pk), False)
    assert api("get", "/conversations?shared=true&q=nothing+like+it").json()["items"] == []


@pytest.mark.parametrize("who", ["vera", "cleo", "anna", "root"])
def test_nobody_else_gets_in(request, who, shared, answered):
    client = request.getfixturevalue(f"client_{who}")
    for method, target, data in reading(shared, answered) + changing(shared, answered):
        response = call(client, method, target, data)
        assert response.status_code == 404, (method, target)
        assert b"Engines" not in response.content
    api = Api(client)
    for method, path, body in api_reading(shared, answered) + api_changing(shared, answered):
        problem_assert(api(method, path, body), 404, "not_found")
    assert api("get", "/conversations?shared=true").json()["items"] == []


def test_what_does_not_exist_is_not_found(client_ada, conversation, answered):
    for method, target, data in changing(type(conversation)(pk=uuid4(), owner_id=uuid4()), Message(parent_id=uuid4())):
        assert call(client_ada, method, target, data).status_code == 404, target


def test_taking_back_closes_every_door(ada, ben, client_ben, shared, answered):
    conversation_unshare(actor=ada, conversation_id=shared.pk, grantee_id=ben.pk)
    for method, target, data in reading(shared, answered):
        assert call(client_ben, method, target, data).status_code == 404


def test_leaving_closes_every_door_for_reader_and_owner(ada, ben, client_ben, client_ada, shared, answered):
    Membership.objects.filter(user=ben).delete()
    assert client_ben.get(url("conversation-detail", shared.pk)).status_code == 404
    Membership.objects.filter(user=ada).delete()
    assert client_ada.get(url("conversation-detail", shared.pk)).status_code == 404


def test_a_group_reads(admin_anna, ada, vera, client_vera, conversation, answered, workspace):
    team = group_create(actor=admin_anna, workspace_id=workspace.pk, title="Team")
    conversation_share(actor=ada, conversation_id=conversation.pk, grantee_id=team.key)
    assert client_vera.get(url("conversation-detail", conversation.pk)).status_code == 404
    group_member_add(actor=admin_anna, group_id=team.key, user_id=vera.pk)
    assert client_vera.get(url("conversation-detail", conversation.pk)).status_code == 200


def test_the_readers_page_has_no_way_to_change(client_ben, shared, answered):
    page = client_ben.get(url("conversation-detail", shared.pk)).content.decode()
    assert "<strong>so</strong>" in page
    assert "Ada shares this conversation with you." in page
    for absent in (
        "data-composer-text",
        url("message-edit", answered.parent_id),
        url("reply-regenerate", answered.pk),
        url("conversation-share", shared.pk),
        url("conversation-rename", shared.pk),
        url("branch-select", shared.pk),
    ):
        assert absent not in page
    fragment = client_ben.get(url("message-detail", answered.pk), headers=HTMX).content.decode()
    assert url("reply-regenerate", answered.pk) not in fragment


def test_a_shared_conversation_stands_in_the_sidebar_and_on_its_page(client_ben, client_ada, client_vera, shared):
    sidebar = client_ben.get(url("conversation-list"), headers=HTMX).content.decode()
    assert "Shared with me" in sidebar
    assert "Engines" in sidebar
    assert "Engines" in client_ben.get(url("conversation-shared")).content.decode()
    assert "Shared with me" not in client_ada.get(url("conversation-list"), headers=HTMX).content.decode()
    assert "Engines" not in client_vera.get(url("conversation-shared")).content.decode()


def test_many_shared_ones_come_page_by_page(ada, ben, client_ben, django_assert_num_queries):
    for number in range(31):
        talk = conversation_make(ada, title=f"Talk {number}")
        conversation_share(actor=ada, conversation_id=talk.pk, grantee_id=ben.pk)
    client_ben.get("/")
    # Session, user, own, shared: the same for one and for many.
    with django_assert_num_queries(4):
        sidebar = client_ben.get(url("conversation-list"), headers=HTMX).content.decode()
    assert sidebar.count("conversation-link") == 5
    assert url("conversation-shared") in sidebar
    page = client_ben.get(url("conversation-shared"))
    assert page.content.decode().count('class="shared-link"') == 30
    more = client_ben.get(url("conversation-shared"), {"cursor": page.context["shared_next"]}, headers=HTMX)
    assert more.content.decode().count('class="shared-link"') == 1


def test_quote_and_document_are_seen_only_by_those_who_may(client_ben, client_ada, shared, answered):
    document = Document.objects.get()
    seen = client_ben.get(url("citation-detail", answered.pk, 1), headers=HTMX).content.decode()
    assert "A document that you may not see" in seen
    assert "So it is written." not in seen
    assert document.filename not in seen
    assert str(document.pk) not in seen
    assert client_ben.get(url("document-page", document.pk, 3)).status_code == 404
    assert client_ben.get(reverse("documents:document-content", args=[document.pk])).status_code == 404
    assert str(document.pk) in client_ada.get(url("citation-detail", answered.pk, 1), headers=HTMX).content.decode()


def test_the_dialog_shares_and_takes_back(client_ada, ada, ben, vera, conversation, answered):
    address = url("conversation-share", conversation.pk)
    dialog = client_ada.get(address, headers=HTMX).content.decode()
    assert "Nobody yet." in dialog
    assert f'name="add" value="{ada.pk}"' not in dialog
    client_ada.post(address, {"add": str(ben.pk)}, headers=HTMX)
    assert f'name="remove" value="{ben.pk}"' in client_ada.get(address).content.decode()
    assert client_ada.post(address, {"add": str(vera.pk)}).status_code == 302
    client_ada.post(address, {"remove": str(ben.pk)}, headers=HTMX)
    readers = selectors.conversations_readable_by(user=ben)
    assert not readers.exists()
    assert selectors.conversations_readable_by(user=vera).get() == conversation
    assert client_ada.post(address, {"add": "x"}, headers=HTMX).status_code == 422
    assert client_ada.post(address, {"add": str(uuid4())}, headers=HTMX).status_code == 404
    assert [event.action for event in Event.objects.filter(action__startswith="grant").order_by("created_at")] == [
        "grant_added", "grant_added", "grant_removed",
    ]  # fmt: skip


def test_the_dialog_has_no_person_of_another_workspace(client_ada, cleo, conversation):
    address = url("conversation-share", conversation.pk)
    assert client_ada.post(address, {"add": str(cleo.pk)}).status_code == 404
    assert str(cleo.pk) not in client_ada.get(address, {"q": "cleo"}).content.decode()
    path = f"/conversations/{conversation.pk}/grants"
    problem_assert(Api(client_ada)("post", path, {"grantee_id": str(cleo.pk)}), 404)


def test_the_api_shares_and_takes_back(client_ada, ben, conversation):
    api, path = Api(client_ada), f"/conversations/{conversation.pk}/grants"
    made = api("post", path, {"grantee_id": str(ben.pk)})
    ben_is_in = {"items": [{"id": str(ben.pk), "kind": "person", "title": "Ben", "detail": "ben@example.org"}]}
    assert (made.status_code, made.json()) == (201, ben_is_in)
    assert api("get", path).json() == ben_is_in
    assert api("delete", f"{path}/{ben.pk}").status_code == 204
    assert api("get", path).json() == {"items": []}
    problem_assert(api("post", path, {}), 422)


def test_an_owner_who_became_a_viewer_reads_and_does_not_share(client_ada, ada, ben, conversation, answered):
    Membership.objects.filter(user=ada).update(role="viewer")
    page = client_ada.get(url("conversation-detail", conversation.pk)).content.decode()
    assert "Your role here is viewer" in page
    assert "data-composer-text" not in page
    with pytest.raises(ForbiddenError):
        conversation_share(actor=ada, conversation_id=conversation.pk, grantee_id=ben.pk)
    for method, target, data in changing(conversation, answered)[4:]:
        if method == "post":
            assert call(client_ada, method, target, data).status_code == 403, target


def test_the_short_statement_says_the_same_as_the_selector(ada, ben, cleo, shared, other_workspace):
    """For everybody, with and without a key: what the question's own SQL finds is what `conversations_of` holds."""
    Membership.objects.create(user=ada, workspace=other_workspace)
    for person in (ada, ben, cleo):
        for bound in (None, shared.workspace_id, other_workspace.pk):
            person.api_key = SimpleNamespace(workspace_id=bound) if bound else None
            expected = selectors.conversations_of(user=person).filter(pk=shared.pk).exists()
            readable = selectors.conversations_readable_by(user=person).filter(pk=shared.pk).exists()
            refusal = ForbiddenError if readable else NotFoundError
            if expected:
                found = selectors.conversation_for_question(user=person, conversation_id=shared.pk)
                assert found.workspace_id == shared.workspace_id
            else:
                with pytest.raises(refusal):
                    selectors.conversation_for_question(user=person, conversation_id=shared.pk)


def test_lists_show_the_workspace_i_work_in_and_keys_open_both(ada, conversation, other_workspace):
    Membership.objects.create(user=ada, workspace=other_workspace)
    there = Conversation.objects.create(workspace=other_workspace, owner=ada, updated_at=timezone.now())
    assert selectors.conversation_list(user=ada).get() == conversation
    ada.current_workspace = other_workspace
    assert selectors.conversation_list(user=ada).get() == there
    for talk in (conversation, there):
        assert selectors.conversation_require(user=ada, conversation_id=talk.pk) == talk


def test_a_new_conversation_goes_where_i_work(client_ada, ada, other_workspace, model):
    Membership.objects.create(user=ada, workspace=other_workspace)
    Api(client_ada)("put", "/me/workspace", {"workspace_id": str(other_workspace.pk)})
    assert Api(client_ada)("post", "/conversations", {}).json()["workspace_id"] == str(other_workspace.pk)


def test_documents_of_another_workspace_are_no_scope(client_ada, ada, conversation, other_workspace):
    Membership.objects.create(user=ada, workspace=other_workspace)
    there = Document.objects.create(workspace=other_workspace, owner=ada, filename="there.pdf")
    problem_assert(Api(client_ada)("put", f"/conversations/{conversation.pk}", {"document_ids": [str(there.pk)]}), 404)
    unknown = {"collection_ids": [str(uuid4())]}
    problem_assert(Api(client_ada)("put", f"/conversations/{conversation.pk}", unknown), 404)


@pytest.mark.django_db(transaction=True)
async def test_a_reader_watches_a_reply_being_written(
    client_ben, client_vera, client_cleo, model_server, ada, ben, reply
):
    talk = reply.conversation
    await sync_to_async(conversation_share)(actor=ada, conversation_id=talk.pk, grantee_id=ben.pk)
    for stranger in (client_vera, client_cleo):
        async with socket(reply, stranger) as page:
            assert await close_code(page) == 4404
    async with socket(reply, client_ben) as page:
        await connected(page)
        await sync_to_async(Message.objects.filter(pk=reply.pk).update)(
            state=Message.State.COMPLETE, content="Because.", attempt=0
        )
        frames = []
        while (sent := await page.receive_output(10))["type"] == "websocket.send":
            frames.append(sent["text"])
    assert sent["code"] == 1000
    assert "Because." in frames[-1]
    assert reverse("conversations:reply-regenerate", args=[reply.pk]) not in frames[-1]
