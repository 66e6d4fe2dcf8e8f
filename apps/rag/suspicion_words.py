"""Words by which orders to a machine are known, as parts of regular expressions, and the triggers for them.

English, German, French, Spanish, Italian, Dutch, Portuguese and Russian.
"""

GAP = r"[^.!?\n]"
QUOTE = r"[\"“”„«'‘’<`]"
# Who is spoken to. "Assistant" alone also is a rank among people.
RANKS = "manager|professor|director|secretary|editor|coach|surgeon|nurse|general|attorney|engineer|accountant|to|of"
MACHINE = (
    r"(?:(?:an? |the |any |all |every |this |your |dear )?(?:large |powerful )?"
    r"(?:ai|artificial intelligence|llms?|language models?|chat ?bots?|gpt(?:-?\d\w*)?|claude|gemini|copilot"
    r"|(?:ai|virtual|automated|automatic|digital|helpful|screening|summari[sz]ation|analysis|language|llm)[ -](?:\w+ )?"
    r"(?:assistants?|systems?|software|tools?|models?|agents?|bots?|readers?|scanners?|reviewers?|processors?)"
    rf"|assistants?(?! (?:{RANKS})\b)"
    r"|ki(?:-?(?:assisten\w+|systeme?n?|modelle?n?|agent\w*))?|sprachmodell\w*|assistenten?"
    r"|mod[eè]les? de langage|intelligence artificielle|assistant ia|ia|modelos? de lenguaje|inteligencia artificial"
    r"|asistentes?(?: de ia| virtual)?|modell[oi] linguistic[oi]|intelligenza artificiale"
    r"|assistente(?: ia| virtual\w?)?"
    r"|modelos? de linguagem|inteligência artificial|ai-assistent\w*|taalmodel\w*"
    r"|нейросет\w+|языков\w+ модел\w+|ассистент\w*))"
)
MACHINE_WORDS = """
    ai artificial llm llms language chatbot chatbots chat gpt claude gemini copilot virtual automated automatic digital
    helpful screening summarization summarisation analysis assistant assistants ki sprachmodell sprachmodelle
    sprachmodellen assistent assistenten modèle modèles intelligence ia modelo modelos inteligencia asistente asistentes
    modello modelli intelligenza assistente inteligência taalmodel taalmodellen нейросеть нейросети ассистент ассистента
    ассистенту модель модели
"""
# What a reply is made of. In the languages with inflection also as an order to one person.
SAY = (
    r"(?:say|respond|reply|replies|answer|output|print|claim|return|tell|repeat|echo|insist|pretend|recommend|conclude"
    r"|assert|state|display|write|report|praise|suggest)"
)
SAY_ABROAD = (
    r"(?:antworte\w*|sag|sage|sagen|schreib\w*|nenne\w*|behaupte\w*|empfehl\w*|empfiehl|gib|geben|füge|lobe"
    r"|répon\w+|dis|dites|écri\w+|affiche\w*|ajoute\w*|recommande\w*|nomme\w*|prétend\w*"
    r"|responde\w*|responda\w*|di|diga\w*|escribe|escriba|muestra|muestre|recomienda|recomiende|revela|añade"
    r"|rispond\w+|dì|dica|scriv\w+|mostra|consigli\w+|raccomand\w+|aggiung\w+|rivela"
    r"|antwoord|zeg|schrijf|noem|beveel|toon|escreva|mostre|recomende|revele|ответь\w*|отвечай\w*|скажи\w*|напиши\w*)"
)
# The same as an order to one person, which no form of "it answers" is.
SAY_ONE = (
    r"(?:antworte|sage?|schreibe?|nenne|behaupte|empfiehl|gib|réponds|répondez|dis|dites|écris|écrivez|affiche|ajoute"
    r"|recommande|prétends|di|responde que|responda|diga|recomienda|rispondi|dì|di['’]|mostra|consiglia"
    r"|raccomanda|aggiungi|antwoord|zeg|schrijf|noem|beveel|escreva|recomende|ответь|отвечай|скажи|напиши)"
)
BEFORE = (
    r"(?:previous|previously|prior|preceding|earlier|above|foregoing|former|existing|initial|original|past|given before"
    r"|vorherig\w*|bisherig\w*|vorig\w*|obig\w*|früher\w*|vorangegangen\w*|précédent\w*|antérieur\w*|ci-dessus"
    r"|anterior\w*|previ[oa]s?|precedent\w*|eerdere|vorige|bovenstaande|предыдущ\w*|прежн\w*)"
)
ORDERS = (
    r"(?:instructions?|prompts?|directions?|directives?|commands?|guidelines?|guidance|rules?|orders|context|messages?"
    r"|training|programming|constraints?|restrictions?|tasks?|requests?|queries|query|questions?"
    r"|anweisung\w*|instruktion\w*|vorgabe\w*|regeln?|befehl\w*|richtlinien|anordnung\w*"
    r"|consignes?|ordres?|règles?|instrucci\w+|órdenes|reglas|indicaciones|istruzion\w*|regole|ordini|indicazioni"
    r"|instructies|opdrachten|aanwijzingen|regels|instruç\w+|regras|ordens|инструкци\w*|указани\w*|команд\w*)"
)
ASIDE = (
    r"(?:ignor(?:e|ing)|disregard(?:ing)?|forget|overrid(?:e|ing)|overrule|bypass|discard|neglect|abandon|drop"
    r"|do not (?:obey|follow|heed)|don['’]t (?:obey|follow|heed)|stop (?:obeying|following)"
    r"|pay no (?:attention|heed) to"
    r"|ignoriere?n?|vergiss|vergessen sie|missachte\w*|beachte\w*|befolge\w*|ignore[zr]?|oublie[zr]?"
    r"|ne (?:tiens|tenez) (?:plus |pas )?compte|haz caso omiso"
    r"|hagan? caso omiso|ignora|ignoren?|olvid\w+|no sigas|ignorare|dimentica\w*"
    r"|non tener\w* conto|trascura|negeer|vergeet|desconsider\w+|esque[çc]\w+|игнориру\w+|забудь\w*"
    r"|не обращай внимания)"
)
ASIDE_WORDS = """
    ignore ignoring disregard disregarding forget override overriding overrule bypass discard neglect abandon drop obey
    follow heed obeying following attention ignorieren ignoriere ignorier vergiss vergessen missachte missachten beachte
    beachten befolge befolgen ignorez ignorer oublie oubliez oublier compte omiso ignora ignoren olvida olvide olviden
    olvidar sigas ignorare dimentica dimenticare dimenticate conto trascura negeer vergeet desconsidere desconsidera
    desconsiderem desconsiderar esqueça esquece esqueca игнорируй игнорируйте игнорировать забудь забудьте внимания
"""
TELLS = r"(?:(?:say|respond|reply|answer|claim|tell|pretend|state|insist|recommend|mention|output|print|write)\b)"
USER = (
    r"(?:users?|humans?|readers?|asker|person asking|utilisateurs?|usuarios?|utent[ei]|nutzer\w*|benutzer\w*"
    r"|gebruikers?|usuário|utilizador|пользовател\w*)"
)
USER_WORDS = """
    user users human humans reader readers asker asking utilisateur utilisateurs usuario usuarios utente utenti nutzer
    nutzerin benutzer gebruiker gebruikers usuário usuários utilizador utilizadores пользователь
    пользователя пользователю пользователем
"""
HIDDEN_PROMPT = (
    r"(?:(?:system|hidden|secret|initial|developer)[ -](?:prompt|instructions?|message)s?|systemprompt\w*|system-prompt"
    r"|prompts? (?:de |del |do )?(?:sistema|système)|instructions? syst[eè]me|prompt di sistema|systeemprompt)"
)
SHOW = (
    r"(?:reveal|print|show|repeat|leak|output|display|disclose|expose|dump|give|tell|quote|zeig\w*|gib|geben|verrate\w*"
    r"|nenne\w*|affiche\w*|révèle\w*|montre\w*|revela|muestra|muestre|rivela|mostra|revele|mostre|toon|onthul)"
)
DATA = (
    r"(?:(?:this|the|our|entire|whole|full) (?:conversation|dialogue?|chat|context|history)|chat (?:history|log)"
    r"|conversation (?:history|log|so far)|system prompt|api[ -]keys?|customer (?:data|e-?mails|list)"
    r"|user['’]?s? (?:data|messages?|questions?|files?|documents?))"
)
THIS = (
    r"(?:this|the|that) (?:document|text|e-?mail|page|ticket|note|file|message|report|article|content|résumé|resume|cv)"
)
