from django.apps import AppConfig
from typing_extensions import override


class AccountsConfig(AppConfig):
    name = "apps.accounts"

    @override
    def ready(self) -> None:
        from apps.accounts import receivers  # noqa: F401
