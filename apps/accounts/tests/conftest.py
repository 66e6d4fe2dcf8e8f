"""What several tests of accounts need."""

from contextlib import contextmanager

import pytest
from celery import current_app
from celery.signals import before_task_publish
from django.core import mail


@pytest.fixture
def mailed(django_capture_on_commit_callbacks):
    """A context in which mails are asked for; afterwards the worker's part is done and `mail.outbox` holds them."""

    @contextmanager
    def run():
        published = []

        def note(sender, body, **_):
            published.append((sender, body[0]))

        before_task_publish.connect(note)
        try:
            with django_capture_on_commit_callbacks(execute=True):
                yield mail.outbox
        finally:
            before_task_publish.disconnect(note)
        for name, arguments in published:
            if name.startswith("apps.accounts.tasks."):
                current_app.tasks[name].run(*arguments)

    return run
