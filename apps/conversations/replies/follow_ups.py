"""Questions that mean something only after others: which they are, and the rule that makes them searchable. Pure."""

import re
from collections.abc import Sequence

from apps.conversations.replies.matching import words_of
from apps.llm.types import ChatMessage

# A question this short hardly says by itself what it is about.
FOLLOW_UP_WORDS = 3
# Further back a conversation is about something else.
CHAIN_MAXIMUM = 3
NAMES_MAXIMUM = 6
_ANSWER_LENGTH = 600
_NAME = re.compile(r"\b[A-ZÀ-Ý][\w-]+(?: [A-ZÀ-Ý0-9][\w-]*)*")
_WORD = re.compile(r"\w[\w'’-]*")
# What `words_of` does not know: it has English stop words only.
_QUESTION_TEXT = """
    tell explain describe find show give name list please much many long often
    wer was wann wo warum wie welche welcher welches wieviel viele lange oft ist sind war hat haben wird werden kann der
    die das den dem des ein eine einen einem einer und oder für mit von zu im in auf bei bitte man ich wir es
    qui que quoi quand où pourquoi comment combien quel quelle quels quelles est sont était a ont le la les un une des
    du de et ou pour avec dans sur par au aux il elle on je nous se
    quién qué cuándo dónde cómo cuánto cuánta cuántos cuántas cuál cuáles es son era fue hay el los las una unos y o
    para con en por al del se
"""
_QUESTION_WORDS = frozenset(_QUESTION_TEXT.split())
# Words with which people go on from what was said, at the beginning of a question.
_GOES_ON = re.compile(
    r"^(?:and|or|but|also|then|so|what about|how about|what if|what else|who else|anything else|why(?: not)?\b\W*$"
    r"|und|oder|aber|auch|was ist mit|wie (?:ist|steht) es mit|sonst|et|ou|mais|aussi|y|o|pero|también|e)\b",
    re.IGNORECASE,
)
# Words that stand for something said before. Not: "it is", "does it take", which stand for nothing.
_STANDS_FOR = re.compile(
    r"\b(?:they|them|theirs?|he|him|his|she|hers?|its|these|those|that one|the same|the (?:former|latter)"
    r"|this(?! (?:year|month|week|day|quarter|document|file|report|text|contract|collection)\b)"
    r"|(?:does|did|is|was|do|about|of|for|with|to|after|before|like|than) that|that\W*$|ones|one\W*$|(?:this|which) one"
    r"|the (?:first|second|third|last|other|next|previous) ones?|there\W*$|afterwards|instead"
    # "Sie" and "Ihr" in capitals speak to somebody.
    r"|(?-i:sie|ihr|ihre[mnrs]?)|er|ihn|ihm|sein|seine[mnrs]?|dessen|deren|diese[mnrs]?|davon|dafür|dazu|damit|darüber"
    r"|danach|ils?|elles?|lui|leurs?|celui|celles?|ceux|cela|ça|ellos|ellas|él|ella|sus?|eso|esos|esas|estos|estas)\b",
    re.IGNORECASE,
)
# "Combien les salariés obtiennent-ils": the pronoun only repeats a noun of the question.
_INVERSION = re.compile(r"-(?:t-)?(?:ils?|elles?|on|en|y|ce|je|tu|nous|vous)\b", re.IGNORECASE)
_IT = re.compile(r"\bit\b", re.IGNORECASE)
_EMPTY_IT = re.compile(
    r"\b(?:is|was|would|will|can|could|does|did|should|may) it (?:take|cost|be|mean|make sense|possible|necessary"
    r"|allowed|true|safe|legal|important|mandatory|required|ok|okay|that)\b|\bit (?:is|takes|was)\b",
    re.IGNORECASE,
)


def needs_conversation(question: str) -> bool:
    """Whether the question is likely to mean something only together with what was asked before."""
    words = set(words_of(question))
    if len(words) <= FOLLOW_UP_WORDS or _GOES_ON.search(question.lstrip(" ¿¡\"'")):
        return True
    question = _INVERSION.sub("", question)
    return bool(_STANDS_FOR.search(question) or _IT.search(_EMPTY_IT.sub(" ", question)))


def question_carried(question: str, history: Sequence[ChatMessage]) -> str:
    """A follow-up after the question before it; the first question as it is."""
    earlier = [message.content for message in history if message.role == "user"]
    return f"{earlier[-1]}\n{question}" if earlier else question


def formulations_carried(question: str, history: Sequence[ChatMessage]) -> tuple[str, ...]:
    """A further way to search for a follow-up: with the names in the last answer and all questions that led to it.

    None where the answer names nothing.
    """
    answer = next((message.content for message in reversed(history) if message.role == "assistant"), "")
    names = list(dict.fromkeys(_NAME.findall(answer[:_ANSWER_LENGTH])))[:NAMES_MAXIMUM]
    if not names:
        return ()
    return ("\n".join([*_chain(history), " ".join(names), question]),)


def keywords_of(question: str) -> str:
    """The question's words without those that only make it a question; empty where nothing changes."""
    words = _WORD.findall(question)
    kept = [word for word in words if word.lower() not in _QUESTION_WORDS and words_of(word)]
    return " ".join(kept) if 0 < len(kept) < len(words) else ""


def _chain(history: Sequence[ChatMessage]) -> list[str]:
    """The last question, and those before it back to one that stands alone."""
    chain: list[str] = []
    for message in reversed(history):
        if message.role != "user":
            continue
        chain.insert(0, message.content)
        if not needs_conversation(message.content) or len(chain) == CHAIN_MAXIMUM:
            break
    return chain
