"""Bring the database and what must stand in it up to date. Runs before every start; quick when nothing is due."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.urls import reverse
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from typing_extensions import override

from apps.accounts.services.first_run import administrator_ensure, workspace_default_ensure
from apps.documents.services import sample_load
from apps.llm.services import models_sync
from apps.rag.services import index_profile_ensure
from chatbot.lib.errors import AppError
from chatbot.settings_record import settings_changes_record

# Any fixed number: two starts at the same time prepare one after the other.
_LOCK_ID = 7_061_102_030
# A model server that is slower is noticed by the schedule.
_MODEL_WAIT_SECONDS = 60
# Marks the schedules that come from settings, so that one taken out there goes here too.
_SCHEDULE_MARK = "From the settings."


class Command(BaseCommand):
    help = "Migrates, finds models, ensures the index, the administrator, the sample document and the schedules."

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with _one_at_a_time():
                self._prepare()
        except AppError as error:
            raise CommandError(error.detail or error.title) from error
        except (DatabaseError, redis.RedisError) as error:
            raise CommandError(f"The database or the broker does not answer: {' '.join(str(error).split())}") from error

    def _prepare(self) -> None:
        if _is_behind():
            call_command("migrate", interactive=False, verbosity=0)
        call_command("audit_protect", if_allowed=True, stderr=self.stderr)
        settings_changes_record()
        index_profile_ensure()
        schedules_ensure()
        workspace = workspace_default_ensure()
        token = administrator_ensure()
        sample_load(workspace=workspace)
        # Last, because on a first start the embedded server loads its model meanwhile.
        models_sync(wait_seconds=_MODEL_WAIT_SECONDS)
        if token:
            self.stdout.write(f"setup-link: {reverse('accounts:setup', args=[token])}")


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK_ID])
    try:
        yield
    finally:
        # A pooled connection outlives this command's use of it, and the lock would stay with it.
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK_ID])


def _is_behind() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def schedules_ensure() -> None:
    """The rows that beat reads say what the settings say. Rows that somebody else made are left alone."""
    wanted = settings.CELERY_BEAT_SCHEDULE
    PeriodicTask.objects.filter(description=_SCHEDULE_MARK).exclude(name__in=wanted).delete()
    for name, entry in wanted.items():
        interval, _ = IntervalSchedule.objects.get_or_create(
            every=round(float(str(entry["schedule"]))), period=IntervalSchedule.SECONDS
        )
        row = PeriodicTask.objects.filter(name=name).first() or PeriodicTask(name=name)
        values = {"task": entry["task"], "interval_id": interval.pk, "description": _SCHEDULE_MARK, "enabled": True}
        # Saving tells beat to read everything again, so only what differs is saved.
        if row.pk is None or any(getattr(row, field) != value for field, value in values.items()):
            for field, value in values.items():
                setattr(row, field, value)
            row.save()
