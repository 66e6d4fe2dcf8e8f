from django.apps import AppConfig
from typing_extensions import override


class DocumentsConfig(AppConfig):
    name = "apps.documents"

    @override
    def ready(self) -> None:
        from apps.documents import receivers  # noqa: F401
