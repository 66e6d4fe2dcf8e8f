"""Rules by which text that gives orders to a machine is known, in eight languages.

Each looks for who is addressed and what is asked: that earlier orders be put aside, that a reply have certain words,
that the asker be told something, that what is secret be told. A rule is tried only where one of its triggers stands as
a word in the text, which costs a passage without any next to nothing.
"""

import re
from dataclasses import dataclass

from apps.rag.suspicion_words import (
    ASIDE,
    ASIDE_WORDS,
    BEFORE,
    DATA,
    GAP,
    HIDDEN_PROMPT,
    MACHINE,
    MACHINE_WORDS,
    ORDERS,
    QUOTE,
    SAY,
    SAY_ABROAD,
    SAY_ONE,
    SHOW,
    TELLS,
    THIS,
    USER,
    USER_WORDS,
)


@dataclass(frozen=True, slots=True)
class Rule:
    """`triggers`: words in lower case, one of which stands in whatever the pattern matches."""

    triggers: frozenset[str]
    pattern: re.Pattern[str]


def _rule(triggers: str, *lines: str) -> Rule:
    return Rule(frozenset(triggers.split()), re.compile("".join(lines), re.IGNORECASE | re.MULTILINE))


RULES = (
    # Put aside what was said before.
    # What people were told in a study is no order.
    _rule(
        ASIDE_WORDS,
        r"(?<!were told to )(?<!was told to )(?<!were asked to )(?<!were instructed to )"
        rf"\b{ASIDE}\b{GAP}{{0,40}}?\b{BEFORE}\b{GAP}{{0,40}}?\b{ORDERS}\b",
    ),
    _rule(ASIDE_WORDS, rf"\b{ASIDE}\b{GAP}{{0,30}}?\b{ORDERS}\b(?: \w+)? {BEFORE}\b"),
    _rule(
        ASIDE_WORDS,
        rf"\b{ASIDE}\b{GAP}{{0,25}}?\b(?:your|all|any|every|these|those|deine|tes|tus|tue|sämtliche|toutes?|todas?"
        r"|tutte"
        rf"|alle)\b{GAP}{{0,30}}?\b{ORDERS}\b{GAP}{{0,80}}?\b(?:and|instead|now|only|just|und|et|e|y|en|и)\b "
        rf"{GAP}{{0,40}}?"
        rf"(?:\b{SAY}\b|\b{SAY_ABROAD}\b|focus|concentrate)",
    ),
    _rule(
        ASIDE_WORDS,
        rf"\b(?:ignore|disregard|forget|override|discard)\b {GAP}{{0,20}}?\b(?:your|you were "
        rf"given)\b{GAP}{{0,20}}?\b{ORDERS}\b",
    ),
    _rule(
        ASIDE_WORDS,
        r"\b(?:ignore|disregard|forget|discard|do not (?:obey|heed)|don['’]t (?:obey|heed)) (?:everything|anything|all"
        r"|what|whatever)\b"
        rf"{GAP}{{0,30}}?\b(?:above|before|said|told|prior|previously|else|other)\b",
    ),
    _rule(
        ASIDE_WORDS,
        r"\b(?:oublie[zr]?|olvida|dimentica|vergiss|vergeet|esqueça|забудь\w*) (?:tout|todo|tutto|quanto|alles|tudo"
        r"|все|всё)\b",
    ),
    _rule(
        ASIDE_WORDS,
        rf"\b(?:discard|ignore|disregard) (?:the )?(?:user|human|reader)(?:['’]s)? {GAP}{{0,15}}?(?:question|request"
        r"|query|prompt)",
    ),
    _rule(
        "aside",
        rf"\b(?:set|put|leave|lay)(?:ting)?\b{GAP}{{0,30}}?\b(?:your|{BEFORE})\b{GAP}{{0,30}}?\baside\b|\b(?:set"
        rf"|put|leave) aside\b{GAP}{{0,20}}?\b(?:your|{BEFORE})\b{GAP}{{0,20}}?\b{ORDERS}\b",
    ),
    _rule(
        "ignore disregard forget override",
        r"\b(?:ignore|disregard|forget|override) (?:all|any|every|the)\b[^.\n]{0,30}?\b(?:instructions?|prompts?"
        r"|directions?"
        r"|commands?|guidelines|context|queries|requests|tasks|other info(?:rmation)?|info|content|scoring)\b"
        r"(?=[^\w\n]{0,3}(?:$|\n)|[^\n]{0,160}?\b(?:instead|say|print|output|respond|reply|answer|focus|only"
        r"|except)\b)",
    ),
    _rule(
        "bovenstaande obige vorstehende précède anterior sopra acima above",
        rf"\b{ASIDE} (?:het bovenstaande|das (?:obige|vorstehende)|ce qui précède|lo anterior|quanto (?:detto )?sopra"
        r"|o (?:que está )?acima"
        r"|the above)\b(?: (?:and|en|und|et|y|e)\b|[.:!])",
    ),
    _rule(
        "rule rules instruction instructions guideline guidelines",
        rf"\b{ASIDE} (?:all|any|every|the|each)? ?(?:rules?|instructions?|guidelines?|constraints?) (?:that )?you "
        r"(?:follow|have|were given|are given|obey|know)\b",
    ),
    _rule(
        "instructed told taught",
        r"\b(?:everything|anything|all|whatever) (?:that )?you (?:were|have been|had been) (?:instructed|told"
        r"|taught)\b",
    ),
    _rule(
        "instructions instruction task rules",
        r"\byour (?:instructions?|task|rules) (?:have|has) (?:been )?(?:changed|replaced|updated|revoked)\b|\bstop "
        r"(?:your|the) (?:current|present|original) (?:task|instructions?)\b",
    ),
    _rule(
        "instead rather",
        r"\b(?:rather than|instead of) (?:answering|summari[sz]ing|translating|analy[sz]ing)\b[^.\n]{0,60}?[,;] "
        r"?(?:just |simply |only |please )?(?:output|print|say|respond|reply|answer|write|repeat|return)\b|\bdo not "
        r"(?:answer|summari[sz]e|translate|analy[sz]e) (?:this|the)\b[^\n]{0,40}?[.,;] ?instead\b",
    ),
    _rule(
        "only",
        r"\bthe only (?:valid|correct|allowed|acceptable|permitted|right) (?:response|answer|reply|output)(?: to "
        r"[^.\n]{0,30})? is\b",
    ),
    # Speak to the machine.
    _rule(
        MACHINE_WORDS,
        r"\b(?:notes?|messages?|instructions?|attention|notice|hints?|important|reminder|hinweis|nachricht|anweisung"
        r"|nota"
        r"|mensaje|messaggio|mensagem|avis|bericht|opmerking|сообщение|примечание)\b[^.\n]{0,20}? "
        r"(?:to|for|an (?:den|die|das|alle)|für|à|aux?|pour|para|al?|per|aan|voor|для) (?:l['’]|la |le |les |el |los "
        rf"|lo |il |gli |de |het )?{MACHINE}\b",
    ),
    _rule(
        MACHINE_WORDS,
        r"(?:^|[.!?:]\s+)(?:attention|hey|hello|dear|hi|to|achtung|liebe[rs]?|cher|chère|querid[oa]|caro"
        rf"|beste)?[, ]*{MACHINE}\s*[:,!]\s*(?:please |kindly |bitte )?(?:{SAY}|ignore|disregard|follow|do not"
        rf"|don['’]t|never|always|you|the (?:rest|remainder|following)|{SAY_ABROAD})\b",
    ),
    _rule(
        MACHINE_WORDS,
        rf"(?:^|[.!?]\s+)(?:attention|achtung|atención|attenzione|aandacht|atenção|внимание)[,:]? {MACHINE}\s*[:,!]",
    ),
    _rule(
        MACHINE_WORDS,
        r"(?:^|[.!?:]\s+)(?:to|an|à|aux?|al?|aan|para|a) (?:alle|all|any|toutes? les|tous les|todos los|todas as"
        rf"|tutti (?:i|gli))? ?{MACHINE}\s*:",
    ),
    _rule(
        "model modèle modelo modello",
        r"\b(?:note|message|instructions?|nota|mensaje|messaggio|mensagem)\b(?: to| for| pour| à| para| per| al?) "
        r"(?:the |le |au |el |il |o )?(?:model|modèle|modelo|modello)\s*:",
    ),
    _rule(MACHINE_WORDS, rf"(?:^|[.!?:]\s+)you,? (?:as )?{MACHINE},"),
    _rule(
        "bots crawlers summarizers summarisers summarizer summariser tools models readers",
        r"\b(?:bots|crawlers|scrapers|summari[sz]ers?|(?:summary|ai|screening|analysis) tools|(?:ai|language) "
        r"models)\b"
        rf"{GAP}{{0,40}}?\b(?:must|should|shall|are to|have to) (?:always |only )?(?:describe|report|say|state|claim"
        r"|conclude|rate|rank|recommend|praise|mention)\b",
    ),
    _rule(
        "summarizer summariser summarizers summarisers model models bots",
        r"\b(?:instructions?|notes?|messages?|orders?|commands?) (?:to|for) (?:the |any |all )?(?:summari[sz]ers?|bots"
        r"|crawlers)\b",
    ),
    _rule(MACHINE_WORDS, rf"\b{MACHINE} (?:müssen|muss|sollen|soll|sollten)\b{GAP}{{0,40}}?\bmit {QUOTE}"),
    _rule(
        MACHINE_WORDS,
        rf"\b(?:for|to) (?:any|all|every|each) {MACHINE}\b[^.\n]{{0,12}}\b(?:reading|processing|parsing"
        r"|summari[sz]ing|analy[sz]ing|reviewing|that|which|who)\b",
    ),
    _rule(
        MACHINE_WORDS,
        rf"\b(?:if|when|since|as|because) (?:you are|you['’]re|you were) {MACHINE}\b|\bas {MACHINE}(?: reading "
        r"this)?, you\b",
    ),
    _rule(
        MACHINE_WORDS,
        rf"\b{MACHINE} (?:reading|processing|integrating|parsing|summari[sz]ing|analy[sz]ing) (?:this|the)\b",
    ),
    _rule(
        MACHINE_WORDS + " model models",
        rf"\b(?:{MACHINE}|the models?) (?:must|should|shall|has to|have to|is to|are to|will|müssen|muss|sollen|soll"
        r"|doit|doivent|debe|deben|deve|devono|moet|moeten)\b"
        rf"{GAP}{{0,12}}?(?:\b(?:only|always|never|not|solely|now|auf|immer|nur|toujours|siempre|sempre"
        rf"|altijd)\b{GAP}{{0,30}}?)?\b(?:{SAY}|rank|rate|approve|reject|mention|{SAY_ABROAD})\b"
        rf"(?={GAP}{{0,60}}?(?:{QUOTE}|:|\bthat\b|\bonly\b|\bsolely\b|\bas\b))",
    ),
    _rule(
        "model models assistant ai chatbot",
        r"\b(?:model|assistant|ai|chatbot) (?:only |always )?(?:replies|responds|answers|outputs) (?:only|solely"
        r"|exclusively|just) with\b",
    ),
    _rule(
        "invisible hidden visible",
        r"\b(?:invisible|hidden) (?:to|from) (?:humans?|readers|people|users?)\b|\bvisible (?:only )?to (?:\w+ "
        r")?(?:llms?|ai|models?|machines|bots?|scrapers|scan)\b|\bhidden\b[^.\n]{0,40}\bfor automated\b",
    ),
    # Be somebody else from now on.
    _rule(
        "you du tu eres sei je você",
        r"\byou (?:are now (?:(?:an? |the )?(?:\w+ )?(?:assistant|ai|bot|agent|model|pirate|character|hacker|persona"
        r"|dan|unrestricted"
        r"|uncensored|unfiltered|jailbroken|evil)\b|in \w+ mode|no longer|free (?:of|from|to))|must now (?:act|behave"
        r"|respond|reply|answer|obey|reveal|disclose|print|output|pretend)"
        r"|will now (?:act|behave|respond|reply|answer|obey)|are no longer (?:an?|bound|restricted|required|subject)"
        r"|may not deviate|have been (?:reprogrammed|instructed to|assigned the))\b(?! (?:member|user|customer"
        r"|owner)\b)",
    ),
    _rule(
        "now henceforth onward onwards",
        r"\b(?:from (?:now|here|this point)(?: on| onwards?)?|henceforth|from here|effective immediately),? (?:answer"
        r"|respond|reply|speak|talk|write) (?:only |always )?(?:in|as|with|like)\b|\b(?:from (?:now|here)(?: on)?"
        r"|henceforth),? you (?:are (?:an? |the |to )|must (?:act|behave|only|always)|shall (?:act|behave|only)|will "
        r"(?:act|behave|respond|reply|answer|speak|only)|have no)\b|\byou (?:shall|must|will) (?:now|henceforth) "
        r"(?:act|behave|respond|reply)",
    ),
    _rule(
        "duty task job goal purpose role objective directive instruction instructions",
        r"\byour (?:new|real|actual|only|sole|true) (?:instructions?|task|job|goal|objective|purpose|role|duty"
        r"|directive)\b[^.\n]{0,30}? (?:is|are|be)\b(?! to (?:check|report|inform your))",
    ),
    _rule(
        "du tu eres sei je você",
        r"\b(?:(?:ab (?:jetzt|sofort)|von nun an) bist du|(?:à partir de maintenant|dès maintenant|désormais),? tu es"
        r"|du bist (?:ab (?:jetzt|sofort)|jetzt|nun|von nun an) (?:ein\w*|der|die|kein\w*)|tu es (?:désormais"
        r"|maintenant|à présent) (?:une?|le|la)|(?:ahora|a partir de ahora|desde ahora),? eres una?|eres (?:ahora|a "
        r"partir de ahora) una?|(?:da (?:questo momento|ora)(?: in poi)?|ora|adesso),? sei una?|(?:vanaf nu|nu) "
        r"(?:ben je|ben jij) een|je bent (?:nu|vanaf nu) een|(?:a partir de agora|agora),? você é uma?)\b",
    ),
    _rule(
        "act behave respond pretend roleplay",
        r"\b(?:act|behave|respond|roleplay) as (?:if you (?:are|were)|though you|(?:if|though) (?:the |all |your "
        r")?(?:\w+ )?(?:rules|guidelines|filters|restrictions|instructions)\b|an? (?:unrestricted|different|evil"
        r"|uncensored|unfiltered|jailbroken))\b|\bpretend (?:(?:that )?(?:you (?:cannot|can['’]t|do not|don['’]t|have "
        r"no|are (?:an? )?(?:un\w+ed|evil|human|jailbroken))|there (?:is|are) no)|not to)\b",
    ),
    _rule(
        "restricciones restrictions limites límites restrizioni beperkingen restrições grenzen einschränkungen",
        r"\b(?:ai|agent|assistant|model|bot|asistente|assistente|assistent) (?:sans|sin|senza|zonder|sem|ohne"
        r"|without) (?:\w+ )?(?:restric\w+|l[ií]mit\w+|restriz\w+|beperking\w*|restriç\w+|grenzen|einschränkungen)\b",
    ),
    _rule(
        "disabled off lifted suspended",
        r"\bsafety (?:protocols?|checks?|filters?|rules?|guidelines) (?:are |is |have been )?(?:now )?(?:disabled|off"
        r"|lifted|suspended)\b",
    ),
    # Have the asker told something.
    _rule(
        USER_WORDS,
        r"\b(?:if|when|whenever|whatever|in case|wenn|falls|sobald|si|lorsque|quand|cuando|se|quando|als|wanneer|если"
        r"|когда)\b"
        rf"{GAP}{{0,12}}?(?:l['’]|le |el |il |lo |o |de |der |die |the |an? )?\b{USER}\b{GAP}{{0,80}}?[,;:]\s*"
        r"(?:then |please |always |simply |just |you must |dann |alors |siempre |sempre )?"
        rf"(?:{TELLS}|\b{SAY_ONE}\b)(?! (?:will|is|are|was|has|may|can|options?|boxes|fields?)\b)",
    ),
    _rule(
        "asked asks questioned",
        r"\b(?:if|when|whenever) (?:you (?:are|get)|you['’]re|anyone|someone|somebody)? ?(?:asked|asks"
        rf"|questioned)\b{GAP}{{0,80}}?[,;] ?(?:then |please |always |simply |just )?(?:claim|pretend|insist|(?:say"
        rf"|respond|reply|answer|state|tell|output|print)(?: them| only| simply)? ?(?:that|with|{QUOTE}|:))",
    ),
    _rule(
        "if asked",
        rf"^[^\n]{{0,3}}if asked\b{GAP}{{0,80}}?(?:respond|reply|answer|output|say|state) (?:with|{QUOTE}|:)",
    ),
    _rule(
        USER_WORDS,
        r"\b(?:do not|don['’]t|never|without) (?:tell|inform|let|alert|warn|notify|telling|informing|alerting"
        rf"|mention(?:ing)? (?:it|this) to)\b{GAP}{{0,12}}?\bthe {USER}\b(?:[^\n]{{0,40}}(?:this|instruction|note"
        r"|message|about)|[.!]|$)",
    ),
    _rule(
        USER_WORDS,
        rf"\b(?:so|and|then|instead|always|must|should),? tell (?:the|every|each|any) {USER}\b (?:that|to|about|:)",
    ),
    _rule(
        "evaluate assess summarize summarise mention reveal disclose answer",
        r"\b(?:do not|don['’]t|never) (?:evaluate|assess|summari[sz]e|mention|reveal|disclose"
        r"|answer)\b[^.\n]{0,40}\b(?:the candidate\b|the user['’]?s? (?:question|request)|this (?:note|message"
        r"|instruction)\b|these instructions)",
    ),
    _rule(
        "document text email mail page ticket note file message report article content resume résumé cv",
        r"\b(?:when|whenever|if|before|while|after) you (?:are )?(?:summari[sz]|process|read|analy[sz]|pars|review"
        rf"|translat|evaluat)\w* {THIS}\b",
    ),
    _rule(
        "dieses diesen diese ce cet cette este esta questo questa dit deze",
        r"\b(?:wenn du (?:dieses|diesen|diese) \w+ (?:zusammenfasst|liest|verarbeitest|auswertest|übersetzt)"
        r"|(?:lorsque|quand|si) (?:tu|vous) (?:résume|lis|traite|analyse|tradui)\w* (?:ce|cet|cette)|(?:cuando|si) "
        r"(?:resum|lea|leas|proces|analic)\w* est[ea]|(?:quando|se) (?:riassum|legg|elabor|analizz)\w* quest[oa]"
        r"|(?:als|wanneer) je (?:dit|deze) \w+ (?:samenvat|leest|verwerkt)|(?:quando|se|ao) (?:resum|ler|process"
        r"|analis)\w* est[ea])\b",
    ),
    _rule(
        "correct right answer",
        r"\bthe (?:correct|right|only) (?:answer|reply|response) to (?:every|each|any|all)\b",
    ),
    # Have the reply say certain words.
    _rule(
        "just only simply instead exactly now must should always please nothing verbatim solely",
        r"(?<!\bmay )(?<!\bcan )(?<!\bwill )\b(?:just|only|simply|instead|exactly|now|must|always"
        r"|solely)[ ,:]+(?:\w+ )?(?:print|output|say|respond|reply|answer|repeat|return|display|state|echo)\b(?: "
        rf"(?:back|with|by|exactly|only|the (?:word|words|phrase|text|string|sentence|following)))*[ :]*(?:{QUOTE}|:)",
    ),
    _rule(
        "print output say respond reply answer write repeat return display state echo",
        r"\b(?:and|then|instead|also|,) (?:print|output|say|respond|reply|answer|repeat|return|display|echo)(?: "
        r"(?:with|exactly|only|back))*\s*:\s*\S",
    ),
    _rule(
        "respond reply answer output print say repeat",
        r"\b(?:respond|reply|answer|output|print|say|repeat) (?:back )?(?:only|exactly|just|nothing but|solely"
        r"|verbatim|exclusively)(?: with| the (?:word|phrase|string|following|text"
        rf"|sentence)s?)*\b{GAP}{{0,40}}?(?:{QUOTE}\w|:\s*\S|\b(?-i:[A-Z]{{4,}})\b|\band nothing\b)",
    ),
    _rule(
        "nothing",
        r"\b(?:print|output|say|respond|reply|answer|write|repeat|return)\b[^.\n]{0,80}\b(?:and|with) (?:absolutely "
        r")?nothing else\b",
    ),
    _rule(
        "stop",
        r"\bstop everything (?:you|and (?:print|output|say|respond|reply|answer|write)|else you)|\bstop "
        r"everything\s*[.:!]",
    ),
    _rule(
        "focus concentrate rely report",
        r"\b(?:focus|concentrate|rely|report) (?:exclusively|solely|only) on (?:the )?(?:positive|negative"
        r"|information in)\b",
    ),
    _rule(
        "reply replies response responses answer answers output outputs summary summaries",
        r"\b(?:end|begin|start|finish|close|prefix|sign|conclude) (?:every|each|all|any|your)(?: of your)?(?: future| "
        r"further| single)? (?:repl(?:y|ies)|responses?|answers?|outputs?|summar(?:y|ies))\b",
    ),
    _rule(
        "reply replies response responses answer answers output outputs summary summaries report",
        r"\b(?:include|append|add|insert|put|mention|embed|repeat|place|state|say|write)\b[^.\n]{0,80}?(?:[\"“”'‘’:]"
        r"|https?://|\bthe (?:phrase|"
        r"sentence|words?|text|link|following|string)\b|\bverbatim\b)[^\n]{0,120}?\b(?:in|to|of|into|at)\b (?:(?:the"
        r"|end|beginning|start|top|of|first|last|line|sentence|paragraph) ){0,6}(?<!subject of )(?:your|every future"
        r"|each future|all future|any)"
        r" (?:\w+ )?(?:repl(?:y|ies)|responses?|answers?|summar(?:y|ies)|outputs?|reports?)\b",
    ),
    _rule(
        "reply replies response responses answer answers output outputs summary summaries report",
        r"\b(?:include|append|add|insert|put|embed|repeat)\b[^.\n]{0,60}?\b(?:in|to|of|into|at (?:the )?(?:end|start"
        r"|beginning|top) of)\b[^.\n]{0,20}?\b(?:your|every future|each future|all future)"
        r" (?:\w+ )?(?:summar(?:y|ies)|outputs?|(?:final|next|future|every) (?:repl(?:y|ies)|responses?|answers?))\b",
    ),
    _rule(
        "answer reply respond",
        r"\bbefore you (?:answer|reply|respond)\b(?! (?:an?|the|to (?:an?|the)|any|any of the) (?:customers?|clients?"
        r"|phone|calls?|letters?|e-?mails?|question))",
    ),
    _rule(
        "antwort réponse respuesta risposta antwoord resposta ответ",
        r"\b(?:beende|beginne|schließe|termine|commence|finis|termina|empieza|concludi|inizia|eindig|begin|termine"
        r"|comece|заканчивай|начинай)\b "
        r"(?:jede\w*|chaque|toutes (?:tes|les)|cada|todas (?:tus|las|as)|ogni|elk\w*|каждый) (?:antwort|réponse"
        r"|respuesta|risposta|antwoord|resposta|ответ)",
    ),
    _rule(
        "stattdessen statt plutôt lugar invece plaats",
        r"\b(?:gib|schreibe?|sage?|antworte|affiche|dis|écris|di|escribe|scrivi|rispondi|zeg|schrijf)\b "
        rf"(?:stattdessen|plutôt|à la place|en su lugar|invece|in plaats daarvan)\b {GAP}{{0,30}}?{QUOTE}",
    ),
    _rule(
        "matter whatever regardless",
        rf"\b(?:no matter (?:what|which)|whatever|regardless of (?:what|which|the))\b{GAP}{{0,20}}?\b(?:question"
        rf"|asked|request|prompt|query|input)\b{GAP}{{0,20}}?,? (?:always |just |only |simply )?(?:say|respond|reply"
        r"|answer|output|print|state|return)\b",
    ),
    _rule(
        "asks asked",
        rf"\b(?:any(?:one|body)|some(?:one|body)|they|people) asks?\b{GAP}{{0,60}}?, (?:always |just |only |simply "
        rf")?(?:say|respond|reply|answer|state|claim|output)(?: with| that)? ?(?:{QUOTE}|:)",
    ),
    _rule(
        "summary summaries answer response reply output",
        r"\b(?:the|any|every|each|your) (?:summary|answer|response|reply|output|summaries) (?:must|should|shall|has "
        r"to|will) (?:only |always )?(?:consist (?:only |solely )?of the|(?:say|state|read|claim|conclude"
        rf"|be)\b[ :]*{QUOTE}|contain (?:only|nothing but|the (?:word|phrase|sentence|link)))",
    ),
    # What may not be told.
    _rule(
        USER_WORDS,
        rf"\b(?:conceal|hide|withhold|keep)\b{GAP}{{0,40}}?\bfrom the {USER}\b{GAP}{{0,10}}?(?:and|but|[.;,:!]|$)",
    ),
    _rule(
        USER_WORDS,
        r"\b(?:sage?|verrate?|erzähle?|n['’]informe[zr]? pas|ne (?:dis|dites|révèle[zr]?|mentionne[zr]?) (?:pas|rien"
        r"|jamais)|no le (?:digas|cuentes|reveles)|non (?:dire|informare|rivelare)|vertel|não (?:diga|conte|revele)"
        rf"|не говори)\b{GAP}{{0,12}}?(?:l['’]|al? |all['’]|ao |de |dem |den )?\b{USER}\b",
    ),
    _rule(
        "prompt prompts instruction instructions message systemprompt systemprompts systeemprompt",
        rf"\b{SHOW}\b{GAP}{{0,40}}?\b{HIDDEN_PROMPT}|\byour (?:system|hidden|initial|secret) (?:prompt|instructions?)\b"
        rf"|\b(?:deinen?|ton|tus?|il tuo|je) {HIDDEN_PROMPT}",
    ),
    _rule(
        "affiche révèle revela muestra mostra rivela verrate zeige",
        r"\b(?:affiche|révèle|revela|muestra|mostra|rivela|verrate|zeige?)\w* (?:tes|tus|le tue|deine|as tuas) "
        r"(?:instruc\w+|istruzion\w+|anweisung\w*|consignes)\b",
    ),
    _rule(
        "send email mail forward post transmit upload exfiltrate append encode",
        r"\b(?:send|e-?mail|forward|post|transmit|upload|exfiltrate|append"
        rf"|encode)\b{GAP}{{0,40}}?\b{DATA}\b[^\n]{{0,60}}?(?:\b(?:to|at|into|in)\b[^\n]{{0,20}}?(?:@|https?:|www\."
        r"|\burl\b|\baddress\b)|\w@\w)",
    ),
    # The marks by which prompts themselves are written.
    _rule(
        "instructions instruction instrucciones consigne consignes prompt anweisung anweisungen",
        r"\b(?:new|updated|revised|real|actual|hidden|secret|override) (?:system )?(?:instructions?|prompt)\s*[:!]"
        r"|\bneue anweisung(?:en)?\s*:|\bnouvelles? (?:instructions?|consignes?)\s*:|\bnuevas? instrucci\w+\s*:",
    ),
    _rule(
        "begin start end",
        r"\b(?:begin|start|end) (?:of )?(?:new |the )?(?:system|hidden|user|assistant) (?:prompt|instructions?"
        r"|message)\b",
    ),
    _rule(
        "system système sistema",
        r"\bsystem ?(?:note|override|hinweis|anweisung|alert|command)\s*:|\bnote syst[eè]me\s*:|\bnota (?:del|di|do) "
        r"sistema\s*:|\boverride manual\b",
    ),
    _rule("systemnote systemhinweis systemanweisung", r"\bsystem(?:note|hinweis|anweisung)\s*:"),
)

# Tried where their first characters stand in the text, whatever the words.
MARKUP = re.compile(
    r"<\|[a-z_]{2,30}\|>|[<\[]/?end of (?:session|conversation|prompt|context|instructions?|system \w+)[>\]]"
    r"|\[/?INST\]|<</?SYS>>|\[/?system\]|</?(?:system|assistant|instructions?|prompt)>"
    r"|^\s*#{2,}\s*(?:system|instructions?|assistant|response|new task)\s*:?\s*$"
    r"|^[ \t>*-]*(?:assistant|human)[ \t]*:[ \t]*(?=\S)"
    # A requirement or a legend may begin like that, too.
    r"|^[ \t>*-]*(?:system|user)[ \t]*:[ \t]*"
    r"(?=[^\n]{0,120}?\b(?:you|your|ignore|respond|reply|answer|instructions?|prompt|focus|the user)\b)",
    re.IGNORECASE | re.MULTILINE,
)
MARKUP_SIGNS = ("<", "[", "##", "assistant", "system", "user", "human")
