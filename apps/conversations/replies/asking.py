"""What kind of request a message is: does it ask the documents for a fact, or the assistant for a piece of work? Pure.

A conversation searches all documents by default, so most requests have nothing to do with them. Rules over the first
words tell them apart, in the languages of `wording`; a request that no rule knows asks for a fact, because an answer
that is made up does more harm than one that is refused.
"""

import re
from enum import StrEnum


class Request(StrEnum):
    """FACT: asks for something that a document could tell. WORK: has something written, coded, reckoned, or wants
    advice. TALK: a greeting or thanks. DOCUMENT: wants something done with the documents themselves.
    """

    FACT = "fact"
    WORK = "work"
    TALK = "talk"
    DOCUMENT = "document"


# Longer than questions are: the material stands in the message itself.
_MATERIAL_WORDS = 120
_TALK_WORDS = 8


def _any_of(*lines: str) -> str:
    """The alternatives of several lines, each parted by |, as one group."""
    return f"(?:{'|'.join(line.strip(' |') for line in lines)})"


_POLITE = _any_of(
    "please|kindly|hey|hi|hello|ok|okay|now|so|and|then|can you|could you|would you|will you|help me to|help me|let's",
    "i need you to|i want you to|i would like you to|i'd like you to|i need|me",
    "bitte|kannst du|könntest du|können sie|könnten sie|hilf mir|mir|s'il te plaît|s'il vous plaît|peux-tu|pouvez-vous",
    "pourrais-tu|pourriez-vous|aide-moi à|aidez-moi à|por favor|puedes|podrías|puede usted|ayúdame a|per favore|puoi",
    "potresti|aiutami a|você pode|poderia|ajude-me a|alsjeblieft|kun je|kunt u|пожалуйста|можешь|помоги мне",
)
_WORK_VERBS = _any_of(
    "write|rewrite|draft|compose|craft|create|generate|design|develop|implement|code|program|translate|rephrase",
    "paraphrase|construct|edit|proofread|correct|fix|improve|polish|convert|calculate|compute|solve|brainstorm|suggest",
    "recommend|imagine|pretend|act as|assume the role|embrace the role|embody|take on the role|role-?play|picture",
    "suppose|plan|invent|make up|make me|build|debug|refactor|optimi[sz]e|sing|play|tell an? (?:joke|story"
    "|riddle|poem)",
    "tell me an? (?:joke|story|riddle|poem)|say|repeat|count to|explain|describe|discuss|elaborate|structure|teach me",
    r"give me (?:an? |some |\w+ )?(?:idea|example|tip|advice|recipe|suggestion)s?|show me (?:how|an? )|share ideas",
    r"provide|outline|extract|evaluate|classify|given (?:these|the following|that \w+\()|now you are|you are an?",
    "replace|use (?:an?|the|only|numbers)",
    r"schreib\w*|verfass\w*|übersetz\w*|erstell\w*|entwirf|entwerfen|programmier\w*|erfind\w*|dichte|formulier\w*",
    r"korrigier\w*|verbesser\w*|erklär\w*|beschreib\w*|berechn\w*|erzähl\w* (?:mir )?eine?n? (?:witz|geschichte)",
    "écri(?:s|vez|re)|rédige[zr]?|tradui(?:s|sez|re)|crée[zr]?|génère[zr]?|corrige[zr]?|améliore[zr]?|imagine[zr]?",
    r"invente[zr]?|explique[zr]?|décri(?:s|vez|re)|calcule[zr]?|raconte[zr]?|escrib\w+|redact\w+|traduc\w+|traduz\w*",
    r"tradur\w+|crea|genera|corrige|corrija|mejora|imagina|inventa|explica|explícame|descr[ií]b\w+|descriv\w+|calcula",
    r"calcola|cuéntame|scriv\w+|correggi|migliora|immagina|spiega\w*|racconta\w*|escrev\w+|redij\w+|crie|gere|melhore",
    "conte-me|schrijf|schrijven|vertaal|vertalen|bedenk|genereer|verbeter|corrigeer|beschrijf|bereken|leg uit",
    r"напиши\w*|переведи\w*|создай\w*|придумай\w*|объясни\w*|исправь\w*",
)
_WORK = re.compile(rf"^(?:{_POLITE}[,:!]? )*{_WORK_VERBS}\b", re.IGNORECASE)
# Code is written from what a model knows, whether the request names a language or brings some.
_CODE = re.compile(
    r"```|\b(?:python|javascript|typescript|java|c\+\+|c#|php|sql|html|css|regex|regular expression|bash|powershell)\b"
    r"(?! (?:version|licen[cs]e))",
    re.IGNORECASE,
)
_HYPOTHETICAL = re.compile(
    r"^(?:what if\b|if (?:you|i) (?:were|was|had|could)\b|imagine\b|as an? [\w -]{2,40}, (?:describe|what|how"
    r"|tell|write)"
    r"|was wäre,? wenn|stell dir vor|et si\b|y si\b|e se\b|wat als\b|что если\b)",
    re.IGNORECASE,
)
# Advice asked of anybody, as long as nobody and nothing is named.
_ADVICE = re.compile(
    r"^(?:how (?:can|could|should|would|do|might) (?:i|we|you|one|people|someone|anyone)\b"
    r"|how to\b|what (?:is|are) (?:some|the (?:best|most \w+|major|main|primary|key|basic))? ?"
    r"(?:\w+ ){0,3}(?:ways?|tips?|strateg(?:y|ies)|differences?|pros and cons|ideas|factors|challenges|clues|habits)\b"
    r"|what (?:factors|methods) would you|why (?:might|would|do|does|should) (?:some|people|someone|anyone|a person)\b"
    r"|do (?:we|you|i)\b|should (?:we|i|you)\b|wie (?:kann|könnte|soll|sollte) (?:ich|man)\b|comment (?:puis-je"
    r"|peut-on|faire)\b"
    r"|cómo (?:puedo|se puede)\b|come (?:posso|si può)\b|como (?:posso|se pode)\b|hoe kan (?:ik|je|men)\b)",
    re.IGNORECASE,
)
_TALK = re.compile(
    r"^(?:hi|hello|hey|good (?:morning|afternoon|evening|night|day)|thanks?|thank you|bye|goodbye|how are you"
    r"|how do you do"
    r"|who are you|what are you|what(?:'s| is) your name|what can you do|nice|great|cool|ok(?:ay)?|yes|no"
    r"|tell me\.?$|hallo|guten (?:tag|morgen|abend)|danke|tschüss|wie geht|wer bist du|bonjour|bonsoir|salut|merci"
    r"|au revoir|qui es-tu|hola|buenos días|buenas|gracias|adiós|ciao|buongiorno|buonasera|grazie|chi sei|olá|oi"
    r"|bom dia"
    r"|boa tarde|obrigad[oa]|dag|goedemorgen|dank|bedankt|привет|здравствуй\w*|спасибо|say hello)\b",
    re.IGNORECASE,
)
_DOCUMENT_WORK = re.compile(
    r"\b(?:summar(?:i[sz]e|y|ies)|tl;?dr|key (?:points|takeaways|facts)|(?<!of the )main (?:points|ideas?"
    r"|topics?)|overview|gist"
    r"|zusammenfass\w*|fass\w*\b.{0,60}\bzusammen|überblick|kernpunkte|résume[rz]?|points (?:clés|principaux)"
    r"|puntos (?:clave|principales)|riassum\w+|sintesi|punti (?:chiave|principali)|pontos (?:principais|chave)"
    r"|samenvat\w*|vat\b.{0,60}\bsamen|резюмир\w*|кратко)\b"
    r"|\bwhat (?:is|are|does) (?:this|the|these|my|that) (?:\w+ ){0,2}(?:documents?|articles?|reports?|files?"
    r"|papers?|texts?|e-?mails?)"
    r" (?:about|say)\b|^(?:por favor,? )?resum\w+\b",
    re.IGNORECASE,
)
_DOCUMENT_NAME = re.compile(
    r"\b(?:documents?|articles?|reports?|files?|papers?|texts?|e-?mails?|resum[eé]s?|cvs?|pdfs?|contracts?|manuals?|pages?"
    r"|chapters?|sections?|handbooks?|polic(?:y|ies)|uploads?|dokument\w*|artikel\w*|bericht\w*|datei\w*|vertrag\w*"
    r"|handbuch\w*|fichiers?|rapports?|contrats?|documentos?|art[ií]culos?|informes?|archivos?|contratos?|documenti|articol[oi]"
    r"|relazion[ei]|contratt[oi]|relat[óo]rios?|arquivos?|documenten|bestand\w*|rapport\w*|документ\w*|файл\w*|отчёт\w*)\b",
    re.IGNORECASE,
)
_OURS = re.compile(
    r"\b(?:our|company|employee|staff|policy|contract|unser\w*|firma|notre|nuestr\w+|nostr\w+|noss\w+|ons|onze)\b", re.I
)
# A name inside the sentence, or a figure: something particular is meant.
_PARTICULAR = re.compile(r"(?<=[a-zà-ÿ,] )(?!I\b)[A-ZÀ-Ý][\w'’-]*|\d")
# A puzzle tells what it asks about before it asks.
_STATEMENT = re.compile(r"[a-zà-ÿ\d\w][.!](?= [A-ZÀ-Ý])")
_STATEMENTS_MINIMUM = 2


def names_documents(text: str) -> bool:
    """Whether the message speaks of documents at all: "summarise the report" does, "summarise Hamlet" does not."""
    return _DOCUMENT_NAME.search(text) is not None


def request_of(text: str) -> Request:
    """The kind of a person's message, by its first words and its length."""
    bare = " ".join(text.split())
    words = len(bare.split())
    if _DOCUMENT_WORK.search(bare[:400]) and words <= _MATERIAL_WORDS:
        return Request.DOCUMENT
    if _TALK.match(bare) and words <= _TALK_WORDS:
        return Request.TALK
    is_told = len(_STATEMENT.findall(bare)) >= _STATEMENTS_MINIMUM
    if words > _MATERIAL_WORDS or is_told or any(rule.search(bare) for rule in (_WORK, _HYPOTHETICAL, _CODE)):
        return Request.WORK
    is_particular = _PARTICULAR.search(bare) or _OURS.search(bare)
    if _ADVICE.match(bare) and not is_particular:
        return Request.WORK
    return Request.FACT
