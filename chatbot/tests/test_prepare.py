"""`manage.py prepare`: everything that must stand before a start, once and again."""

import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django_celery_beat.models import IntervalSchedule, PeriodicTask, PeriodicTasks

from apps.accounts.models import User, Workspace
from apps.documents.models import Document
from apps.llm.models import ModelProfile
from apps.rag.models import IndexProfile

pytestmark = pytest.mark.django_db


def prepare():
    out = StringIO()
    call_command("prepare", stdout=out)
    return out.getvalue()


def counts():
    return [model.objects.count() for model in (Workspace, Document, IndexProfile, ModelProfile, PeriodicTask, User)]


def test_a_fresh_database_gets_all_that_must_stand(model_server, settings):
    said = prepare()
    assert Workspace.objects.get().name == "My organisation"
    assert Document.objects.count() == 1
    assert IndexProfile.objects.filter(state="live").count() == 1
    assert ModelProfile.objects.get(is_default=True).name == "fake-model"
    wanted = {name: entry["task"] for name, entry in settings.CELERY_BEAT_SCHEDULE.items()}
    assert dict(PeriodicTask.objects.values_list("name", "task")) == wanted
    assert re.fullmatch(r"setup-link: /setup/[\w-]{40,}/\n", said)


def test_the_link_it_prints_works(client, model_server):
    link = prepare().removeprefix("setup-link: ").strip()
    assert client.get(link).status_code == 200


def test_a_second_time_changes_nothing(model_server, settings, django_assert_max_num_queries):
    settings.ADMIN_EMAIL, settings.ADMIN_PASSWORD = "root@example.org", "a long enough passphrase"
    assert prepare() == ""
    before = counts()
    changed = PeriodicTasks.objects.get().last_update
    with django_assert_max_num_queries(60):
        assert prepare() == ""
    assert counts() == before
    assert PeriodicTasks.objects.get().last_update == changed


def test_a_deleted_sample_stays_deleted(model_server):
    prepare()
    Document.objects.all().delete()
    prepare()
    assert not Document.objects.exists()


def test_schedules_follow_the_settings_and_leave_others_alone(model_server, settings):
    prepare()
    PeriodicTask.objects.create(name="mine", task="x", interval=IntervalSchedule.objects.first())
    settings.CELERY_BEAT_SCHEDULE = {"replies-reconcile": {"task": "apps.conversations.tasks.other", "schedule": 7.0}}
    prepare()
    row = PeriodicTask.objects.get(name="replies-reconcile")
    assert (row.task, row.interval.every, row.interval.period) == ("apps.conversations.tasks.other", 7, "seconds")
    assert set(PeriodicTask.objects.values_list("name", flat=True)) == {"replies-reconcile", "mine"}


def test_a_failure_is_one_sentence(model_server, settings):
    settings.ADMIN_EMAIL = "root@example.org"
    with pytest.raises(CommandError) as caught:
        prepare()
    assert str(caught.value) == "Set both CHATBOT_ADMIN_EMAIL and CHATBOT_ADMIN_PASSWORD, or neither."
