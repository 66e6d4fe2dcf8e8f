from django.apps import AppConfig
from typing_extensions import override


class ConversationsConfig(AppConfig):
    name = "apps.conversations"

    @override
    def ready(self) -> None:
        from apps.accounts.permissions import grants_follow
        from apps.conversations.evaluation import answer_once, collection_statistics
        from apps.conversations.models import Conversation
        from apps.rag.evaluation.answering import answerer_register
        from apps.rag.evaluation.statistics import statistics_register

        grants_follow(Conversation)
        answerer_register(answer_once)
        statistics_register(collection_statistics)
