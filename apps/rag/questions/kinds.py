"""What a question is after: a fact, or something about all of a text. Pure, by words; four languages."""

import re
from enum import StrEnum


class QuestionKind(StrEnum):
    """LOOKUP: a fact that stands somewhere. COUNT and LIST: all places of something. SUMMARY: the whole in short."""

    LOOKUP = "lookup"
    COUNT = "count"
    LIST = "list"
    SUMMARY = "summary"


# "How many" mostly asks for a number that stands in the text ("how many days of holiday do I get?"). It counts places
# only where it says so: how often something is mentioned, how many things are listed there, or how many of the
# document's own parts there are.
_PARTS = (
    r"(?:documents?|files?|reports?|pages?|sections?|chapters?|paragraphs?|clauses?|articles?|appendi\w+|annex\w*|tables?"
    r"|figures?|rows?|entries|records?|items?|bullet points?|steps?|questions?|headings?|contracts?|invoices?"
    r"|examples?|recommendations?|requirements?|definitions?|footnotes?|references)"
)
_PARTS_GERMAN = (
    r"(?:dokumente?|dateien|berichte?|seiten|abschnitte?|kapitel|absätze|klauseln?|artikel|anhänge|tabellen|abbildungen"
    r"|zeilen|einträge|punkte|schritte|fragen|überschriften|verträge?|rechnungen|beispiele|empfehlungen|anforderungen)"
)
_PARTS_FRENCH = (
    r"(?:documents?|fichiers?|rapports?|pages|sections?|chapitres?|paragraphes?|clauses?|articles?|annexes?|tableaux"
    r"|figures?|lignes|entrées|points|étapes|questions|titres|contrats|factures|exemples|recommandations|exigences)"
)
_PARTS_SPANISH = (
    r"(?:documentos?|archivos?|informes?|páginas|secciones|capítulos|párrafos|cláusulas|artículos|anexos|tablas"
    r"|figuras|filas|entradas|puntos|pasos|preguntas|títulos|contratos|facturas|ejemplos|recomendaciones|requisitos)"
)
_MENTIONED = (
    r"(?:listed|mentioned|named|described|defined|given|shown|included|contained|cited|discussed|covered|referenced)"
)
_COUNT = (
    rf"\bhow (?:many (?:different |distinct |unique )?(?:times\b.{{0,80}}\b{_MENTIONED}"
    rf"|times\b.{{0,80}}\b(?:appears?|occurs?|occurring|come up|comes up)|{_PARTS}\b)"
    rf"|often\b.{{0,80}}\b(?:{_MENTIONED}|appears?|occurs?|come up|comes up)\b)",
    rf"\bhow many\b.{{1,80}}\b(?:are|is|were|does|do|did)\b.{{0,80}}"
    rf"\b(?:{_MENTIONED}|mention|list|name|contain|include)\b",
    r"\bhow many\b.{1,60}\bare (?:there )?in (?:the|this|these|that|my|our|all) (?:whole |entire )?"
    r"(?:document|file|report|text|paper|contract|manual|handbook|list|table|pdf|collection)",
    r"^(?:please |can you |could you )?count (?:all|the|every|each|how)\b",
    r"\b(?:total|overall) number of (?:different |distinct )?\w+ (?:in|across) (?:the|this|these|all|my)\b",
    rf"\bwie viele\b(?: verschiedene)? {_PARTS_GERMAN}\b",
    r"\bwie viele\b.{1,80}"
    r"\b(?:genannt|erwähnt|aufgeführt|aufgelistet|beschrieben|enthalten|vorkommen|kommen .{0,40}\bvor)\b",
    r"\bwie oft\b.{1,80}\b(?:genannt|erwähnt|vor|auf|vorkommt)\b",
    r"^(?:bitte )?zähle? (?:alle|die|jede|auf)\b|\bzähl(?:e|en)? .{1,80}\bauf\b",
    rf"\bcombien (?:de |d['’])(?:fois\b|{_PARTS_FRENCH}\b)",
    r"\bcombien (?:de |d['’]).{1,60}\b(?:mentionnée?s?|citée?s?|listée?s?|énumérée?s?|décrite?s?|nommée?s?|contient)\b",
    r"^compte[rz]? (?:tou(?:s|tes)|les|le nombre)\b",
    rf"\bcu[aá]nt[oa]s (?:veces\b|{_PARTS_SPANISH}\b)",
    r"\bcu[aá]nt[oa]s\b.{1,60}\b(?:se (?:mencionan|citan|nombran|enumeran|listan|describen)|aparecen|contiene)\b",
    r"^cuenta (?:tod[oa]s|los|las|cu[aá]nt[oa]s)\b",
)
_LIST = (
    r"\b(?:list|name|enumerate|show|give|tell|find|extract|collect|identify)(?: me| us| out)? "
    r"(?:(?:a|the) (?:complete |full |entire )?list of\b|(?:all|every|each)\b)",
    r"\b(?:complete|full|entire|exhaustive) list\b",
    r"^(?:please |can you |could you )?(?:list|enumerate)\b",
    r"\bwh(?:at|ich) (?:are|were) (?:all|every)\b",
    r"\bwhich of (?:the|these|my) (?:documents|files|reports|contracts)\b",
    r"\ball (?:the )?[\w -]{1,60}\b(?:that are |which are )?(?:listed|mentioned|named) in\b",
    r"\b(?:liste|nenne|zeige?|gib|finde|zähle?)\b.{0,20}\b(?:alle|sämtliche|jede[nsr]?)\b",
    r"\b(?:alle|sämtliche)\b.{1,80}\b(?:auf(?:listen|führen|zählen)|nennen)\b",
    r"\b(?:vollständige|komplette) (?:liste|aufstellung)\b|\bwas sind alle\b|\bwelches sind alle\b",
    r"^(?:bitte )?liste\b.{1,200}\bauf\b",
    r"\b(?:énumère[rz]?|énumérez|liste[rz]?|cite[rz]?|donne[rz]?|nomme[rz]?)\b.{0,20}\btou(?:s|tes) les\b",
    r"\bquel(?:le)?s sont tou(?:s|tes)\b|\b(?:la|une) liste (?:complète|de tou(?:s|tes)|exhaustive|des)\b",
    r"\b(?:enumera|lista|nombra|dime|dame|cita|muestra|haz)\b.{0,20}\btod[oa]s l[oa]s\b",
    r"\bcu[aá]les son tod[oa]s\b|\b(?:una|la) lista (?:completa|de tod[oa]s|exhaustiva)\b",
)
_TEXT = r"(?:document|file|report|text|paper|contract|manual|handbook|pdf|article|chapter|policy|agreement|book)s?"
_SUMMARY = (
    r"\bsummar(?:i[sz]e|y of|ies of)\b|^(?:a )?(?:short |brief )?summary\b",
    r"\bgive (?:me )?(?:an? |the )?(?:\w+ )?(?:summary|overview)\b",
    rf"\bwhat (?:is|are|does|do) (?:the|this|these|that|my) (?:\w+ ){{0,3}}{_TEXT}"
    r" (?:all )?(?:about|say|cover|contain)\b\??$",
    r"\b(?:main|key) (?:points?|ideas?|topics?|findings?|messages?)"
    rf" (?:of|in) (?:the|this|these) (?:\w+ ){{0,2}}{_TEXT}\b",
    r"\bfass(?:e|en)?\b.{1,120}\bzusammen\b|\bzusammenfassung\b|\bworum geht es in\b",
    r"\brésume[rz]?\b|\brésumé (?:de|du|des)\b|\bde quoi (?:parle|traite)(?:nt)?\b",
    r"\bresum(?:ir|en de|en del)\b|^(?:por favor,? )?resume (?:el|la|los|las|est[aeo]s?)\b|\bde qué tratan?\b",
)
_KINDS = tuple(
    (kind, re.compile("|".join(patterns), re.IGNORECASE))
    for kind, patterns in (
        (QuestionKind.COUNT, _COUNT),
        (QuestionKind.LIST, _LIST),
        (QuestionKind.SUMMARY, _SUMMARY),
    )
)
# What is asked stands at the beginning or the end of a long message; the middle is something pasted.
_END_LENGTH = 500


def question_kind(text: str) -> QuestionKind:
    """What the question is after. Where that is not plain, LOOKUP."""
    text = " ".join(text.split())
    if len(text) > 2 * _END_LENGTH:
        text = f"{text[:_END_LENGTH]} {text[-_END_LENGTH:]}"
    return next((kind for kind, pattern in _KINDS if pattern.search(text)), QuestionKind.LOOKUP)


def is_aggregate(kind: QuestionKind) -> bool:
    """Whether the answer needs all of the text, so that some passages of it cannot give it."""
    return kind is not QuestionKind.LOOKUP
