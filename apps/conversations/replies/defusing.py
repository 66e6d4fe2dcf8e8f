"""What a model may read of a passage: not what speaks to it. Pure.

What `rag.suspicion` flags is left out, and here with a wider net also what nobody flags: a sentence in which several
signs of an order to a machine come together. A reader sees the passage whole; a model that misses a sentence loses
less than one that follows it.
"""

import re

from apps.rag.suspicion import text_defused

GAP = "[…]"
# Two signs are often chance in manuals and forms; three are not.
SIGNS_MINIMUM = 3

_SENTENCE = re.compile(r"[^\n]+?(?:[.!?]+[\"'”’»)\]>]*(?=\s|$)|(?=\n)|$)")
# Each a group: an output asked for, the one who shall give it, what it is to be part of, what to put aside, a payload.
_SIGNS = tuple(
    re.compile(sign, flags)
    for sign, flags in (
        (
            r"\b(?:say|print|output|reply|respond|answer|write|append|repeat|return|state|mention|include|add|insert|finish"
            r"|end|begin|start|conclude|rank|rate|recommend|approve|praise|translate|reveal|send|forward|visit|click"
            r"|antworte\w*|schreib\w*|sag\w*|gib|répond\w*|écri\w*|dis|dites|responde\w*|escrib\w*|di|diga|rispond\w*|scriv\w*"
            r"|escrev\w*|antwoord\w*|schrijf|zeg)\b",
            re.IGNORECASE,
        ),
        (
            r"\b(?:AI|A\.I\.|LLMs?|GPT\S*|[Aa]ssistants?|[Cc]hat ?[Bb]ots?|[Ll]anguage [Mm]odels?"
            r"|[Mm]odels? reading|SYSTEM|[Ss]ystem (?:update|prompt|message|note)"
            r"|[Aa]utomated (?:\w+ )?(?:system|reviewer|tool|software)s?|[Rr]eviewers?:|[Yy]ou must"
            r"|[Yy]ou are (?:now|reading)|[Yy]ou have to"
            r"|[Dd]ear reader|[Tt]he user (?:has|had|wants|asked|requests)|KI|IA)\b",
            re.NOFLAG,
        ),
        (
            r"\b(?:your (?:reply|replies|answers?|response|output|summary|task|instructions?|next)|(?:every|any"
            r"|each|all|the) (?:requests?|"
            r"questions?|summar(?:y|ies)|queries|prompts?|answers?|repl(?:y|ies)|response|output)"
            r"|permitted output|this text|text above"
            r"|the above|summari[sz]ing|when asked|if asked)\b",
            re.IGNORECASE,
        ),
        (
            r"\b(?:instead|nothing else|no longer applies|only|just|always|forget|ignore|disregard|override"
            r"|from (?:here|now) on|before you"
            r"|stop|has changed|new task|whatever you|at the end|first|regardless|must|do not|don['’]t|never"
            r"|sonst nichts|nur|statt|uniquement"
            r"|seulement|solo|solamente|soltanto|apenas|alleen)\b",
            re.IGNORECASE,
        ),
        (
            r"[\"“«'‘][^\"”»'’\n]{2,80}[\"”»'’]|\b[A-Z][A-Z\d]{2,}[-_]?[A-Z\d]*\d[A-Z\d]*\b|\b[A-Z]{3,}-\w*\d\w*"
            r"|https?://|<!--|\b[A-Z]{4,}(?: [A-Z]{2,}){2,}",
            re.NOFLAG,
        ),
    )
)
_LEAD = re.compile(
    r"^\W*(?:(?:please|kindly|bitte|now|then|also|and|stop[.!]?|[^:\n,]{1,40}[:,])\s+){0,3}", re.IGNORECASE
)
_ADDRESS = re.compile(
    r"\b(?:your (?:reply|replies|answers?|response|output|summary|task|instructions?)|(?<!have )(?:every"
    r"|any) (?:requests?"
    r"|questions?|summar(?:y|ies)|prompts?)"
    r"|permitted output|has asked you|the question[.;])",
    re.IGNORECASE,
)
# What an order announces stands in the next sentence, if not in its own.
_PAYLOAD = _SIGNS[-1]
_PAYLOAD_LENGTH = 120
# A heading such as "### SYSTEM UPDATE ###" makes an order of the line after it.
_HEADING = re.compile(r"^\W*(?:system|assistant|ai|new|admin|developer)\b[\w ]{0,30}\W*$", re.IGNORECASE)
# Who is told to stop, and told what to write instead in the next sentence.
_TURN = re.compile(
    r"\b(?:your task has changed|forget (?:the|that|this|your) (?:question|task|request)|no longer applies"
    r"|new task|before you (?:continue|answer))\b",
    re.IGNORECASE,
)


def passage_defused(text: str) -> str:
    """The passage without invisible characters and without what gives orders to a machine; GAP stands in its place."""
    text = text_defused(text)
    kept: list[str] = []
    last, is_warned = 0, False
    for match in _SENTENCE.finditer(text):
        sentence = match[0]
        is_warned = is_warned or sentence.lstrip().startswith(GAP)
        is_payload = (
            is_warned and len(sentence) <= _PAYLOAD_LENGTH and (_PAYLOAD.search(sentence) or signs_of(sentence))
        )
        is_order = signs_of(sentence) >= SIGNS_MINIMUM or _TURN.search(sentence) is not None
        is_warned = is_order or _HEADING.match(sentence) is not None
        if is_order or is_payload:
            kept += [text[last : match.start()], GAP]
            last = match.end()
    return "".join([*kept, text[last:]]) if kept else text


def signs_of(sentence: str) -> int:
    """How many kinds of signs of an order to a machine the sentence has; none where it speaks to nobody."""
    found = [bool(sign.search(sentence)) for sign in _SIGNS]
    return sum(found) if found[1] or _ADDRESS.search(sentence) or _imperative(sentence) else 0


def _imperative(sentence: str) -> bool:
    """Whether it begins with the verb of an order, after a label or a courtesy."""
    bare = _LEAD.sub("", sentence)
    return bool(_SIGNS[0].match(bare.lstrip("\"'“„«*_-> ")))
