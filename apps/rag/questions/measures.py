"""Financial measures in a question, spelled out as the lines of the statements that they come from. Pure.

"What was the current ratio?" is answered by a balance sheet that never says so: it has total current assets and total
current liabilities. Neither words nor vectors lead from the one to the other, so the question gets these words as well.
The formulas are those of any textbook of accounting. English, German, French and Spanish.
"""

import re

from apps.rag.languages import language_of
from apps.rag.questions.measure_words import LANGUAGES, LINES, MEASURES, STATEMENTS

# A text that names more of them is about the measures themselves.
MEASURES_MAXIMUM = 4

_NAMES = tuple((measure, re.compile(rf"(?<!\w)(?:{measure.names})(?!\w)", re.IGNORECASE)) for measure in MEASURES)
# Reasons stand in the management's discussion; what is expected, and results that leave things out, in announcements;
# what a measure is, in explanations.
_ELSEWHERE = re.compile(
    r"^\W*(?:why|what (?:drove|caused|led|explains)|warum|weshalb|wieso|pourquoi|por qué)\b"
    r"|\b(?:adjusted|guidance|forecast\w*|outlook|expected to|bereinigt\w*|prognose\w*|ajustée?s?|prévisions?"
    r"|perspectives|ajustad[oa]s?|previsi(?:ón|ones))\b"
    r"|\bwhat does\b.{1,60}\bmean\b|\bdefinition of\b|\bhow (?:is|are)\b.{1,60}\b(?:calculated|computed|defined)\b"
    r"|\bwas (?:bedeutet|versteht man)\b|\bwie wird\b.{1,60}\b(?:berechnet|definiert)\b|\bque signifie\b"
    r"|\bcomment (?:se )?(?:calcul|défini)\w*|\bqué significa\b|\bcómo se (?:calcula|define)\b",
    re.IGNORECASE,
)


def measures_spelled_out(text: str) -> str:
    """The question, and after it the statements' lines of the measures that it names; as it is where it names none."""
    measures = [measure for measure, names in _NAMES if names.search(text)]
    if not 0 < len(measures) <= MEASURES_MAXIMUM or _ELSEWHERE.search(text):
        return text
    words = [LINES[key] for measure in measures for key in measure.lines]
    words += [STATEMENTS[key] for measure in measures for key in measure.statements]
    place = _place(text)
    return f"{text} {', '.join(dict.fromkeys(in_languages[place] for in_languages in words))}"


def _place(text: str) -> int:
    """Of the question's language in LANGUAGES; of the first where it is none of them or cannot be told."""
    language = language_of(text)
    return LANGUAGES.index(language) if language in LANGUAGES else 0
