"""Other indexes for tests: begun, built, whole."""

from typing import Any

from apps.rag.models import IndexProfile
from apps.rag.profiles.building import index_graph_step, index_step
from apps.rag.profiles.changing import BuildWish, index_build
from apps.rag.profiles.leases import Step

OTHER = "other-embedder"


def begun(**fields: Any) -> IndexProfile:
    return index_build(actor=None, wish=BuildWish(**{"name": "second", "embedder": OTHER, **fields}))


def run(profile: IndexProfile) -> IndexProfile:
    """Work until nothing is left that can be done now."""
    while (step := index_step(profile_id=profile.pk)) is Step.MORE:
        pass
    if step is Step.GRAPH:
        index_graph_step(profile_id=profile.pk)
    profile.refresh_from_db()
    return profile


def built(**fields: Any) -> IndexProfile:
    return run(begun(**fields))
