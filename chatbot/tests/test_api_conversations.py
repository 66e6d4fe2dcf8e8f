"""The API of conversations: shapes, who may what, bad input, keys that repeat."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client

from apps.accounts.models import IdempotentRequest
from apps.conversations.models import Conversation, Message
from apps.conversations.tests.factories import conversation_make, message_make, reply_make
from chatbot.tests.api import Api, problem_assert

CONVERSATION = {
    "id", "title", "model", "system_prompt", "use_documents", "collection_ids", "document_ids", "params", "is_pinned",
    "is_archived", "created_at", "updated_at", "workspace_id", "is_own",
}  # fmt: skip
MESSAGE = {
    "id", "conversation_id", "parent_id", "role", "content", "state", "sequence", "model", "usage", "finish_reason",
    "error", "is_unanswered", "support_share", "use_documents", "marks", "citations", "created_at", "finished_at",
}  # fmt: skip


@pytest.fixture
def ada_api(client_ada):
    return Api(client_ada)


@pytest.fixture
def talk(ada, chat_model):
    """Ada's conversation with one answered question."""
    conversation = conversation_make(ada, model=chat_model, title="Engines")
    reply_make(conversation, state=Message.State.COMPLETE, content="Because.", finish_reason="stop", phase="")
    return conversation


def test_a_conversation_is_begun_read_changed_and_deleted(ada_api, chat_model):
    made = ada_api(
        "post",
        "/conversations",
        {"title": "  Engines ", "model": chat_model.name, "system_prompt": "Be brief.", "use_documents": False,
         "params": {"temperature": 0.2}},
    )  # fmt: skip
    assert made.status_code == 201
    body = made.json()
    assert set(body) == CONVERSATION
    assert (body["title"], body["model"], body["params"]) == ("Engines", str(chat_model.pk), {"temperature": 0.2})
    path = f"/conversations/{body['id']}"
    assert ada_api("get", path).json() == {**body, "messages": []}
    changed = ada_api("put", path, {"title": "Looms", "is_pinned": True, "model": None}).json()
    assert (changed["title"], changed["is_pinned"], changed["model"]) == ("Looms", True, None)
    assert changed["system_prompt"] == "Be brief."
    assert ada_api("delete", path).status_code == 204
    problem_assert(ada_api("get", path), 404, "not_found")


def test_an_empty_body_begins_a_conversation_with_defaults(ada_api, db):
    body = ada_api("post", "/conversations", {"title": None, "params": None}).json()
    assert (body["title"], body["model"], body["use_documents"], body["params"]) == ("", None, True, {})


def test_the_list_goes_by_pages_newest_first_and_shows_only_my_own(ada_api, ada, ben, workspace):
    rows = [conversation_make(ada, title=f"Talk {number}") for number in range(5)]
    conversation_make(ben, title="Ben's")
    first = ada_api("get", "/conversations?limit=3").json()
    second = ada_api("get", f"/conversations?limit=3&cursor={first['next']}").json()
    assert set(first["items"][0]) == CONVERSATION
    assert [item["id"] for item in first["items"] + second["items"]] == [str(row.pk) for row in reversed(rows)]
    assert (len(first["items"]), second["next"]) == (3, None)


def test_the_list_is_searched_and_filtered(ada_api, ada):
    engines = conversation_make(ada, title="Engines", is_pinned=True)
    message_make(conversation_make(ada, title="Other", is_archived=True), content="About looms")
    ids = lambda query: [item["title"] for item in ada_api("get", f"/conversations?{query}").json()["items"]]  # noqa: E731
    assert ids("q=engine") == [engines.title]
    assert ids("q=LOOMS") == ["Other"]
    assert ids("pinned=true") == ["Engines"]
    assert ids("archived=false") == ["Engines"]


def test_messages_come_as_the_shown_branch_or_as_a_tree(ada_api, talk):
    other = message_make(talk, talk.leaf.parent, role="assistant", content="Otherwise.", state="complete")
    path = f"/conversations/{talk.pk}"
    branch = ada_api("get", path).json()["messages"]
    assert [message["content"] for message in branch] == ["Why?", "Otherwise."]
    assert set(branch[0]) == MESSAGE
    assert (branch[1]["id"], branch[1]["parent_id"]) == (str(other.pk), branch[0]["id"])
    assert len(ada_api("get", f"{path}?tree=1").json()["messages"]) == 3


def test_a_question_answers_202_with_both_messages_where_json_is_wanted(ada_api, talk):
    sent = ada_api("post", f"/conversations/{talk.pk}/messages", {"content": "And then?"}, Accept="application/json")
    assert sent.status_code == 202
    question, reply = sent.json()["user_message"], sent.json()["reply"]
    assert set(question) == set(reply) == MESSAGE
    assert (question["role"], question["content"], question["state"]) == ("user", "And then?", "complete")
    assert (reply["role"], reply["state"], reply["parent_id"]) == ("assistant", "queued", question["id"])


def test_a_reply_is_regenerated_and_stopped(ada_api, talk):
    body = {"message_id": str(talk.leaf_id)}
    again = ada_api("post", f"/conversations/{talk.pk}/regenerate", body, Accept="application/json").json()
    assert again["user_message"]["content"] == "Why?"
    stopped = ada_api("post", f"/conversations/{talk.pk}/stop")
    assert (stopped.status_code, stopped.json()) == (200, {"stopped": [again["reply"]["id"]]})
    assert Message.objects.get(pk=again["reply"]["id"]).state == "stopped"
    assert ada_api("post", f"/conversations/{talk.pk}/stop").json() == {"stopped": []}


def test_a_second_question_while_the_reply_is_open_is_refused(ada_api, talk):
    path = f"/conversations/{talk.pk}/messages"
    ada_api("post", path, {"content": "One"}, Accept="application/json")
    problem_assert(ada_api("post", path, {"content": "Two"}, Accept="application/json"), 409, "reply_open")


def doors(talk):
    path = f"/conversations/{talk.pk}"
    return [
        ("get", path, None),
        ("get", f"{path}?tree=1", None),
        ("put", path, {"title": "Mine"}),
        ("put", path, {"model": "made up"}),
        ("delete", path, None),
        ("post", f"{path}/messages", {"content": "Hello"}),
        ("post", f"{path}/regenerate", {"message_id": str(talk.leaf_id)}),
        ("post", f"{path}/stop", None),
        ("get", f"{path}/stream", None),
        ("get", f"{path}/stream?message_id={talk.leaf_id}", None),
    ]


@pytest.mark.parametrize("who", ["ben", "cleo", "vera"])
def test_nobody_else_gets_at_a_conversation(request, talk, who):
    api = Api(request.getfixturevalue(f"client_{who}"))
    for method, path, body in doors(talk):
        problem_assert(api(method, path, body), 404, "not_found")
    talk.refresh_from_db()
    assert (talk.title, talk.messages.count()) == ("Engines", 2)


def test_a_former_member_has_lost_it(ada_api, ada, talk):
    ada.memberships.all().delete()
    for method, path, body in doors(talk):
        problem_assert(ada_api(method, path, body), 404)


def test_my_conversation_does_not_open_other_peoples_messages(client_ben, ben, chat_model, talk):
    mine = conversation_make(ben)
    reply_make(mine, state=Message.State.COMPLETE)
    api = Api(client_ben)
    problem_assert(api("get", f"/conversations/{mine.pk}/stream?message_id={talk.leaf_id}"), 404)
    regenerate = f"/conversations/{mine.pk}/regenerate"
    problem_assert(api("post", regenerate, {"message_id": str(talk.leaf_id)}), 404)
    messages = f"/conversations/{mine.pk}/messages"
    problem_assert(api("post", messages, {"content": "x", "parent_id": str(talk.leaf_id)}), 404)


def test_a_viewer_reads_and_does_not_ask(client_vera, chat_model):
    problem_assert(Api(client_vera)("post", "/conversations", {}), 403, "forbidden")
    assert Api(client_vera)("get", "/conversations").json() == {"items": [], "next": None}


def test_what_does_not_exist_is_not_found(ada_api, chat_model):
    for method, path, body in doors(Conversation(pk=uuid4(), leaf_id=uuid4())):
        problem_assert(ada_api(method, path, body), 404)
    problem_assert(ada_api("get", "/conversations/not-a-key"), 404)


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("post", "/conversations", {"title": "x" * 201}, "title"),
        ("post", "/conversations", {"title": "a\x00b"}, "title"),
        ("post", "/conversations", {"title": 5}, "title"),
        ("post", "/conversations", {"model": "made up"}, "model"),
        ("post", "/conversations", {"params": {"temperature": 9}}, "params.temperature"),
        ("post", "/conversations", {"document_ids": ["x"]}, "document_ids.0"),
        ("put", "/conversations/{id}", {"title": None}, "title"),
        ("put", "/conversations/{id}", {"is_pinned": "perhaps"}, "is_pinned"),
        ("post", "/conversations/{id}/messages", {}, "content"),
        ("post", "/conversations/{id}/messages", {"content": " \n"}, "content"),
        ("post", "/conversations/{id}/messages", {"content": "x" * 200_001}, "content"),
        ("post", "/conversations/{id}/messages", {"content": "x", "parent_id": "y"}, "parent_id"),
        ("post", "/conversations/{id}/messages", {"content": "x", "model": "made up"}, "model"),
        ("post", "/conversations/{id}/regenerate", {}, "message_id"),
        ("get", "/conversations/{id}/stream?after=-1", None, "after"),
        ("get", "/conversations?limit=0", None, "limit"),
        ("get", "/conversations?limit=101", None, "limit"),
        ("get", "/conversations?cursor=nonsense", None, "cursor"),
        ("get", "/conversations?pinned=perhaps", None, "pinned"),
    ],
)
def test_bad_input_answers_422_with_the_field(ada_api, talk, method, path, body, field):
    problem = problem_assert(ada_api(method, path.format(id=talk.pk), body), 422, "invalid")
    assert [error["field"] for error in problem["errors"]] == [field]
    assert all(error["message"] for error in problem["errors"])


def test_a_body_that_is_no_json_answers_400(client_ada):
    answer = client_ada.post("/api/v1/conversations", "{", content_type="application/json")
    problem_assert(answer, 400, "bad_request")


def test_a_stranger_place_in_the_stream_answers_422(ada_api, talk):
    answer = ada_api("get", f"/conversations/{talk.pk}/stream", Last_Event_ID="nonsense")
    problem_assert(answer, 422, "invalid")


def test_without_a_model_asking_answers_503(ada_api, ada):
    talk = conversation_make(ada)
    problem_assert(ada_api("post", f"/conversations/{talk.pk}/messages", {"content": "x"}), 503, "no_model")


def test_a_repeated_key_begins_one_conversation(ada_api, db):
    one, two = (ada_api("post", "/conversations", {"title": "A"}, Idempotency_Key="k1") for _ in range(2))
    assert (one.status_code, two.status_code) == (201, 201)
    assert one.json() == two.json()
    assert Conversation.objects.count() == 1


def test_a_key_with_another_body_is_refused(ada_api, db):
    ada_api("post", "/conversations", {"title": "A"}, Idempotency_Key="k1")
    again = ada_api("post", "/conversations", {"title": "B"}, Idempotency_Key="k1")
    problem_assert(again, 422, "idempotency_key_reused")


def test_keys_are_everyones_own(ada_api, client_ben):
    ada_api("post", "/conversations", {"title": "A"}, Idempotency_Key="k1")
    assert Api(client_ben)("post", "/conversations", {"title": "B"}, Idempotency_Key="k1").status_code == 201
    assert Conversation.objects.count() == 2


def test_a_failure_leaves_its_key_free(ada_api, talk):
    path = f"/conversations/{talk.pk}/messages"
    ada_api("post", path, {"content": "One"}, Accept="application/json")
    problem_assert(ada_api("post", path, {"content": "Two"}, Accept="application/json", Idempotency_Key="k"), 409)
    Message.objects.filter(state="queued").update(state="complete")
    sent = ada_api("post", path, {"content": "Two"}, Accept="application/json", Idempotency_Key="k")
    assert sent.status_code == 202


@pytest.mark.parametrize("key", ["", "x" * 201, "a\tb"])
def test_a_bad_key_answers_422(ada_api, db, key):
    problem_assert(ada_api("post", "/conversations", {}, Idempotency_Key=key), 422)
    assert not IdempotentRequest.objects.exists()


def test_keys_end_after_a_day(ada_api, db):
    from datetime import timedelta

    from django.utils import timezone

    ada_api("post", "/conversations", {"title": "A"}, Idempotency_Key="k1")
    IdempotentRequest.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert ada_api("post", "/conversations", {"title": "B"}, Idempotency_Key="k1").json()["title"] == "B"


def test_the_same_key_at_the_same_time_asks_once(transactional_db, ada, chat_model):
    talk = conversation_make(ada, model=chat_model)

    def send(_):
        client = Client()
        client.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
        try:
            path = f"/conversations/{talk.pk}/messages"
            return Api(client)("post", path, {"content": "Once?"}, Accept="application/json", Idempotency_Key="k")
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(send, range(4)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["reply"]["id"] for answer in answers}) == 1
    assert talk.messages.count() == 2
