"""The project's own app: it holds wiring and the `prepare` command, no models."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig as DjangoAdminConfig
from typing_extensions import override


class ChatbotConfig(AppConfig):
    name = "chatbot"

    @override
    def ready(self) -> None:
        # Every process that publishes or runs tasks needs the Celery app that `shared_task` binds to.
        from chatbot import celery, checks  # noqa: F401


class AdminConfig(DjangoAdminConfig):
    """Django's admin with our own site."""

    default_site = "chatbot.admin_site.AdminSite"
