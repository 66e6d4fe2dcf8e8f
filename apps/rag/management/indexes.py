"""What the commands about indexes share."""

from uuid import UUID

from django.core.management.base import CommandError

from apps.rag.models import IndexProfile
from chatbot.lib.errors import AppError, ValidationFailedError


def profile_named(name: str) -> IndexProfile:
    """By name, by key or, where only one is made of it, by embedder. Raises CommandError."""
    profiles = IndexProfile.objects.exclude(state=IndexProfile.State.DROPPING)
    try:
        found = list(profiles.filter(pk=UUID(name)))
    except ValueError:
        found = list(profiles.filter(name=name)) or list(profiles.filter(name="", embedder=name))
    if len(found) != 1:
        raise CommandError(
            f"There is no index {name}. See index_status." if not found else f"{len(found)} indexes are {name}."
        )
    return found[0]


def command_error(error: AppError) -> CommandError:
    """The error as the command line shows it."""
    if isinstance(error, ValidationFailedError) and error.errors:
        return CommandError(" ".join(f"{name}: {problem}" for name, problem in error.errors.items()))
    return CommandError(error.detail or error.title)
