"""Conversations and questions: who may, what is stored, what is refused."""

from uuid import uuid4

import pytest

from apps.audit.models import Event
from apps.conversations.exceptions import ReplyOpenError
from apps.conversations.models import Conversation, Message
from apps.conversations.selectors import (
    branch_of,
    citation_require,
    conversation_for_question,
    conversation_list,
    conversation_require,
    conversations_of,
    message_require,
    siblings_of,
)
from apps.conversations.services import (
    branch_select,
    conversation_create,
    conversation_delete,
    conversation_update,
    message_send,
    reply_regenerate,
    reply_stop,
    title_from,
)
from apps.conversations.tests.factories import conversation_make, message_make, reply_make
from apps.documents.models import Document
from apps.llm.exceptions import NoModelError
from apps.llm.models import ModelProfile
from chatbot.lib.errors import ForbiddenError, NotFoundError, ValidationFailedError

pytestmark = pytest.mark.django_db


@pytest.fixture
def answered(conversation) -> Message:
    """A finished reply in ada's conversation."""
    return reply_make(conversation, state="complete", content="Because.")


def send(actor, conversation, content="Why?", **arguments):
    return message_send(actor=actor, conversation_id=conversation.pk, content=content, **arguments)


def test_question_and_reply_are_stored(ada, conversation, model):
    question, reply = send(ada, conversation, "Why is the sky blue?")
    question.refresh_from_db()
    reply.refresh_from_db()
    assert (question.role, question.content, question.state, question.parent_id) == (
        "user",
        "Why is the sky blue?",
        "complete",
        None,
    )
    assert (reply.role, reply.content, reply.state, reply.phase) == ("assistant", "", "queued", "queued")
    assert (reply.parent_id, reply.model_id, reply.model_name) == (question.pk, model.pk, model.name)
    assert reply.workspace_id == question.workspace_id == conversation.workspace_id
    before = conversation.updated_at
    conversation.refresh_from_db()
    assert conversation.leaf_id == reply.pk
    assert conversation.updated_at > before
    assert conversation.title == "Why is the sky blue?"


def test_worker_is_woken_on_commit_only(ada, conversation, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as callbacks:
        send(ada, conversation)
    assert len(callbacks) == 1


def test_question_is_audited_without_its_text(ada, conversation):
    question, reply = send(ada, conversation, "My secret disease?")
    event = Event.objects.get(action="question_asked")
    assert event.target_id == str(question.pk)
    assert event.data["reply_id"] == str(reply.pk)
    assert "secret" not in str(vars(event))


def test_question_costs_few_queries(ada, conversation, django_assert_num_queries):
    # Savepoint and release stand for begin and commit, which every transaction has.
    with django_assert_num_queries(6 + 2):
        send(ada, conversation)


def test_next_question_follows_the_reply(ada, conversation, answered):
    question, _ = send(ada, conversation)
    assert question.parent_id == answered.pk


def test_title_stays(ada, conversation, answered):
    conversation_update(actor=ada, conversation_id=conversation.pk, title="Sky")
    send(ada, conversation, "And at night?")
    conversation.refresh_from_db()
    assert conversation.title == "Sky"


@pytest.mark.parametrize("state", ["queued", "running"])
def test_open_reply_refuses_a_second_question(ada, conversation, state):
    reply = reply_make(conversation, state=state)
    with pytest.raises(ReplyOpenError) as error:
        send(ada, conversation)
    assert error.value.status == 409
    with pytest.raises(ReplyOpenError):
        send(ada, conversation, parent_id=reply.pk)
    with pytest.raises(ReplyOpenError):
        reply_regenerate(actor=ada, conversation_id=conversation.pk, message_id=reply.pk)


def test_edited_question_is_a_sibling(ada, conversation, answered):
    first = answered.parent
    edited, reply = send(ada, conversation, "Why not?", parent_id=first.pk)
    assert edited.parent_id is None
    conversation.refresh_from_db()
    assert [message.pk for message in branch_of(conversation, user=conversation.owner)] == [edited.pk, reply.pk]
    assert siblings_of([edited]) == {edited.pk: [first.pk, edited.pk]}


def test_question_may_follow_an_older_reply(ada, conversation, answered):
    send(ada, conversation)
    Message.objects.filter(state="queued").update(state="complete")
    question, _ = send(ada, conversation, parent_id=answered.pk)
    assert question.parent_id == answered.pk


def test_regenerated_reply_is_a_sibling(ada, conversation, answered):
    reply = reply_regenerate(actor=ada, conversation_id=conversation.pk, message_id=answered.pk)
    assert reply.parent_id == answered.parent_id
    assert reply.state == "queued"
    conversation.refresh_from_db()
    assert conversation.leaf_id == reply.pk


def test_branch_can_be_shown_again(ada, conversation, answered):
    reply_regenerate(actor=ada, conversation_id=conversation.pk, message_id=answered.pk)
    shown = branch_select(actor=ada, conversation_id=conversation.pk, message_id=answered.pk)
    assert shown.leaf_id == answered.pk
    with pytest.raises(NotFoundError):
        branch_select(actor=ada, conversation_id=conversation.pk, message_id=uuid4())


def test_branch_is_in_order(ada, conversation, answered):
    question, reply = send(ada, conversation)
    conversation.refresh_from_db()
    keys = [message.pk for message in branch_of(conversation, user=conversation.owner)]
    assert keys == [answered.parent_id, answered.pk, question.pk, reply.pk]


@pytest.mark.parametrize("content", ["", "  \n", "\x00"])
def test_empty_question_is_refused(ada, conversation, content):
    with pytest.raises(ValidationFailedError) as error:
        send(ada, conversation, content)
    assert "content" in error.value.errors


def test_over_long_question_is_refused(ada, conversation):
    with pytest.raises(ValidationFailedError):
        send(ada, conversation, "a" * 200_001)


def test_model_of_the_question_wins_then_the_conversations_then_the_default(ada, conversation, model):
    other = ModelProfile.objects.create(endpoint="ollama", name="other", title="Other", abilities=["chat"])
    _, reply = send(ada, conversation, model_id=other.pk)
    assert reply.model_id == other.pk
    Message.objects.update(state="complete")
    conversation_update(actor=ada, conversation_id=conversation.pk, model_id=other.pk)
    other.is_enabled = False
    other.save()
    _, reply = send(ada, conversation)
    assert reply.model_id == model.pk


def test_without_any_model_there_is_a_clear_error(ada, conversation, model):
    model.is_enabled = False
    model.save()
    with pytest.raises(NoModelError):
        send(ada, conversation)
    assert not Message.objects.exists()


def test_viewer_may_not_ask(vera, model):
    with pytest.raises(ForbiddenError):
        conversation_create(actor=vera)
    with pytest.raises(ForbiddenError):
        send(vera, conversation_make(vera, model=model))


def test_strangers_and_colleagues_see_nothing(ada, ben, cleo, conversation, answered):
    for person in (ben, cleo):
        assert not conversations_of(user=person).exists()
        for refused in (
            lambda person=person: conversation_for_question(user=person, conversation_id=conversation.pk),
            lambda person=person: conversation_require(user=person, conversation_id=conversation.pk),
            lambda person=person: message_require(user=person, message_id=answered.pk),
            lambda person=person: citation_require(user=person, message_id=answered.pk, index=1),
            lambda person=person: send(person, conversation),
            lambda person=person: reply_regenerate(
                actor=person, conversation_id=conversation.pk, message_id=answered.pk
            ),
            lambda person=person: reply_stop(actor=person, conversation_id=conversation.pk),
            lambda person=person: branch_select(actor=person, conversation_id=conversation.pk, message_id=answered.pk),
            lambda person=person: conversation_update(actor=person, conversation_id=conversation.pk, title="Mine"),
            lambda person=person: conversation_delete(actor=person, conversation_id=conversation.pk),
        ):
            with pytest.raises(NotFoundError):
                refused()
    assert conversations_of(user=ada).get() == conversation


def test_message_of_another_conversation_is_no_parent(ada, ben, conversation, model):
    foreign = reply_make(conversation_make(ben, model=model), state="complete")
    own_other = reply_make(conversation_make(ada, model=model), state="complete")
    for message in (foreign, own_other):
        with pytest.raises(NotFoundError):
            send(ada, conversation, parent_id=message.pk)
        with pytest.raises(NotFoundError):
            reply_regenerate(actor=ada, conversation_id=conversation.pk, message_id=message.pk)


def test_who_left_the_workspace_sees_nothing(ada, conversation):
    ada.memberships.all().delete()
    assert not conversations_of(user=ada).exists()
    with pytest.raises(NotFoundError):
        send(ada, conversation)


def test_conversation_keeps_what_was_set(ada, model):
    made = conversation_create(
        actor=ada,
        title="  A   title ",
        model_id=model.pk,
        system_prompt="Be brief.",
        use_documents=False,
        params={"temperature": 1, "max_tokens": 100, "top_p": None},
    )
    made.refresh_from_db()
    assert (made.title, made.model_id, made.system_prompt, made.use_documents) == (
        "A title",
        model.pk,
        "Be brief.",
        False,
    )
    assert made.params == {"temperature": 1.0, "max_tokens": 100}
    assert made.workspace == ada.workspaces.get()


@pytest.mark.parametrize(
    "params",
    [{"temperature": 3}, {"top_p": -1}, {"max_tokens": 0}, {"max_tokens": 1.5}, {"temperature": True}, {"seed": 1}],
)
def test_senseless_params_are_refused(ada, params):
    with pytest.raises(ValidationFailedError):
        conversation_create(actor=ada, params=params)


def test_foreign_documents_and_unknown_models_do_not_exist(ada, cleo):
    foreign = Document.objects.create(workspace=cleo.workspaces.get(), owner=cleo, filename="secret.pdf")
    with pytest.raises(NotFoundError):
        conversation_create(actor=ada, document_ids=[foreign.pk])
    with pytest.raises(NotFoundError):
        conversation_create(actor=ada, model_id=uuid4())


def test_update_changes_only_what_is_given(ada, conversation):
    conversation_update(actor=ada, conversation_id=conversation.pk, is_pinned=True)
    conversation.refresh_from_db()
    assert conversation.is_pinned
    assert conversation.model_id is not None


def test_deleted_conversation_is_audited_without_its_title(ada, conversation, answered):
    conversation_update(actor=ada, conversation_id=conversation.pk, title="My secret")
    conversation_delete(actor=ada, conversation_id=conversation.pk)
    assert not Conversation.objects.exists()
    assert not Message.objects.exists()
    event = Event.objects.get(action="conversation_deleted")
    assert event.data == {"messages": 2}
    assert "secret" not in str(vars(event))


def test_search_finds_titles_and_texts(ada, conversation, answered):
    conversation_update(actor=ada, conversation_id=conversation.pk, title="Sky")
    message_make(conversation, content="The ocean")
    assert conversation_list(user=ada, query="sky").get() == conversation
    assert conversation_list(user=ada, query="OCEAN").get() == conversation
    assert not conversation_list(user=ada, query="forest").exists()
    assert not conversation_list(user=ada, is_pinned=True).exists()


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("Why?", "Why?"),
        ("  Two\n lines ", "Two lines"),
        ("word " * 30, ("word " * 12).strip() + "…"),
        ("x" * 100, "x" * 60 + "…"),
        ("One, two, three, four, five, six, seven, eight, nine, ten, eleven", None),
    ],
)
def test_title_is_the_beginning_in_whole_words(question, title):
    made = title_from(question)
    assert len(made) <= 61
    if title:
        assert made == title
    else:
        assert made == "One, two, three, four, five, six, seven, eight, nine, ten…"
