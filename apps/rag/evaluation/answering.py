"""Who answers for evaluations: the app above, which knows conversations, says so when Django starts."""

from apps.rag.evaluation.types import Answerer
from chatbot.lib.errors import UnavailableError

_answerers: list[Answerer] = []


def answerer_register(given: Answerer) -> None:
    """Have whole replies asked of this one. The last one registered counts."""
    _answerers[:] = [given]


def answerer() -> Answerer:
    """Raises UnavailableError where nobody answers."""
    if not _answerers:
        raise UnavailableError("Nothing here can write replies.")
    return _answerers[0]
