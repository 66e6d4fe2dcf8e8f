from django.apps import AppConfig
from typing_extensions import override


class RagConfig(AppConfig):
    name = "apps.rag"

    @override
    def ready(self) -> None:
        from apps.rag import receivers  # noqa: F401
