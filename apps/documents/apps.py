from django.apps import AppConfig
from typing_extensions import override


class DocumentsConfig(AppConfig):
    name = "apps.documents"

    @override
    def ready(self) -> None:
        from apps.accounts.permissions import grants_follow
        from apps.documents import receivers  # noqa: F401
        from apps.documents.models import Collection

        grants_follow(Collection)
