"""Pages of conversations: what the owner, a member, a viewer and a stranger get; with htmx and without a script."""

import uuid
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.conversations.models import Citation, Conversation, Message
from apps.conversations.tests.factories import conversation_make, message_make, reply_make

HTMX = {"HX-Request": "true"}


def url(name, *args):
    return reverse(f"conversations:{name}", args=args)


def htmx(shown="/"):
    return {**HTMX, "HX-Current-URL": f"http://testserver{shown}"}


@pytest.fixture
def answered(conversation):
    reply = reply_make(conversation, content="It is **so** [1].", state=Message.State.COMPLETE, model_name="fake")
    Citation.objects.create(
        workspace_id=conversation.workspace_id,
        message=reply,
        index=1,
        chunk_id=uuid.uuid4(),
        filename="rules.pdf",
        page=3,
        page_last=4,
        heading="Rules",
        quote="So it is written.",
        score=0.9,
    )
    return reply


def test_new_chat_greets_and_offers_models(client_ada, model):
    page = client_ada.get("/").content.decode()
    assert "What would you like to know, Ada?" in page
    assert 'data-starter="' in page
    assert f'<option value="{model.pk}" selected>Fake</option>' in page


@pytest.mark.parametrize("path", ["/", "/conversations/", "/documents/"])
def test_pages_need_sign_in(client, db, path):
    response = client.get(path)
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/")


def test_a_question_begins_a_conversation(client_ada, ada, model):
    form = {"content": " Why?\r\nReally ", "model": str(model.pk), "use_documents": "on"}
    response = client_ada.post(url("conversation-list"), form)
    conversation = Conversation.objects.get(owner=ada)
    assert response["Location"] == url("conversation-detail", conversation.pk)
    assert conversation.use_documents
    question, reply = conversation.messages.order_by("pk")
    assert question.content == " Why?\nReally "
    assert reply.state == Message.State.QUEUED


def test_htmx_is_told_where_the_new_conversation_is(client_ada, ada, model):
    response = client_ada.post(url("conversation-list"), {"content": "Why?"}, headers=HTMX)
    assert response.status_code == 204
    assert response["HX-Redirect"] == url("conversation-detail", Conversation.objects.get().pk)
    assert not Conversation.objects.get().use_documents


@pytest.mark.parametrize("content", ["", "  \r\n ", "\x00"])
def test_an_empty_question_is_refused_with_a_sentence(client_ada, conversation, content):
    for target in (url("conversation-list"), url("message-create", conversation.pk)):
        page = client_ada.post(target, {"content": content})
        assert page.status_code == 422
        assert "composer-error" in page.content.decode()
        sentence = client_ada.post(target, {"content": content}, headers=HTMX)
        assert sentence.status_code == 422
        assert sentence["HX-Retarget"] == "#composer-error"
    assert not Message.objects.exists()


def test_what_was_written_is_kept_on_the_page_that_refuses(client_ada, conversation):
    page = client_ada.post(url("message-create", conversation.pk), {"content": "Why?", "model": "nonsense"})
    assert page.status_code == 422
    assert ">Why?</textarea>" in page.content.decode()


def test_viewers_may_not_ask(client_vera, vera, model):
    assert client_vera.post(url("conversation-list"), {"content": "Why?"}).status_code == 403
    assert not Conversation.objects.exists()


def test_conversation_shows_the_answer_its_sources_and_actions(client_ada, answered):
    page = client_ada.get(url("conversation-detail", answered.conversation_id)).content.decode()
    assert "<strong>so</strong>" in page
    source = url("citation-detail", answered.pk, 1)
    card = f"message-{answered.pk}-source-1"
    assert (
        f'<a class="citation" href="{source}" aria-describedby="{card}" data-card="{card}" aria-label="Source 1: '
        in page
    )
    assert f'id="{card}" popover="manual" role="tooltip"' in page
    assert '<span class="source-page">pages 3–4</span>' in page
    assert 'role="log"' in page
    assert "data-stream=" not in page


def test_an_open_reply_says_where_its_frames_are(client_ada, reply):
    page = client_ada.get(url("conversation-detail", reply.conversation_id)).content.decode()
    assert f'data-stream="/ws/messages/{reply.pk}/"' in page
    assert f'data-stream-frames="{url("message-frames", reply.pk)}"' in page
    assert 'aria-busy="true"' in page
    assert "Waiting for a free model" in page


def test_a_failed_reply_says_why_and_offers_another_try(client_ada, conversation):
    reply = reply_make(conversation, state=Message.State.FAILED, error_detail="The model is asleep.")
    page = client_ada.get(url("conversation-detail", conversation.pk)).content.decode()
    assert "The model is asleep." in page
    assert url("reply-regenerate", reply.pk) in page


def test_words_of_people_are_text(client_ada, conversation):
    message_make(conversation, content="<script>alert(1)</script>")
    conversation.title = "<img src=x onerror=alert(1)>"
    conversation.save()
    page = client_ada.get(url("conversation-detail", conversation.pk)).content.decode()
    assert "<script>alert" not in page
    assert "<img" not in page


def test_sent_question_comes_back_with_its_open_reply(client_ada, conversation, model):
    form = {"content": "And then?", "model": str(model.pk), "use_documents": "on"}
    fragment = client_ada.post(url("message-create", conversation.pk), form, headers=HTMX).content.decode()
    question, reply = conversation.messages.order_by("pk")
    assert f'id="message-{question.pk}"' in fragment
    assert f'data-stream="/ws/messages/{reply.pk}/"' in fragment
    assert "<html" not in fragment
    conversation.refresh_from_db()
    assert conversation.use_documents


def test_sending_without_a_script_leads_back_to_the_conversation(client_ada, conversation):
    response = client_ada.post(url("message-create", conversation.pk), {"content": "And then?"})
    assert response["Location"] == url("conversation-detail", conversation.pk)


def test_a_second_question_before_the_answer_is_a_toast(client_ada, reply):
    response = client_ada.post(url("message-create", reply.conversation_id), {"content": "Well?"}, headers=HTMX)
    assert response.status_code == 409
    assert response["HX-Retarget"] == "#toasts"
    assert 'role="alert"' in response.content.decode()


def test_stop_ends_a_queued_reply(client_ada, reply):
    assert client_ada.post(url("reply-stop", reply.conversation_id), headers=HTMX).status_code == 204
    reply.refresh_from_db()
    assert reply.state == Message.State.STOPPED
    fragment = client_ada.get(url("message-detail", reply.pk) + "?oob=1", headers=HTMX).content.decode()
    assert "You stopped this reply." in fragment
    assert 'hx-swap-oob="true"' in fragment
    assert "data-stream=" not in fragment


def test_regenerating_shows_the_new_version_and_both_can_be_chosen(client_ada, answered):
    fragment = client_ada.post(url("reply-regenerate", answered.pk), headers=HTMX).content.decode()
    new = Message.objects.exclude(pk=answered.pk).get(parent=answered.parent)
    assert f'id="message-{new.pk}"' in fragment
    Message.objects.filter(pk=new.pk).update(state=Message.State.COMPLETE, content="Otherwise.")
    page = url("conversation-detail", answered.conversation_id)
    assert "2 / 2" in client_ada.get(page).content.decode()
    client_ada.post(url("branch-select", answered.conversation_id), {"message": str(answered.pk)})
    shown = client_ada.get(page).content.decode()
    assert "1 / 2" in shown
    assert "Otherwise." not in shown


def test_an_edited_question_is_asked_beside_the_old_one(client_ada, answered):
    target = url("message-edit", answered.parent_id)
    assert "Ask again" in client_ada.get(target, headers=HTMX).content.decode()
    assert client_ada.post(target, {"content": " "}, headers=HTMX).status_code == 422
    response = client_ada.post(target, {"content": "Why not?"}, headers=HTMX)
    assert response["HX-Redirect"] == url("conversation-detail", answered.conversation_id)
    assert Message.objects.get(content="Why not?").parent_id == answered.parent.parent_id


def test_a_citation_shows_place_page_and_words(client_ada, answered):
    target = url("citation-detail", answered.pk, 1)
    fragment = client_ada.get(target, headers=HTMX).content.decode()
    assert "So it is written." in fragment
    assert "Pages 3–4 · Rules" in fragment
    assert "<html" not in fragment
    assert "Back to the conversation" in client_ada.get(target).content.decode()
    assert client_ada.get(url("citation-detail", answered.pk, 2)).status_code == 404


def test_rename_by_htmx_and_without(client_ada, conversation):
    target = url("conversation-rename", conversation.pk)
    assert "<html" not in client_ada.get(target, headers=HTMX).content.decode()
    shown = url("conversation-detail", conversation.pk)
    item = client_ada.post(target, {"title": "Rules & more"}, headers=htmx(shown)).content.decode()
    assert "Rules &amp; more" in item
    assert f'id="conversation-{conversation.pk}-heading" hx-swap-oob="true"' in item
    assert client_ada.post(target, {"title": " "}, headers=HTMX).status_code == 422
    assert client_ada.post(target, {"title": "Plain"})["Location"] == shown
    assert "Plain" in client_ada.get(url("conversation-item", conversation.pk), headers=HTMX).content.decode()


def test_delete_asks_first_and_leaves_the_page_only_if_it_is_shown(client_ada, ada, model):
    one, two = conversation_make(ada), conversation_make(ada)
    target = url("conversation-delete", one.pk)
    assert "cannot be undone" in client_ada.get(target, headers=HTMX).content.decode()
    assert "<html" in client_ada.get(target).content.decode()
    response = client_ada.post(target, headers=htmx(url("conversation-detail", two.pk)))
    assert response["HX-Trigger"] == "dialog-close"
    target = url("conversation-delete", two.pk)
    assert client_ada.post(target, headers=htmx(url("conversation-detail", two.pk)))["HX-Redirect"] == "/"
    assert not Conversation.objects.exists()


def test_the_list_is_grouped_by_day_and_searched_by_words(client_ada, ada):
    now = timezone.now()
    for title, days in (("Alpha", 0), ("Beta", 1), ("Gamma", 4), ("Delta", 40)):
        conversation_make(ada, title=title, updated_at=now - timedelta(days=days))
    page = client_ada.get(url("conversation-list")).content.decode()
    assert [label for label in ("Today", "Yesterday", "Previous 7 days", "Older") if f">{label}</h2>" in page] == [
        "Today",
        "Yesterday",
        "Previous 7 days",
        "Older",
    ]
    found = client_ada.get(url("conversation-list"), {"q": "amm"}, headers=HTMX).content.decode()
    assert "Gamma" in found
    assert "Alpha" not in found
    assert "<html" not in found
    nothing = client_ada.get(url("conversation-list"), {"q": "zzz"}, headers=HTMX).content.decode()
    assert "Nothing found for “zzz”." in nothing


def test_older_conversations_come_page_by_page_without_repeating_the_heading(client_ada, ada, workspace):
    now = timezone.now()
    Conversation.objects.bulk_create(
        Conversation(workspace=workspace, owner=ada, title=f"Talk {n}.", updated_at=now - timedelta(days=90, minutes=n))
        for n in range(40)
    )
    first = client_ada.get(url("conversation-list"), headers=HTMX)
    assert first.content.decode().count("conversation-link") == 30
    cursor = first.context["next_cursor"]
    target = url("conversation-list")
    rest = client_ada.get(target, {"cursor": cursor, "last": "Older"}, headers=HTMX).content.decode()
    assert rest.count("conversation-link") == 10
    assert "Older</h2>" not in rest
    assert client_ada.get(target, {"cursor": "nonsense"}, headers=HTMX).status_code == 422


def test_queries_do_not_grow_with_the_list(client_ada, ada, workspace, model, django_assert_num_queries):
    now = timezone.now()
    Conversation.objects.bulk_create(
        Conversation(workspace=workspace, owner=ada, title=f"Talk {n}", updated_at=now) for n in range(25)
    )
    # What is remembered for a while is remembered now.
    client_ada.get("/")
    # Session, user, conversations, shared ones.
    with django_assert_num_queries(4):
        client_ada.get(url("conversation-list"), headers=HTMX)
    # And: documents for the first questions, workspaces with roles, membership, models.
    with django_assert_num_queries(8):
        client_ada.get("/")


def test_queries_do_not_grow_with_the_thread(client_ada, conversation, django_assert_num_queries):
    for _ in range(8):
        reply_make(conversation, content="Yes.", state=Message.State.COMPLETE)
    client_ada.get("/")
    # Session, user, conversation, branch, citations, versions, ratings, sidebar, shared ones, workspaces with roles,
    # membership, models.
    with django_assert_num_queries(12):
        client_ada.get(url("conversation-detail", conversation.pk))


def doors(reply):
    conversation = reply.conversation_id
    return [
        ("get", url("conversation-detail", conversation), {}),
        ("get", url("conversation-item", conversation), {}),
        ("get", url("conversation-rename", conversation), {}),
        ("post", url("conversation-rename", conversation), {"title": "Mine"}),
        ("get", url("conversation-delete", conversation), {}),
        ("post", url("conversation-delete", conversation), {}),
        ("post", url("message-create", conversation), {"content": "Hello"}),
        ("post", url("reply-stop", conversation), {}),
        ("post", url("branch-select", conversation), {"message": str(reply.pk)}),
        ("get", url("message-detail", reply.pk), {}),
        ("get", url("message-edit", reply.parent_id), {}),
        ("post", url("message-edit", reply.parent_id), {"content": "Hello"}),
        ("post", url("reply-regenerate", reply.pk), {}),
        ("get", url("message-frames", reply.pk), {}),
        ("get", url("citation-detail", reply.pk, 1), {}),
    ]


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
def test_nobody_else_gets_in(client_ben, client_vera, client_cleo, answered, headers):
    before = Message.objects.count()
    for client in (client_ben, client_vera, client_cleo):
        for method, target, data in doors(answered):
            response = getattr(client, method)(target, data, headers=headers)
            assert response.status_code == 404, (method, target)
            assert b"rules.pdf" not in response.content
    assert Message.objects.count() == before
    assert Conversation.objects.filter(pk=answered.conversation_id, title="").exists()


def test_branch_of_another_conversation_is_refused(client_ada, ada, answered):
    other = conversation_make(ada)
    target = url("branch-select", other.pk)
    assert client_ada.post(target, {"message": str(answered.pk)}).status_code == 404


def test_pages_allow_no_script_of_others(client_ada, conversation):
    policy = client_ada.get(url("conversation-detail", conversation.pk))["Content-Security-Policy"]
    assert "style-src 'self'" in policy
    assert "unsafe" not in policy
