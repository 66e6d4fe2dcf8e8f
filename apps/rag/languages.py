"""In which language a text is written, told by its small words. Pure."""

import re
from collections import defaultdict
from functools import cache

# Where nothing tells: stemming by English rules does little to names and numbers, and questions are stemmed alike.
DEFAULT = "english"
# A text that surely is in none of the languages: its words are searched as they stand.
OTHER = "simple"

# Postgres' text search configuration → frequent small words. Written by hand; a word of several languages counts for
# each of them by its share.
_SMALL_WORDS = {
    "english": "the of and to in is that it was for on are as with his they at be this from have or by one had not "
    "but what all were when we there can an your which their said if will each about how up out them then she many "
    "some so these would other into has more her like him could been its who did does do why where whose our than any",
    "german": "der die das und ist nicht ein eine einer einem einen eines zu den dem des mit sich auf für im von wird "
    "werden wurde wurden auch als an nach wie bei oder aus sind hat haben aber nur noch über so zum zur kann können "
    "durch dass daß ich wir sie es er ihr man wenn dieser diese dieses diesem war waren vor bis unter zwischen beim "
    "vom wer welche welcher welches wann wo warum sein seine ihre mehr sowie gegen um wieviel gibt es",
    "french": "le la les des du de et est une un que qui dans pour sur pas au aux par avec il elle ils elles ce cette "
    "ces se son sa ses ou mais nous vous ne plus sont été être leur leurs comme fait en d l c n j qu s je tu où quel "
    "quelle quels quelles quand comment pourquoi était ont avait peut entre sans lors ainsi après avant donc très y a "
    "à",
    "spanish": "el la los las de que y en un una por con no se su sus para es al del lo como más pero fue son este "
    "esta estos estas entre cuando muy sin sobre también ser hay donde quien desde todo nos durante ya o e le ha han "
    "había qué cuál cuáles quién cómo cuándo dónde cuánto cuántos según fueron puede está están era si uno ese esa",
    "italian": "il lo la i gli le di che e è un una uno in per con non si da del della dei delle dello degli al alla "
    "ai alle nel nella nei nelle sono come più anche ma o se su sul sulla questo questa questi queste quello suo sua "
    "suoi ha hanno stato stata essere dal dalla chi cosa quale quali quando dove perché quanto quanti tra fra ci ne l "
    "d era",
    "portuguese": "o a os as de que e do da em um uma para com não no na nos nas se por mais dos das como mas ao aos "
    "à às foi ele ela ou ser quando muito há já está eu também só pelo pela pelos pelas até isso entre era depois sem "
    "mesmo seu sua seus suas são foram qual quais quem onde quanto quantos são este esta esse essa pode têm tem você "
    "é",
    "dutch": "de het een van en in is dat op te zijn met voor niet aan er om ook als dan maar bij uit nog naar door "
    "over ze hij wordt worden werd werden hebben heeft had kan kunnen deze dit die tot of wat wie waar wanneer hoe "
    "welke waarom hun haar zij wij je ik geen meer moet onder tussen tegen sinds zoals was al veel",
    "russian": "и в не на что с по как это из для от за его то к но у так же бы все о она они он мы вы я был была "
    "было были или если при до ее её их уже только когда где кто который которая которые котор чем во со об также "
    "может быть есть нет после между этого этой этот том тем какой какая какие каков почему сколько под над про",
    "danish": "og i at det er en til på som med for de den af ikke der var han et har jeg om ved fra sig men vil kan "
    "skal være blev bliver efter over mod hvad hvem hvor hvornår hvordan hvilke også eller når havde deres denne "
    "dette",
    "swedish": "och i att det som en på är av för med till den har de inte om ett han men var jag sig från så kan man "
    "när hade än vid också efter eller ska skall blev vara mycket under mellan vad vem var hur vilka vilken denna "
    "detta",
    "norwegian": "og i det er på som en til av for med at ikke har de var den om et han fra men vi jeg seg kan skal "
    "ble blir være etter også eller når hadde ved hva hvem hvor hvordan hvilke denne dette mellom mot bare etter noen",
    "finnish": "ja on ei se että hän oli olla myös joka kun mutta ovat kuin tai sekä niin jos vain ollut sen hänen "
    "jossa mitä mikä kuka missä milloin miten miksi nämä tämä tämän ne he me te minä sinä eivät olivat voi mukaan "
    "jälkeen",
    "hungarian": "a az és hogy nem is egy volt ez meg de ha csak már van mint vagy azt ki még sem amely ezt ami "
    "azonban lesz voltak kell mit mi hol mikor hogyan miért minden után között által pedig ezek lehet illetve",
    "romanian": "și şi de a în la cu nu că o un pe din care se ce mai este sunt pentru ca sau fost dar prin după "
    "între fi al ale lui ei ai au către această acest acestea unde când cum cine cât fără până lor ori",
    "turkish": "ve bir bu da de için ile olarak çok daha gibi olan en ne var kadar sonra ama değil o her ya mi mı "
    "nasıl neden nerede kim hangi tarafından göre ise olduğu olduğunu veya ancak arasında şey oldu",
    "catalan": "el la els les de i a en que un una per amb no és del al dels als com més però ha van va aquest "
    "aquesta aquests són també seva seu on quan qui o si entre fins des molt hi ho",
    # Neighbours without a stemmer in Postgres, so that they are not taken for the languages above.
    "simple polish": "i w nie na się z do to że jest o jak a ale po co od za przez dla są tym czy był była było być "
    "ma które który która także oraz lub przy pod jego jej ich już tylko może gdzie kiedy kto tego tej",
    "simple czech": "a je se v na že to s do z o i jako k ve po za od pro by ale které který která jsou bylo byl byla "
    "být nebo při až jeho jejich také jen už když kde kdo co však podle mezi tím této tento",
    "simple ukrainian": "і й та в у не на що з до це як за від для він вона вони його її їх але або при є був була "
    "було були бути який яка які також після між цього цей ця коли де хто чи вже тільки може",
    "simple bulgarian": "и на в се да от за с не е са по като до че това към при ще или но той тя те му ги след който "
    "която които между също може беше бяха както когато къде кой този тази тези",
}
LANGUAGES = tuple(name for name in _SMALL_WORDS if not name.startswith(OTHER))

# Small words make up 30 to 50 % of prose and hardly 10 % of it in a foreign language.
_SHARE_MINIMUM = 0.08
# The best language must lead the second by this factor.
_LEAD = 1.25
# So many words without small ones of any language are a language that is not known here.
_OTHER_WORDS = 40
_OTHER_SHARE = 0.03
# Characters looked at: a few paragraphs tell.
_SAMPLE = 4000

_WORD = re.compile(r"[^\W\d_]+")
_CYRILLIC_OR_LATIN = re.compile(r"[\u0000-\u024f\u0400-\u052f\u1e00-\u1eff]")


def language_of(text: str) -> str | None:
    """A text search configuration of LANGUAGES; OTHER for any other language; None where too little tells."""
    words = [word.casefold() for word in _WORD.findall(text[:_SAMPLE])]
    if _is_other_script(words):
        return OTHER
    scores: dict[str, float] = defaultdict(float)
    for word in words:
        for language, share in _shares().get(word, ()):
            scores[language] += share
    ranked = sorted(scores.items(), key=lambda item: -item[1])
    best, score = ranked[0] if ranked else (OTHER, 0.0)
    second = ranked[1][1] if len(ranked) > 1 else 0.0
    if score >= max(0.9, _SHARE_MINIMUM * len(words)) and score >= _LEAD * second:
        return best.split()[0]
    if len(words) >= _OTHER_WORDS and score < _OTHER_SHARE * len(words):
        return OTHER
    return None


def languages_of(texts: list[str]) -> list[str]:
    """Of each part of a document; where one tells too little, the document's own or else DEFAULT."""
    found = [language_of(text) for text in texts]
    if all(found):
        return [language or DEFAULT for language in found]
    # Some words of each part, so that a long table in front does not speak for all.
    share = max(_SAMPLE // max(len(texts), 1), 200)
    whole = language_of(" ".join(text[:share] for text in texts)) or _commonest(found) or DEFAULT
    return [language or whole for language in found]


def _commonest(found: list[str | None]) -> str | None:
    told = [language for language in found if language]
    return max(told, key=told.count) if told else None


def _is_other_script(words: list[str]) -> bool:
    letters = "".join(words)
    return bool(letters) and 2 * len(_CYRILLIC_OR_LATIN.findall(letters)) < len(letters)


@cache
def _shares() -> dict[str, list[tuple[str, float]]]:
    """Small word → its languages, each with its share of 1."""
    languages: dict[str, list[str]] = defaultdict(list)
    for language, words in _SMALL_WORDS.items():
        for word in set(words.split()):
            languages[word].append(language)
    return {word: [(name, 1 / len(names)) for name in names] for word, names in languages.items()}
