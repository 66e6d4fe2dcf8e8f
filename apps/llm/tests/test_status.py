"""Whether models answer, as told to people and probes."""

import pytest

from apps.llm.models import Inference
from apps.llm.status import chat_model_ready, model_state
from apps.llm.testing import FakeModelServer
from apps.llm.tests.factories import profile_make
from apps.llm.types import ModelState

pytestmark = pytest.mark.django_db


def test_a_model_that_answers(model_server, settings):
    settings.MODEL_SERVER_URL = model_server.url
    assert model_state(profile_make()) is ModelState.READY
    assert chat_model_ready()


def test_the_server_is_asked_once_for_many_questions(model_server, settings):
    settings.MODEL_SERVER_URL = model_server.url
    profile = profile_make()
    for _ in range(5):
        model_state(profile)
        chat_model_ready()
    assert model_server.list_requests == 1


def test_a_model_that_is_loading(model_server, settings):
    settings.MODEL_SERVER_URL = model_server.url
    model_server.is_loading = True
    assert model_state(profile_make()) is ModelState.LOADING
    assert not chat_model_ready()


def test_a_server_that_is_down(settings):
    with FakeModelServer() as server:
        settings.OLLAMA_URL = server.url
    assert model_state(profile_make("ollama")) is ModelState.UNREACHABLE
    assert not chat_model_ready()


def test_a_model_that_its_server_has_no_more(model_server, settings):
    settings.OLLAMA_URL = model_server.url
    assert model_state(profile_make("ollama", "gone")) is ModelState.OFF


@pytest.mark.parametrize("switch", ["is_enabled", "is_served"])
def test_a_model_that_is_switched_off(model_server, settings, switch):
    settings.MODEL_SERVER_URL = model_server.url
    profile = profile_make()
    setattr(profile, switch, False)
    assert model_state(profile) is ModelState.OFF


def test_an_endpoint_that_is_not_configured():
    assert model_state(profile_make()) is ModelState.OFF
    assert not chat_model_ready()


def test_a_remote_model_is_judged_by_its_last_call(settings):
    settings.GEMINI_API_KEY = "key"
    profile = profile_make("gemini", is_local=False)
    assert model_state(profile) is ModelState.READY
    Inference.objects.create(profile=profile, model_name=profile.name, purpose="reply", state="failed")
    assert model_state(profile) is ModelState.FAILING
    Inference.objects.create(profile=profile, model_name=profile.name, purpose="reply", state="ok")
    assert model_state(profile) is ModelState.READY


def test_one_answering_model_is_enough(model_server, settings):
    settings.MODEL_SERVER_URL = model_server.url
    with FakeModelServer() as gone:
        settings.OLLAMA_URL = gone.url
    profile_make("ollama")
    assert not chat_model_ready()
    profile_make("embedded")
    assert chat_model_ready()
