"""What a reply says in its own name, in the language of the question. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

ENGLISH = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """`unknown`: the documents do not tell. `closest`: leads to the markers of the nearest passages. `offer`: how to
    get an answer without documents. `own`: the answer is not from the documents.
    """

    unknown: str
    closest: str
    offer: str
    own: str


_WORDINGS = {
    "en": Wording(
        unknown="The documents do not tell: the answer to this question is not in them.",
        closest="Closest passages:",
        offer="To have it answered from general knowledge, choose “Answer without documents”.",
        own="Not from your documents, but from the model’s general knowledge:",
    ),
    "de": Wording(
        unknown="Das geht aus den Dokumenten nicht hervor: Die Antwort auf diese Frage steht nicht darin.",
        closest="Am nächsten kommen:",
        offer="Für eine Antwort aus allgemeinem Wissen „Answer without documents“ wählen.",
        own="Nicht aus Ihren Dokumenten, sondern aus dem allgemeinen Wissen des Modells:",
    ),
    "fr": Wording(
        unknown="Les documents ne le disent pas : la réponse à cette question ne s’y trouve pas.",
        closest="Passages les plus proches :",
        offer="Pour une réponse tirée des connaissances générales, choisissez « Answer without documents ».",
        own="Ne provient pas de vos documents, mais des connaissances générales du modèle :",
    ),
    "es": Wording(
        unknown="Los documentos no lo dicen: la respuesta a esta pregunta no está en ellos.",
        closest="Pasajes más cercanos:",
        offer="Para una respuesta de conocimiento general, elija «Answer without documents».",
        own="No procede de sus documentos, sino del conocimiento general del modelo:",
    ),
    "it": Wording(
        unknown="I documenti non lo dicono: la risposta a questa domanda non vi si trova.",
        closest="Passaggi più vicini:",
        offer="Per una risposta di conoscenza generale, scelga «Answer without documents».",
        own="Non proviene dai suoi documenti, ma dalla conoscenza generale del modello:",
    ),
    "pt": Wording(
        unknown="Os documentos não o dizem: a resposta a esta pergunta não se encontra neles.",
        closest="Passagens mais próximas:",
        offer="Para uma resposta de conhecimento geral, escolha «Answer without documents».",
        own="Não provém dos seus documentos, mas do conhecimento geral do modelo:",
    ),
    "nl": Wording(
        unknown="De documenten vertellen dit niet: het antwoord op deze vraag staat er niet in.",
        closest="Dichtstbijzijnde passages:",
        offer="Kies “Answer without documents” voor een antwoord uit algemene kennis.",
        own="Niet uit uw documenten, maar uit de algemene kennis van het model:",
    ),
    "ru": Wording(
        unknown="В документах об этом не говорится: ответа на этот вопрос в них нет.",
        closest="Ближайшие отрывки:",
        offer="Чтобы получить ответ из общих знаний, выберите «Answer without documents».",
        own="Не из ваших документов, а из общих знаний модели:",
    ),
}
# Words that tell the languages apart; what two of them share is left out.
_TELLTALE_TEXT = {
    "en": "the is are was were what which who whose when where why how many much does did do of and to for with "
    "by from",
    "de": "der die das ist sind wer wann wo warum wie viele welche welcher welches wird und nicht ein eine im "
    "den dem von "
    "für mit auf gibt ich wir hat haben zum zur bei",
    "fr": "le la les est sont qui quand où pourquoi comment combien quel quelle quels quelles du des une pour "
    "avec dans et "
    "je nous il elle au aux ce cette",
    "es": "el la los las es son quién cuándo dónde cómo cuánto cuántos cuál qué del una para con por y en hay está",
    "it": "il la gli ha hanno è sono chi quando dove perché come quanto quanti quale qual cosa della del di una "
    "per con nel c'è dei",
    "pt": "os é são quem quando onde porque como quanto quantos qual quais do da uma para com em não há foi",
    "nl": "het een is zijn wie wanneer waar waarom hoe hoeveel welke van voor met en niet op de wordt mag er",
}
_WORD = re.compile(r"[^\W\d_]+(?:['’]è)?")
_CYRILLIC = re.compile(r"[а-яё]", re.IGNORECASE)
_SIGNS = {
    "ß": "de",
    "ä": "de",
    "ö": "de",
    "ü": "de",
    "¿": "es",
    "¡": "es",
    "ñ": "es",
    "ã": "pt",
    "õ": "pt",
    "œ": "fr",
    "ç": "pt",
}
_SIGN_WEIGHT = 1.5
# At most this much of a text is looked at.
_LOOK_LENGTH = 2000


def language_of(text: str) -> str:
    """The code of the language of the text, one of those that replies can be worded in; empty if it does not show."""
    text = text[:_LOOK_LENGTH].lower()
    letters = sum(character.isalpha() for character in text)
    if letters and len(_CYRILLIC.findall(text)) > letters / 2:
        return "ru"
    words = _WORD.findall(text)
    scores = {language: float(sum(word in telltale for word in words)) for language, telltale in _TELLTALE.items()}
    for sign, language in _SIGNS.items():
        if sign in text:
            scores[language] += _SIGN_WEIGHT
    best = max(scores, key=lambda language: scores[language])
    return best if scores[best] else ""


def wording_for(question: str) -> Wording:
    """The sentences in the language of the question, in English where it does not show."""
    return _WORDINGS[language_of(question) or ENGLISH]


def unknown_reply(question: str, *, indexes: Sequence[int], has_offer: bool) -> str:
    """That the documents do not tell, with the markers of the nearest passages."""
    wording = wording_for(question)
    parts = [wording.unknown]
    if indexes:
        parts.append(f"{wording.closest} {''.join(f'[{index}]' for index in indexes)}")
    if has_offer:
        parts.append(wording.offer)
    return "\n\n".join(parts)


def own_notice(question: str) -> str:
    """Stands before an answer that no document had a part in."""
    return f"*{wording_for(question).own}*\n\n"


def is_own(content: str) -> bool:
    """Whether the reply began with `own_notice`."""
    return content.startswith(_OWN_NOTICES)


def notices_strip(content: str) -> str:
    """A reply without `own_notice`: a model that sees it would write it too."""
    notice = next((notice for notice in _OWN_NOTICES if content.startswith(notice)), "")
    return content[len(notice) :].lstrip("\n") if notice else content


_TELLTALE = {language: frozenset(words.split()) for language, words in _TELLTALE_TEXT.items()}
_OWN_NOTICES = tuple(f"*{wording.own}*" for wording in _WORDINGS.values())
