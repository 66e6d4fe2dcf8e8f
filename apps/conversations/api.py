"""Conversations for programs: the same services as the pages, replies as server-sent events or JSON."""

from typing import Any, cast
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import connection
from django.http import HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from ninja import Query, Router, Status

from apps.accounts.access import access_of
from apps.accounts.api.workspaces import GranteeIn, GranteesOut
from apps.accounts.idempotency import idempotent_run
from apps.accounts.models import User
from apps.accounts.permissions import grants_on
from apps.accounts.types import ApiRequest
from apps.conversations import selectors, services, sharing
from apps.conversations.api_types import (
    ConversationIn,
    ConversationOut,
    ConversationQuery,
    ConversationUpdateIn,
    ConversationWithMessagesOut,
    MessageIn,
    RegenerateIn,
    SentOut,
    StopOut,
    StreamQuery,
    conversation_out,
    conversation_with_messages_out,
    message_out,
)
from apps.conversations.cited import citations_prefetch
from apps.conversations.guarding import message_guard
from apps.conversations.models import Message
from apps.conversations.sse import event_id_read, reply_sse
from apps.llm.selectors import models_available_to
from chatbot.lib.api_types import PageOut, accepts_json_only
from chatbot.lib.errors import NotFoundError, ValidationFailedError
from chatbot.lib.pagination import page_of

router = Router(tags=["conversations"])

_STREAM_DESCRIPTION = {
    "responses": {
        200: {
            "description": "Events status, token, citation, reset, done, error; each id is `<message id>:<sequence>`.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        }
    }
}


@router.get("", response=PageOut[ConversationOut], summary="My conversations, newest first")
def conversation_list(request: ApiRequest, query: Query[ConversationQuery]) -> dict[str, Any]:
    """Of the workspace I work in; with `shared=true` those that others share with me."""
    if query.shared:
        rows = selectors.conversations_shared_with(user=request.auth, query=query.q or "")
    else:
        rows = selectors.conversation_list(
            user=request.auth, query=query.q or "", is_pinned=query.pinned, is_archived=query.archived
        )
    page = page_of(rows, order="updated_at", cursor=query.cursor, limit=query.limit)
    return {"items": [conversation_out(row, reader=request.auth) for row in page.items], "next": page.next}


@router.post("", response={201: ConversationOut}, summary="Begin a conversation")
def conversation_create(request: ApiRequest, body: ConversationIn) -> Status[Any]:
    def work() -> dict[str, Any]:
        conversation = services.conversation_create(actor=request.auth, **_fields_new(request.auth, body))
        return {"id": str(conversation.pk)}

    made = idempotent_run(request=request, user=request.auth, work=work)
    row = selectors.conversation_require(user=request.auth, conversation_id=UUID(made["id"]))
    return Status(201, conversation_out(row, reader=request.auth))


@router.get("/{uuid:conversation_id}", response=ConversationWithMessagesOut, summary="One conversation")
def conversation_detail(request: ApiRequest, conversation_id: UUID, tree: bool = False) -> dict[str, Any]:
    """With the messages of the branch that is shown, or with `tree=1` all of them. Mine, or shared with me."""
    row = selectors.conversation_readable_require(user=request.auth, conversation_id=conversation_id)
    read = selectors.tree_of if tree else selectors.branch_of
    messages = read(row, user=request.auth)
    return conversation_with_messages_out(row, messages, reader=request.auth)


@router.put("/{uuid:conversation_id}", response=ConversationOut, summary="Change what is given")
def conversation_update(request: ApiRequest, conversation_id: UUID, body: ConversationUpdateIn) -> dict[str, Any]:
    # First, so that a stranger learns nothing from what is wrong with the fields.
    selectors.conversation_require(user=request.auth, conversation_id=conversation_id)
    fields = _fields_changed(request.auth, body)
    row = services.conversation_update(actor=request.auth, conversation_id=conversation_id, **fields)
    return conversation_out(row, reader=request.auth)


@router.delete("/{uuid:conversation_id}", response={204: None}, summary="Delete with all messages")
def conversation_delete(request: ApiRequest, conversation_id: UUID) -> HttpResponse:
    services.conversation_delete(actor=request.auth, conversation_id=conversation_id)
    return HttpResponse(status=204)


@router.get("/{uuid:conversation_id}/grants", response=GranteesOut, summary="Whom it is shared with")
def grant_list(request: ApiRequest, conversation_id: UUID) -> dict[str, Any]:
    conversation = sharing.conversation_shareable(user=request.auth, conversation_id=conversation_id)
    return {"items": grants_on(target=conversation)}


@router.post("/{uuid:conversation_id}/grants", response={201: GranteesOut}, summary="Let a person or a group read it")
def grant_create(request: ApiRequest, conversation_id: UUID, body: GranteeIn) -> Status[Any]:
    """All of it, other versions of questions and answers too, now and as it goes on. Sharing twice is no error."""
    sharing.conversation_share(actor=request.auth, conversation_id=conversation_id, grantee_id=body.grantee_id)
    return Status(201, grant_list(request, conversation_id))


@router.delete("/{uuid:conversation_id}/grants/{uuid:grantee_id}", response={204: None}, summary="Stop sharing")
def grant_delete(request: ApiRequest, conversation_id: UUID, grantee_id: UUID) -> HttpResponse:
    """`grantee_id`: the key of the person or group."""
    sharing.conversation_unshare(actor=request.auth, conversation_id=conversation_id, grantee_id=grantee_id)
    return HttpResponse(status=204)


@router.post(
    "/{uuid:conversation_id}/messages",
    response={202: SentOut},
    openapi_extra=_STREAM_DESCRIPTION,
    summary="Ask; the reply streams",
)
async def message_send(request: ApiRequest, conversation_id: UUID, body: MessageIn) -> HttpResponseBase:
    """Server-sent events of the reply, or with `Accept: application/json` 202 with both messages at once.

    Hanging up stops nothing: the reply goes on and `stream` picks it up again.
    """

    def work() -> dict[str, Any]:
        question, reply = services.message_send(
            actor=request.auth,
            conversation_id=conversation_id,
            content=body.content,
            parent_id=body.parent_id,
            model_id=_model_id(request.auth, body.model),
        )
        return {"user_message": str(question.pk), "reply": str(reply.pk)}

    return await _reply_response(request, work)


@router.post(
    "/{uuid:conversation_id}/regenerate",
    response={202: SentOut},
    openapi_extra=_STREAM_DESCRIPTION,
    summary="Another reply to the same question",
)
async def reply_regenerate(request: ApiRequest, conversation_id: UUID, body: RegenerateIn) -> HttpResponseBase:
    def work() -> dict[str, Any]:
        reply = services.reply_regenerate(
            actor=request.auth,
            conversation_id=conversation_id,
            message_id=body.message_id,
            model_id=_model_id(request.auth, body.model),
            use_documents=body.use_documents,
        )
        return {"user_message": str(reply.parent_id), "reply": str(reply.pk)}

    return await _reply_response(request, work)


@router.post("/{uuid:conversation_id}/stop", response=StopOut, summary="Stop the reply")
def reply_stop(request: ApiRequest, conversation_id: UUID) -> dict[str, Any]:
    """The text so far stays. Nothing being written is no error."""
    return {"stopped": services.reply_stop(actor=request.auth, conversation_id=conversation_id)}


@router.get(
    "/{uuid:conversation_id}/stream",
    response={200: None},
    openapi_extra=_STREAM_DESCRIPTION,
    summary="A reply's events, from any place on",
)
async def reply_stream(request: ApiRequest, conversation_id: UUID, query: Query[StreamQuery]) -> HttpResponseBase:
    """After the place in `after`, else in `Last-Event-ID`, else from the beginning; by default the last reply."""
    message_id, after = await sync_to_async(_stream_place)(request, conversation_id, query)
    return _sse_response(request, message_id, after)


async def _reply_response(request: ApiRequest, work: Any) -> HttpResponseBase:
    wants_json = accepts_json_only(request)

    def start() -> tuple[UUID, dict[str, Any] | None]:
        made = idempotent_run(request=request, user=request.auth, work=work)
        sent = _sent(request.auth, made) if wants_json else None
        _connection_release()
        return UUID(made["reply"]), sent

    reply_id, sent = await sync_to_async(start)()
    if sent is not None:
        return JsonResponse(SentOut.model_validate(sent).model_dump(mode="json"), status=202)
    return _sse_response(request, reply_id, None, is_new=True)


def _sent(user: User, made: dict[str, Any]) -> dict[str, Any]:
    messages = [selectors.message_require(user=user, message_id=UUID(made[name])) for name in ("user_message", "reply")]
    citations_prefetch(messages, user=user)
    question, reply = map(message_out, messages)
    return {"user_message": question, "reply": reply}


def _sse_response(
    request: ApiRequest, message_id: UUID, after: int | None, *, is_new: bool = False
) -> StreamingHttpResponse:
    guard = message_guard(access_of(request, user=request.auth), message_id)
    return StreamingHttpResponse(
        reply_sse(user=request.auth, message_id=message_id, after=after, is_new=is_new, guard=guard),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )


def _connection_release() -> None:
    """Give the pooled connection back: a stream lives for minutes, and Django would keep it until its end."""
    if not connection.in_atomic_block:
        connection.close()


def _stream_place(request: ApiRequest, conversation_id: UUID, query: StreamQuery) -> tuple[UUID, int | None]:
    """Which reply, and the sequence number after which its events are wanted.

    Raises NotFoundError, and ValidationFailedError for a Last-Event-ID that is not one of ours.
    """
    conversation = selectors.conversation_readable_require(user=request.auth, conversation_id=conversation_id)
    last_event = request.headers.get("Last-Event-ID")
    last_message, last_sequence = event_id_read(last_event) if last_event else (None, None)
    message_id = query.message_id or last_message or conversation.leaf_id
    if message_id is None:
        raise NotFoundError("There is no reply in this conversation yet.")
    message = selectors.message_readable_require(user=request.auth, message_id=message_id)
    if message.conversation_id != conversation.pk or message.role != Message.Role.ASSISTANT:
        raise NotFoundError
    after = query.after
    if after is None and last_message == message.pk:
        after = last_sequence
    _connection_release()
    return message.pk, after


def _fields_new(user: User, body: ConversationIn) -> services.ConversationFields:
    """What was given, as the service names it; null stands for the default."""
    fields = body.model_dump(exclude_none=True)
    if "model" in fields:
        fields["model_id"] = _model_id(user, fields.pop("model"))
    return cast("services.ConversationFields", fields)


def _fields_changed(user: User, body: ConversationUpdateIn) -> services.ConversationFields:
    """What was given, and only that; the one thing that can be taken away is the model."""
    fields = body.model_dump(exclude_unset=True)
    if "model" in fields:
        fields["model_id"] = _model_id(user, fields.pop("model"))
    empty = [name for name, value in fields.items() if value is None and name != "model_id"]
    if empty:
        raise ValidationFailedError(errors=dict.fromkeys(empty, "must not be null"))
    return cast("services.ConversationFields", fields)


def _model_id(user: User, model: str | None) -> UUID | None:
    """The key of a model given by id or name. Raises ValidationFailedError for one the person does not have."""
    if model is None:
        return None
    for profile in models_available_to(user=user):
        if model in {str(profile.pk), profile.name}:
            return profile.pk
    raise ValidationFailedError(errors={"model": "There is no such model. See GET /models."})
