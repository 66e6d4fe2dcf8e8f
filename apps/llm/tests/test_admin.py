"""The admin pages of models and their ledger."""

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.llm.models import Inference, ModelProfile
from apps.llm.tests.factories import profile_make

pytestmark = pytest.mark.django_db


@pytest.fixture
def administrator(db):
    client = Client()
    user = User.objects.create_superuser("root@example.org", "correct horse battery staple")
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_a_model_can_be_switched_off_and_its_name_not_changed(administrator):
    profile = profile_make()
    answer = administrator.post(
        reverse("admin:llm_modelprofile_change", args=[profile.pk]),
        {
            "title": "Ours",
            "name": "another",
            "context_tokens": 4096,
            "price_input": 0,
            "price_output": 0,
            "classification": "internal",
        },
    )
    assert answer.status_code == 302
    changed = ModelProfile.objects.get()
    assert (changed.title, changed.name, changed.is_enabled) == ("Ours", profile.name, False)


def test_the_ledger_can_be_read_and_not_changed(administrator):
    row = Inference.objects.create(model_name="m", purpose="reply", state="ok")
    assert administrator.get(reverse("admin:llm_inference_changelist")).status_code == 200
    assert administrator.post(reverse("admin:llm_inference_change", args=[row.pk]), {}).status_code == 403
    assert administrator.post(reverse("admin:llm_inference_delete", args=[row.pk]), {}).status_code == 403
    assert administrator.get(reverse("admin:llm_inference_add")).status_code == 403


@pytest.mark.parametrize("listing", ["admin:llm_inference_changelist", "admin:llm_modelprofile_changelist"])
def test_members_do_not_see_it(client_ada, client_cleo, listing):
    for client in (client_ada, client_cleo):
        assert client.get(reverse(listing)).status_code == 302
