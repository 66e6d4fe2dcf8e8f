"""Another person's conversations, read under a break-glass access."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from apps.accounts.selectors.break_glass import break_glass_require
from apps.accounts.types import UserRequest
from apps.conversations.break_glass import conversation_read_under, conversations_under
from apps.conversations.rendering import turns_plain
from apps.conversations.selectors import branch_of
from chatbot.lib.pagination import page_of


@require_GET
@never_cache
def break_glass_list(request: UserRequest, access_id: UUID) -> HttpResponse:
    access = break_glass_require(user=request.user, access_id=access_id)
    page = page_of(conversations_under(access), order="updated_at", cursor=request.GET.get("cursor") or None)
    context = {"access": access, "conversations": page.items, "next_cursor": page.next, "settings_section": "people"}
    return render(request, "conversations/break_glass_list.html", context)


@require_GET
@never_cache
def break_glass_read(request: UserRequest, access_id: UUID, conversation_id: UUID) -> HttpResponse:
    access, conversation = conversation_read_under(
        actor=request.user, access_id=access_id, conversation_id=conversation_id
    )
    context = {
        "access": access,
        "conversation": conversation,
        "turns": turns_plain(branch_of(conversation, user=request.user)),
        "settings_section": "people",
    }
    return render(request, "conversations/break_glass_detail.html", context)
