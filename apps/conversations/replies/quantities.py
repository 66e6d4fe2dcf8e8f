"""What numbers and dates in a text mean, in the ways that the common European languages write them. Pure."""

import re
from typing import TypeAlias

# Year, month, day; None where the text does not say.
Date: TypeAlias = tuple[int | None, int | None, int | None]

_MONTH_TEXT = """
    january jan januar jänner janvier enero gennaio janeiro januari
    february feb februar février febrero febbraio fevereiro februari
    march mar märz mars marzo março maart
    april apr avril abril aprile
    may mai mayo maggio maio mei
    june jun juni juin junio giugno junho
    july jul juli juillet julio luglio julho
    august aug août agosto augustus
    september sep sept septembre septiembre settembre setembro
    october oct oktober octobre octubre ottobre outubro
    november nov novembre noviembre novembro
    december dec dezember décembre diciembre dicembre dezembro
"""
_MONTHS = {
    name: number for number, line in enumerate(_MONTH_TEXT.strip().splitlines(), start=1) for name in line.split()
}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DAY = r"(?:3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th|er|º|\.)?"
_YEAR = r"(?:1[0-9]|20)\d\d"
DATE = re.compile(
    rf"\b(?P<iso>{_YEAR}-(?:0?[1-9]|1[0-2])-(?:3[01]|[12]\d|0?[1-9]))\b"
    rf"|\b(?P<figures>\d{{1,2}}[./-]\d{{1,2}}[./-](?:{_YEAR}|\d\d))\b"
    rf"|\b(?P<day>{_DAY})(?: de| of)? (?P<month>{_MONTH})\b\.?(?:,?(?: de| of)? (?P<year>{_YEAR})\b)?"
    rf"|\b(?P<month2>{_MONTH})\b\.? (?P<day2>{_DAY})\b(?:,? (?P<year2>{_YEAR})\b)?"
    rf"|\b(?P<month3>{_MONTH})\b\.?,?(?: de| of)? (?P<year3>{_YEAR})\b",
    re.IGNORECASE,
)
# Groups of three may be parted by spaces, too.
FIGURES = r"\d+(?:[.,'’]\d+|[ \u00a0\u202f]\d{3}(?!\d))*"
_NUMBER = re.compile(FIGURES)
_SCALES = {
    "thousand": 1e3, "tausend": 1e3, "k": 1e3, "mille": 1e3, "mil": 1e3, "duizend": 1e3, "hundred": 1e2,
    "million": 1e6, "millions": 1e6, "millionen": 1e6, "m": 1e6, "mio": 1e6, "millones": 1e6, "milioni": 1e6,
    "milhões": 1e6, "miljoen": 1e6, "billion": 1e9, "billions": 1e9, "bn": 1e9, "b": 1e9, "milliarden": 1e9,
    "mrd": 1e9, "milliards": 1e9, "miliardi": 1e9, "miljard": 1e9, "trillion": 1e12,
}  # fmt: skip
_SCALE = re.compile(rf"\s?({'|'.join(sorted(_SCALES, key=len, reverse=True))})\b")
_WORD_TEXT = """
    zero null zéro cero nul
    one eins un uno um
    two zwei deux dos due dois twee twice second zweite
    three drei trois tres tre três drie third dritte
    four vier quatre cuatro quattro quatro fourth
    five fünf cinq cinco cinque vijf fifth
    six sechs seis sei zes sixth
    seven sieben sept siete sette sete zeven seventh
    eight acht huit ocho otto oito eighth
    nine neun neuf nueve nove negen ninth
    ten zehn dix diez dieci dez tien tenth
    eleven elf onze once undici eleventh
    twelve zwölf douze doce dodici doze twaalf twelfth dozen
    thirteen dreizehn treize trece tredici treze dertien
    fourteen vierzehn quatorze catorce quattordici catorze veertien
    fifteen fünfzehn quinze quince quindici vijftien
    sixteen sechzehn seize dieciséis sedici dezesseis zestien
    seventeen siebzehn diecisiete diciassette dezessete zeventien
    eighteen achtzehn dieciocho diciotto dezoito achttien
    nineteen neunzehn diecinueve diciannove dezenove negentien
    twenty zwanzig vingt veinte venti vinte twintig twentieth
"""
_WORDS = {word: float(value) for value, line in enumerate(_WORD_TEXT.strip().splitlines()) for word in line.split()}
_WORDS |= {
    "thirty": 30.0, "forty": 40.0, "fifty": 50.0, "sixty": 60.0, "seventy": 70.0, "eighty": 80.0, "ninety": 90.0,
    "dreißig": 30.0, "vierzig": 40.0, "fünfzig": 50.0, "trente": 30.0, "treinta": 30.0, "trenta": 30.0, "trinta": 30.0,
    "dertig": 30.0, "hundred": 100.0, "hundert": 100.0, "cent": 100.0, "cien": 100.0, "cento": 100.0, "cem": 100.0,
    "honderd": 100.0, "thousand": 1e3, "million": 1e6, "billion": 1e9, "half": 0.5, "first": 1.0,
}  # fmt: skip
_TENS = r"(twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)[ -](one|two|three|four|five|six|seven|eight|nine)"
_COMPOUND = re.compile(rf"\b{_TENS}\b")
_SPELLED = re.compile(
    rf"\b({'|'.join(sorted(_WORDS, key=len, reverse=True))})\b(?:[ -](hundred|thousand|million|billion)\b)?"
)


def numbers_of(text: str) -> set[float]:
    """What one written number may mean: 1.000 is a thousand or one, 1.5 million is both its figure and its value."""
    match = _NUMBER.search(text)
    if match is None:
        return set()
    figures = _readings(match[0])
    scale = _SCALE.match(text, match.end())
    return figures | {figure * _SCALES[scale[1]] for figure in figures} if scale else figures


def numbers_in(text: str) -> set[float]:
    """All that the numbers of a text in lower case may mean, written in figures or in words."""
    found: set[float] = set()
    for match in _NUMBER.finditer(text):
        figures = _readings(match[0])
        found |= figures
        if scale := _SCALE.match(text, match.end()):
            found |= {figure * _SCALES[scale[1]] for figure in figures}
    for match in _SPELLED.finditer(text):
        found.add(_WORDS[match[1]])
        if match[2]:
            found.add(_WORDS[match[1]] * _WORDS[match[2]])
    for match in _COMPOUND.finditer(text):
        found.add(_WORDS[match[1]] + _WORDS[match[2]])
    return found


def dates_in(text: str) -> set[Date]:
    """All that the dates of a text in lower case may mean: 03/04/2024 is in March or in April."""
    found: set[Date] = set()
    for match in DATE.finditer(text):
        found |= _dates_of(match)
    return found


def _dates_of(match: re.Match[str]) -> set[Date]:
    if match["iso"]:
        year, month, day = (int(part) for part in match["iso"].split("-"))
        return {(year, month, day)}
    if match["figures"]:
        first, second, year = (int(part) for part in re.split(r"[./-]", match["figures"]))
        year += 0 if year > 99 else 2000 if year < 50 else 1900
        return {(year, month, day) for day, month in ((first, second), (second, first)) if month <= 12 and day <= 31}
    month_name = match["month"] or match["month2"] or match["month3"]
    day_text = match["day"] or match["day2"]
    year_text = match["year"] or match["year2"] or match["year3"]
    of_month = int(re.sub(r"\D", "", day_text)) if day_text else None
    return {(int(year_text) if year_text else None, _MONTHS[month_name.casefold()], of_month)}


def _readings(figures: str) -> set[float]:
    """1,234.5 and 1.234,5 alike; a single separator before three figures may be either."""
    bare = re.sub(r"['’ \u00a0\u202f]", "", figures)
    marks = re.findall(r"[.,]", bare)
    if not marks:
        return {float(bare)}
    if len(set(marks)) == 2:
        decimal = marks[-1]
        other = "," if decimal == "." else "."
        return _floats(bare.replace(other, "").replace(decimal, "."))
    if len(marks) > 1:
        return _floats(re.sub(r"[.,]", "", bare))
    whole, _, rest = bare.partition(marks[0])
    readings = _floats(f"{whole}.{rest}")
    return readings | _floats(whole + rest) if len(rest) == 3 else readings


def _floats(text: str) -> set[float]:
    try:
        return {float(text)}
    except ValueError:
        return set()
