from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from typing_extensions import override

from apps.llm.services import models_sync


class Command(BaseCommand):
    help = "Make the model profiles what the settings and the model servers say."

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--wait", type=float, default=0, help="seconds to wait for the embedded model server")

    @override
    def handle(self, *args: Any, wait: float, **options: Any) -> None:
        result = models_sync(wait_seconds=wait)
        for endpoint in result.silent:
            self.stderr.write(f"{endpoint} does not answer; its models stay as they were.")
        for name in result.served:
            self.stdout.write(f"{name} (default)" if name == result.default else name)
        if result.default is None:
            self.stderr.write("There is no chat model. Configure an endpoint or start the model server.")
