"""Whether a question asks what the passages say, but of the opposite: "which meetings are closed to the public" beside
"meetings are open to the public". Pure.

Such a question repeats a sentence and has another word beside the same words. Most other words there are only other
wordings, which no small model tells apart: the embedder finds "warranty" and "guarantee" as far from each other as
"evening" and "night". So these alone count: English words that are known to exclude each other, names before the same
word, and what is numbered. Beside 3,100 questions to eight encyclopedia articles (SQuAD 2) they meet 5 % of those that
have no answer and 0.1 % of the others.
"""

import re
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import takewhile

from apps.conversations.replies.matching import sentences_of, words_of
from apps.conversations.replies.quantities import numbers_in
from apps.conversations.replies.spelling import is_any_of, plain
from apps.conversations.replies.wording import ENGLISH, language_of

# A sentence that a question is about has this share of its words.
SHARE_MINIMUM = 0.4
# Words this near to each other are said together.
NEAR = 3

_OPPOSITE_TEXT = """
    able unable|above below|active passive|always never|arrival departure|arrive depart|automatic manual
    |before after|begin end|beginning end|best worst|black white|buy sell|buyer seller|cause effect|cheap expensive
    |city countryside|cold hot|cold warm|collective individual|complete incomplete|complete partial
    |compulsory voluntary|creditor debtor|current former|dark light|day night|deep shallow|defeat victory
    |direct indirect|discourage encourage|dry wet|earlier later|early late|easier harder|easiest hardest|east west
    |eastern western|employee employer|empty full|encourage prevent|enemy ally|entrance exit|entry exit
    |exception rule|expense income|export import|exports imports|false true|fast slow|faster slower|fastest slowest
    |fewest most|first last|frequently rarely|front back|front rear|full partial|full-time part-time|future past
    |gain loss|gave took|general specific|give take|global local|global regional|grew declined|grow decline
    |growth decline|guilty innocent|hard soft|heavier lighter|heavy light|high low|higher lower|highest lowest
    |hired dismissed|hired fired|horizontal vertical|identical different|increase reduce|increased reduced
    |increases reduces|infinite limited|inner outer|input output|inside outside|international national
    |landlord tenant|large small|larger lesser|larger smaller|largest smallest|left right|lend borrow|less more
    |limited unlimited|locked unlocked|loss profit|loud quiet|lower raise|lower upper|lowered raised|major minor
    |majority minority|male female|mandatory optional|mandatory voluntary|maximum minimum|morning afternoon
    |morning evening|narrow wide|natural artificial|negative positive|new old|newest oldest|north south
    |northern southern|often rarely|oldest youngest|open closed|opened closed|opens closes|permanent temporary
    |permanently temporarily|poor rich|practical theoretical|present absent|private public|qualitative quantitative
    |raise reduce|rural urban|safe dangerous|same different|similar different|simple complex|simplicity complexity
    |single multiple|start end|strong weak|stronger weaker|student teacher|summer winter|sunrise sunset|tall short
    |taller shorter|theory practice|thick thin|top bottom|usual unusual|war peace|with without|won lost|young old
"""
_OPPOSITES = frozenset(frozenset(pair.split()) for pair in _OPPOSITE_TEXT.split("|"))
# What turns a word into its opposite, before a word of at least so many letters.
_TURNING = ("un", "in", "im", "ir", "il", "dis")
_TURNED_LENGTH = 4
# Whether a year is another one is looked at by itself.
_YEARS_MINIMUM = 1000
_ORDINAL = re.compile(
    r"(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|\d+(?:st|nd|rd|th))"
)
_POSSESSIVE = re.compile(r"['’]s?$")
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
# Another article beside a word is no other place.
_ARTICLE, _ARTICLES = "the", frozenset({"a", "an", "the"})
# What stands behind them is what is asked for, not what is taken for granted.
_ASKING = frozenset({"what", "which", "how", "whose", "who"})


@dataclass(frozen=True, slots=True)
class Swap:
    """`asked`: a word of the question. `said`: what stands in its place."""

    asked: str
    said: str


@dataclass(frozen=True, slots=True)
class _Word:
    """`text`: in lower case. `key`: what it is compared by. `is_common`: says nothing by itself, such as "the".

    `is_name`: is written large, though it does not begin the sentence.
    """

    text: str
    key: str
    is_common: bool
    is_name: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spoken:
    """What the texts say. `together`: keys of words that are said near to each other somewhere."""

    known: Set[str]
    together: Set[frozenset[str]]
    is_english: bool

    def is_together(self, one: _Word, other: _Word) -> bool:
        return frozenset((one.key, other.key)) in self.together


def swaps_of(question: str, texts: Iterable[str]) -> list[Swap]:
    """Words of the question that the texts never say, or never with the word beside them, where a sentence about it has
    one that excludes it: between the same words, or beside the same word.
    """
    asked = _words(question)
    wanted = {word.key for word in asked if not word.is_common}
    sentences = [_words(sentence) for text in texts for sentence in sentences_of(text)]
    spoken = _Spoken(
        known={word.key for said in sentences for word in said},
        together={frozenset((word.key, near.key)) for said in sentences for word, near in _neighbours(said)},
        is_english=language_of(question) == ENGLISH,
    )
    about = [said for said in sentences if len(wanted & {word.key for word in said}) >= SHARE_MINIMUM * len(wanted)]
    taken = [place for place, word in enumerate(asked) if not (word.is_common or _is_asked_for(place, asked))]
    found = {
        Swap(asked[place].text, instead.text): None
        for place in taken
        for said in about
        for other, instead in enumerate(said)
        if not (instead.is_common or instead.key in wanted) and _is_swap(asked, place, said, other, spoken)
    }
    return list(found)


def _is_asked_for(place: int, asked: Sequence[_Word]) -> bool:
    return place > 0 and asked[place - 1].text in _ASKING


def _is_swap(asked: Sequence[_Word], place: int, said: Sequence[_Word], other: int, spoken: _Spoken) -> bool:
    """Whether the question's word stands where the sentence has one that excludes it."""
    word, instead = asked[place], said[other]
    before, after = _equal(asked[:place][::-1], said[:other][::-1]), _equal(asked[place + 1 :], said[other + 1 :])
    beside = [near for near in (*before[:1], *after[:1]) if not (near.is_common or spoken.is_together(word, near))]
    is_between = before and after and word.key not in spoken.known and not _are_common([*before, *after])
    if not (is_between or beside):
        return False
    is_named = bool(before) and not before[0].is_common and _are_common(asked[place + 1 : place + 2])
    if _exclude(word, instead, is_named=is_named):
        return True
    # Names before the same word: "the Lisbon office of". In other languages other words are written large, too.
    is_first = before and after and after[0] in beside
    return bool(spoken.is_english and is_first and _are_names(word, instead))


def _exclude(one: _Word, other: _Word, *, is_named: bool) -> bool:
    """Whether what is the one cannot be the other. `is_named`: they stand behind a word, and before none.

    Numbers do where they number something: "the second item", "stage 4". What holds for "two weeks" may for three.
    """
    first, second = numbers_in(one.text), numbers_in(other.text)
    if first and second:
        if max(first | second) >= _YEARS_MINIMUM:
            return False
        is_ordinal = _ORDINAL.fullmatch(one.text) and _ORDINAL.fullmatch(other.text)
        return first.isdisjoint(second) and bool(is_ordinal or is_named)
    if frozenset((one.text, other.text)) in _OPPOSITES:
        return True
    shorter, longer = sorted((one.text, other.text), key=len)
    return len(shorter) >= _TURNED_LENGTH and any(longer == f"{turning}{shorter}" for turning in _TURNING)


def _equal(one: Sequence[_Word], other: Sequence[_Word]) -> list[_Word]:
    """What both begin with."""
    return [word for word, _ in takewhile(lambda pair: pair[0].key == pair[1].key, zip(one, other, strict=False))]


def _are_common(words: Sequence[_Word]) -> bool:
    return all(word.is_common for word in words)


def _are_names(one: _Word, other: _Word) -> bool:
    """Whether they name different things, as far as their spelling tells."""
    if not (one.is_name and other.is_name):
        return False
    first, second = (plain(_POSSESSIVE.sub("", word.text)) for word in (one, other))
    is_short_for = first.startswith(second) or second.startswith(first)
    return not (is_short_for or is_any_of(first, {second}) or is_any_of(second, {first}))


def _neighbours(said: Sequence[_Word]) -> Iterator[tuple[_Word, _Word]]:
    for distance in range(1, NEAR + 1):
        yield from zip(said, said[distance:], strict=False)


def _words(text: str) -> list[_Word]:
    words: list[_Word] = []
    for match in _WORD.finditer(text):
        word = match[0].lower()
        stems = words_of(word)
        key = " ".join(stems) or word
        is_name = bool(words) and match[0][0].isupper()
        words.append(_Word(word, _ARTICLE if key in _ARTICLES else key, not stems, is_name))
    return words
