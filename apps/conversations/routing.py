"""Websocket addresses."""

from typing import Any

from django.urls import path

from apps.conversations.consumers import ReplyConsumer

websocket_urlpatterns: list[Any] = [path("ws/messages/<uuid:message_id>/", ReplyConsumer.as_asgi())]
