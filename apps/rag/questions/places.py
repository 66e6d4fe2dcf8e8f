"""Places that a question names: "on page 12", "the last slide", "Table 3", "in section 4.2". Pure.

English, German, French and Spanish. What stands in a list or quotation, such as the form that an answer is to have, is
no place.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# A range of more pages says hardly more than the document.
RANGE_PAGES = 20
PARTS_MAXIMUM = 10


@dataclass(frozen=True, slots=True)
class Part:
    """A part by its number, as "Table 3": `words` that it may be called by, in lower case; `is_headed`: whether a
    heading with the number alone is it too, as "4.2 Results".
    """

    words: tuple[str, ...]
    number: str
    is_headed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """`numbers`: of pages, as the file counts or as printed on them. `labels`: printed ones that are Roman. `nth`: the
    second page is 2, the last is -1. A slide is a page.
    """

    numbers: frozenset[int] = frozenset()
    labels: frozenset[str] = frozenset()
    nth: frozenset[int] = frozenset()
    parts: tuple[Part, ...] = ()

    def __bool__(self) -> bool:
        return self.has_pages or bool(self.parts)

    @property
    def has_pages(self) -> bool:
        return bool(self.numbers or self.labels or self.nth)


_COUNTS = {
    word: number
    for words in (
        "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
        "eighteen nineteen twenty",
        "eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf",
        "un deux trois quatre cinq six sept huit neuf dix onze douze",
        "uno dos tres cuatro cinco seis siete ocho nueve diez once doce",
    )
    for number, word in enumerate(words.split(), start=1)
}
_PENULTIMATE = ("penultimate", "second to last", "second-to-last", "vorletzte", "avant-dernière", "penúltima")
_ORDINALS = {
    **{
        word: number
        for words in (
            "first second third fourth fifth sixth seventh eighth ninth tenth",
            "erste zweite dritte vierte fünfte sechste siebte achte neunte zehnte",
            "première deuxième troisième quatrième cinquième sixième septième huitième neuvième dixième",
            "primera segunda tercera cuarta quinta sexta séptima octava novena décima",
        )
        for number, word in enumerate(words.split(), start=1)
    },
    **dict.fromkeys(("last", "final", "very last", "letzte", "dernière", "última"), -1),
    **dict.fromkeys(_PENULTIMATE, -2),
}
_KINDS = (
    (("table", "tab.", "tabelle", "tableau", "tabla", "cuadro"), False),
    (("figure", "fig.", "abbildung", "abb.", "figura", "gráfico", "chart", "diagram"), False),
    (("chapter", "kapitel", "chapitre", "capítulo"), True),
    (("section", "sec.", "abschnitt", "sección", "§"), True),
    (("appendix", "annex", "anhang", "anlage", "annexe", "anexo", "apéndice"), True),
    (("exhibit", "schedule", "anlage"), False),
    (("article", "artikel", "art.", "artículo"), True),
    (("clause", "ziffer", "klausel", "cláusula"), True),
    (("note", "anmerkung", "nota"), True),
    (("item",), True),
    (("step", "schritt", "étape", "paso"), True),
)
_PLURALS = {
    "tables": "table", "figures": "figure", "figs.": "fig.", "charts": "chart", "chapters": "chapter",
    "sections": "section", "appendices": "appendix", "annexes": "annex", "exhibits": "exhibit", "articles": "article",
    "clauses": "clause", "notes": "note", "items": "item", "steps": "step", "tabellen": "tabelle",
    "abbildungen": "abbildung", "abschnitte": "abschnitt", "tableaux": "tableau", "tablas": "tabla",
    "figuras": "figura", "§§": "§",
}  # fmt: skip
_BY_WORD = {word: kind for kind in _KINDS for word in kind[0]} | {
    plural: kind for plural, word in _PLURALS.items() for kind in _KINDS if word in kind[0]
}


def _any_of(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


_AND = r"\s*(?:,|&|-|–|\b(?:and|or|to|through|und|oder|bis|et|ou|à|y|o|a)\b)\s*"
_PAGE = r"(?:pages?|pp?\.|pgs?\.?|slides?|seiten?|s\.|folien?|diapositives?|diapos?|páginas?|págs?\.|diapositivas?)"
_COVERING = r"(?:cover|title|front|titel|printed)"
_NUMBER = r"\d{1,4}"
_PAGES_NUMBERED = re.compile(
    rf"(?<![\w'\"“‘]){_PAGE}\s*(?:no\.?|number|nr\.?|#)?\s*\(?({_NUMBER}(?:{_AND}{_NUMBER})*)\b(?![.,]\d|\s*%)", re.I
)
_PAGES_COUNTED = re.compile(
    rf"\b(?:page|slide|seite|folie|diapositive|página|diapositiva)\s+({_any_of(_COUNTS)})\b", re.I
)
_PAGES_ROMAN = re.compile(r"\b(?:[Pp]ages?|[Ss]eite|[Pp]ágina)\s*\(?([ivxl]{1,7}|[IVXL]{2,7})\b")
_NTH = re.compile(
    rf"\b(?:({_any_of(_ORDINALS)})[rnms]?|(\d{{1,4}})(?:st|nd|rd|th|e|ème|a|ª))\s+(?:({_any_of(_COUNTS)}|\d{{1,2}})\s+)?"
    rf"(?:{_COVERING}\s+)?{_PAGE}(?!\w)|\b(\d{{1,3}})\.\s+(?:seite|folie)\b",
    re.I,
)
_NTH_AFTER = re.compile(r"\b(?:page|diapositive|página|diapositiva)\s+(première|dernière|primera|última)\b", re.I)
_COVER = re.compile(
    r"\b(?:(?:cover|title|front)[- ]page|front cover|cover of the|title slide|titelseite|titelblatt|deckblatt"
    r"|page de (?:garde|couverture|titre)|portada)\b",
    re.I,
)
_PARTS = re.compile(
    rf"(?<![\w'\"“‘])({_any_of(_BY_WORD)})\s*(?:no\.?\s*|nr\.?\s*)?"
    rf"((?:[A-Z]{{1,2}}[-.]?)?\d{{1,4}}(?:[.\-]\d{{1,3}}){{0,4}}[a-zA-Z]?(?:{_AND}\d{{1,3}}(?:\.\d{{1,3}}){{0,4}})*|[A-Z]\b|[IVXL]{{1,7}}\b)(?!\w)",
    re.I,
)
_QUOTED = re.compile(r"\[[^\]]*\]|['\"“‘]\s*p(?:ages?|\.)?\s*\d+\s*['\"”’]", re.I)


def places_named(text: str) -> Places:
    """The places that the question names; nothing for most questions."""
    text = _QUOTED.sub(" ", text)
    nth = set(_nth_named(text))
    if _COVER.search(_NTH.sub(" ", text)):
        nth.add(1)
    numbers = {number for match in _PAGES_NUMBERED.finditer(text) for number in _numbers(match[1])}
    numbers |= {_COUNTS[match[1].lower()] for match in _PAGES_COUNTED.finditer(text)}
    return Places(
        numbers=frozenset(numbers),
        labels=frozenset(match[1].lower() for match in _PAGES_ROMAN.finditer(text)),
        nth=frozenset(nth),
        parts=tuple(dict.fromkeys(_parts_named(text)))[:PARTS_MAXIMUM],
    )


def _nth_named(text: str) -> Iterator[int]:
    for match in _NTH.finditer(text):
        ordinal, digits, count, dotted = match.groups()
        place = _ORDINALS[ordinal.lower()] if ordinal else int(digits or dotted)
        # "The first two pages", "the last 3 slides".
        extent = min(_COUNTS.get(count.lower()) or int(count), RANGE_PAGES) if count else 1
        yield from range(place, place + extent) if place > 0 else range(place, place - extent, -1)
    for match in _NTH_AFTER.finditer(text):
        yield _ORDINALS[match[1].lower()]


def _numbers(text: str) -> Iterator[int]:
    """Of "3", "3 and 5", "3, 5" and "3 to 5"."""
    numbers = [int(number) for number in re.findall(r"\d+", text)]
    joints = re.split(r"\d+", text)[1:-1]
    yield from numbers
    for first, last, joint in zip(numbers, numbers[1:], joints, strict=False):
        if joint.strip().lower() in ("-", "–", "to", "through", "bis", "à", "a") and 0 < last - first <= RANGE_PAGES:
            yield from range(first + 1, last)


def _parts_named(text: str) -> Iterator[Part]:
    for match in _PARTS.finditer(text):
        words, is_headed = _BY_WORD[match[1].lower()]
        # A letter in lower case is a word of the sentence.
        if match[2].isalpha() and not match[2].isupper():
            continue
        for number in re.findall(r"[A-Z]{0,2}[-.]?\d[\w.\-]*\w|[A-Z]{0,2}[-.]?\d|^[A-Z]+$", match[2]):
            yield Part(words, number, is_headed)
