"""Holds back the beginning of an answer from documents until it is known whether it is one. Pure.

A small model invents where the passages are silent, and writes a sentence or two: its first sentence is looked at
before anybody sees it. A larger one says that it does not know: only what may become such a sentence is held back.
"""

import re

from apps.conversations.replies.matching import says_unknown

# Held at most: after that a person has waited long enough.
SMALL_LENGTH = 400
LARGE_LENGTH = 200
# How answers begin that say they are none, in lower case.
_STARTS_TEXT = """
    i do not|i don|i can|i could|i am|i was|i'm|i’m|the context|the given|the provided|the document|the passage|the text
    |the answer|the information|there is no|there's no|there are no|no |none|not |sorry|unfortunately|based on
    |according to|it is not|it's not|unknown|ich weiß|ich kann|das geht|das steht|die dokumente|die antwort|leider|je ne
    |le contexte|la réponse|désolé|no lo|no sé|lo siento|el contexto|la respuesta|non |mi dispiace|il contesto|não
    |eu não|desculpe|ik weet|het antwoord|helaas|я не|к сожалению
"""
_STARTS = tuple(re.sub(r"\s*\n\s*", "", _STARTS_TEXT).split("|"))
# The dot of "No. 5", "e.g." or "3.5" ends no sentence.
_SENTENCE_END = re.compile(
    r"(?<!\b[A-Z])(?<!\bno)(?<!\be\.g)(?<!\bi\.e)(?<!\bdr)(?<!\bmr)(?<!\bst)(?:(?<!\d)|(?<=\d\d))[.!?](?:\s*\[\d{1,2}\])*\s",
    re.IGNORECASE,
)


class Holder:
    """Takes the answer piece by piece. `is_open`: nothing is shown yet."""

    def __init__(self, *, is_small: bool) -> None:
        self._is_small = is_small
        self.is_open = True
        self.text = ""

    def feed(self, piece: str) -> bool:
        """Whether enough has come to look at."""
        self.text += piece
        if _SENTENCE_END.search(self.text):
            return True
        if self._is_small:
            return len(self.text) >= SMALL_LENGTH
        return len(self.text) >= LARGE_LENGTH or not _may_be_refusal(self.text)

    def release(self) -> str:
        """What was held; from now on nothing is."""
        self.is_open = False
        return self.text


def _may_be_refusal(beginning: str) -> bool:
    bare = beginning.lower().lstrip(" \n\"'*_“„«")
    return any(bare.startswith(start) or start.startswith(bare) for start in _STARTS)


def is_refusal(beginning: str) -> bool:
    """Whether an answer that begins so says that it has none."""
    return not beginning.strip() or says_unknown(beginning)
