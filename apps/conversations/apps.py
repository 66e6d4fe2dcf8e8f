from django.apps import AppConfig
from typing_extensions import override


class ConversationsConfig(AppConfig):
    name = "apps.conversations"

    @override
    def ready(self) -> None:
        from apps.accounts.permissions import grants_follow
        from apps.conversations.models import Conversation

        grants_follow(Conversation)
