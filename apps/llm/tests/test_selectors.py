"""Which models a person may use."""

import pytest

from apps.llm.exceptions import NoModelError
from apps.llm.selectors import model_default, model_require, models_available_to
from apps.llm.tests.factories import profile_make
from chatbot.lib.errors import NotFoundError

pytestmark = pytest.mark.django_db


def test_members_see_what_is_offered_the_default_first(ada, ben):
    profile_make(name="a")
    default = profile_make(name="z", is_default=True)
    profile_make(name="off", is_enabled=False)
    profile_make(name="gone", is_served=False)
    profile_make(name="embedder", abilities=["embed"])
    for user in (ada, ben):
        assert [profile.name for profile in models_available_to(user=user)] == ["z", "a"]
        assert model_default(user=user) == default


def test_without_a_workspace_there_is_nothing(ada):
    profile = profile_make()
    ada.memberships.all().delete()
    assert not models_available_to(user=ada).exists()
    with pytest.raises(NotFoundError):
        model_require(user=ada, model_id=profile.pk)


def test_who_is_not_active_has_nothing(ada):
    profile_make()
    ada.is_active = False
    with pytest.raises(NoModelError):
        model_default(user=ada)


def test_a_model_that_is_off_does_not_exist(ada):
    profile = profile_make(is_enabled=False)
    with pytest.raises(NotFoundError):
        model_require(user=ada, model_id=profile.pk)


def test_without_models_the_error_says_so(ada):
    with pytest.raises(NoModelError):
        model_default(user=ada)


def test_the_first_model_stands_in_for_a_missing_default(ada):
    profile_make("gemini", "a-remote-one", is_local=False)
    local = profile_make(name="local")
    assert model_default(user=ada) == local
