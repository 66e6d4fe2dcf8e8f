"""models_sync: what is offered follows the settings and the servers."""

import time

import pytest
from django.core.management import call_command

from apps.llm.models import ModelProfile
from apps.llm.services import models_sync
from apps.llm.tasks import models_refresh
from apps.llm.testing import CONTEXT_TOKENS, FakeModelServer
from apps.llm.tests.factories import profile_make

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def empty_store(settings, tmp_path):
    settings.MODEL_DIR = tmp_path


def offered():
    found = ModelProfile.objects.filter(is_enabled=True, is_served=True)
    return sorted(found.values_list("endpoint", "name"))


def rows():
    return list(ModelProfile.objects.order_by("pk").values())


def test_models_of_the_embedded_server(model_server, settings):
    settings.MODEL_SERVER_URL = model_server.url
    result = models_sync()
    assert (result.served, result.silent, result.default) == (("fake-model",), (), "fake-model")
    profile = ModelProfile.objects.get()
    assert (profile.endpoint, profile.abilities, profile.context_tokens) == ("embedded", ["chat"], CONTEXT_TOKENS)
    assert profile.is_default
    assert profile.is_local
    assert profile.classification == "confidential"


def test_twice_is_once(model_server, settings):
    settings.MODEL_SERVER_URL = settings.OLLAMA_URL = model_server.url
    first = models_sync()
    before = rows()
    assert models_sync() == first
    assert rows() == before


def test_ollama_tells_abilities_and_gets_a_bounded_context(settings):
    with FakeModelServer(models=["chatty:latest", "embedder:latest"]) as server:
        settings.OLLAMA_URL = server.url
        models_sync()
    profiles = {profile.name: profile for profile in ModelProfile.objects.all()}
    assert profiles["chatty:latest"].abilities == ["chat"]
    assert profiles["chatty:latest"].context_tokens == CONTEXT_TOKENS
    assert profiles["embedder:latest"].abilities == ["embed"]
    assert profiles["chatty:latest"].is_default


def test_remote_models_come_from_the_settings_and_see_public_texts_only(settings):
    settings.OPENROUTER_API_KEY = settings.GEMINI_API_KEY = "key"
    settings.OPENROUTER_MODELS = "some/model, other/model"
    settings.GEMINI_MODELS = "gemini-large"
    models_sync()
    assert offered() == [("gemini", "gemini-large"), ("openrouter", "other/model"), ("openrouter", "some/model")]
    assert set(ModelProfile.objects.values_list("classification", "is_local")) == {("public", False)}


def test_a_list_in_the_settings_limits_what_is_offered(settings):
    with FakeModelServer(models=["wanted", "other"]) as server:
        settings.OPENAI_URL = f"{server.url}/v1"
        settings.OPENAI_MODELS = "wanted"
        models_sync()
    assert offered() == [("openai", "wanted")]


def test_a_server_that_is_down_changes_nothing(settings):
    settings.OLLAMA_URL = "http://127.0.0.1:9"
    profile_make("ollama", "known", is_default=True)
    result = models_sync()
    assert result.silent == ("ollama",)
    assert result.default == "known"
    assert offered() == [("ollama", "known")]


def test_a_loading_server_is_waited_for(model_server, settings):
    settings.MODEL_SERVER_URL = model_server.url
    model_server.is_loading = True
    assert models_sync().silent == ("embedded",)
    model_server.load_after(list_requests=1)
    assert models_sync(wait_seconds=20).default == "fake-model"


def test_an_endpoint_that_is_off_is_not_offered_until_it_is_on_again(model_server, settings):
    settings.MODEL_SERVER_URL = model_server.url
    models_sync()
    settings.MODEL_SERVER_URL = ""
    result = models_sync()
    assert (offered(), result.default) == ([], None)
    settings.MODEL_SERVER_URL = model_server.url
    assert models_sync().default == "fake-model"


def test_a_model_gone_from_its_server_is_not_offered(model_server, settings):
    settings.MODEL_SERVER_URL = model_server.url
    profile_make(name="gone")
    models_sync()
    assert offered() == [("embedded", "fake-model")]


def test_what_administrators_set_is_kept(model_server, settings):
    settings.MODEL_SERVER_URL = model_server.url
    models_sync()
    ModelProfile.objects.update(title="Our model", is_enabled=False, classification="internal", price_input=3)
    assert models_sync().default is None
    profile = ModelProfile.objects.get()
    assert (profile.title, profile.is_enabled, profile.classification) == ("Our model", False, "internal")
    assert profile.price_input == 3


@pytest.mark.parametrize("wanted", ["second", "ollama:second"])
def test_the_settings_choose_the_default(settings, wanted):
    with FakeModelServer(models=["first", "second"]) as server:
        settings.OLLAMA_URL = server.url
        assert models_sync().default == "first"
        settings.DEFAULT_MODEL = wanted
        assert models_sync().default == "second"
    assert ModelProfile.objects.filter(is_default=True).count() == 1


def test_an_unknown_default_falls_back(model_server, settings):
    settings.MODEL_SERVER_URL = model_server.url
    settings.DEFAULT_MODEL = "no-such-model"
    assert models_sync().default == "fake-model"


def test_a_chosen_default_is_kept_while_it_is_offered(settings):
    with FakeModelServer(models=["first", "second"]) as server:
        settings.OLLAMA_URL = server.url
        models_sync()
        ModelProfile.objects.update(is_default=False)
        ModelProfile.objects.filter(name="second").update(is_default=True)
        assert models_sync().default == "second"


def test_the_local_server_is_preferred(model_server, settings):
    settings.GEMINI_API_KEY, settings.GEMINI_MODELS = "key", "a-gemini"
    models_sync()
    ModelProfile.objects.update(is_default=False)
    settings.OLLAMA_URL = settings.MODEL_SERVER_URL = model_server.url
    models_sync()
    assert ModelProfile.objects.get(is_default=True).endpoint == "embedded"


def test_weights_in_the_store_are_profiles(settings, tmp_path):
    (tmp_path / settings.EMBEDDING_MODEL).mkdir()
    (tmp_path / settings.EMBEDDING_MODEL / "model.onnx").touch()
    models_sync()
    assert list(ModelProfile.objects.values_list("endpoint", "name", "abilities")) == [
        ("onnx", settings.EMBEDDING_MODEL, ["embed"])
    ]


def test_the_command_tells_what_there_is(model_server, settings, capsys):
    settings.MODEL_SERVER_URL = model_server.url
    settings.OLLAMA_URL = "http://127.0.0.1:9"
    call_command("models_sync")
    told = capsys.readouterr()
    assert told.out == "fake-model (default)\n"
    assert told.err == "ollama does not answer; its models stay as they were.\n"


def test_the_command_says_so_when_there_is_none(capsys):
    call_command("models_sync")
    assert "no chat model" in capsys.readouterr().err


def test_a_known_server_is_not_waited_for(settings):
    settings.MODEL_SERVER_URL = "http://127.0.0.1:9"
    profile_make()
    begun = time.monotonic()
    assert models_sync(wait_seconds=20).silent == ("embedded",)
    assert time.monotonic() - begun < 10


def test_a_model_that_came_later_is_noticed(settings):
    with FakeModelServer(models=["first"]) as server:
        settings.OLLAMA_URL = server.url
        models_sync()
        server.models.append("second")
        models_refresh()
    assert offered() == [("ollama", "first"), ("ollama", "second")]
