"""Languages: told by small words, kept by passage, and searched together."""

import pytest

from apps.rag.languages import LANGUAGES, language_of, languages_of
from apps.rag.models import Chunk, CorpusStatistics
from apps.rag.search import search
from apps.rag.services import statistics_rebuild
from apps.rag.tests.factories import indexed
from apps.rag.types import SearchMode, SearchQuery

TEXTS = {
    "english": "The company was founded by two brothers, and its engines are sold in all of Europe.",
    "german": "Die Firma wurde von zwei Brüdern gegründet, und ihre Maschinen werden in ganz Europa verkauft.",
    "french": "La société a été fondée par deux frères, et ses machines sont vendues dans toute l'Europe.",
    "spanish": "La empresa fue fundada por dos hermanos y sus máquinas se venden en toda Europa.",
    "italian": "L'azienda è stata fondata da due fratelli e le sue macchine sono vendute in tutta Europa.",
    "portuguese": "A empresa foi fundada por dois irmãos e as suas máquinas são vendidas em toda a Europa.",
    "dutch": "Het bedrijf werd opgericht door twee broers en hun machines worden in heel Europa verkocht.",
    "russian": "Компания была основана двумя братьями, и её машины продаются по всей Европе.",
    "swedish": "Företaget grundades av två bröder och deras maskiner säljs i hela Europa, men inte i Asien.",
    "simple": "Firma została założona przez dwóch braci, a jej maszyny są sprzedawane w całej Europie.",
}
# A question in other forms of the words than the text of that language has.
QUESTIONS = {
    "english": "engine founding",
    "german": "Welche Maschine hat der Bruder gegründet?",
    "french": "Quelle machine est fondé par le frère ?",
    "spanish": "¿Qué máquina vende el hermano?",
    "italian": "Quale macchina del fratello?",
    "portuguese": "Qual máquina do irmão?",
    "dutch": "Welke machine van de broer?",
    "russian": "Какая машина у братьев компании?",
}


@pytest.mark.parametrize(("language", "text"), TEXTS.items())
def test_small_words_tell_the_language(language, text):
    assert language_of(text) == language


@pytest.mark.parametrize("text", ["", "12.5 | 13.1 | 2021", "Siemens AG", "turbine blade", "!?", "\x00"])
def test_too_little_tells_nothing(text):
    assert language_of(text) is None


@pytest.mark.parametrize(
    "text", ["東京は日本の首都です。", "Η Αθήνα είναι η πρωτεύουσα της Ελλάδας", "القاهرة عاصمة مصر"]
)
def test_other_scripts_are_searched_word_by_word(text):
    assert language_of(text) == "simple"


def test_parts_that_tell_nothing_are_in_the_documents_language():
    german = TEXTS["german"]
    parts = [german, "12 | 13", TEXTS["french"], german.replace("Firma", "Gesellschaft"), "Umsatz 2021"]
    assert languages_of(parts) == ["german", "german", "french", "german", "german"]
    assert languages_of(["12 | 13", "Alpha Beta"]) == ["english", "english"]
    assert languages_of([]) == []


@pytest.mark.django_db
def test_every_language_is_known_to_the_database(ada, workspace, embedder):
    for number, text in enumerate(TEXTS.values()):
        indexed(ada, text, filename=f"{number}.txt")

    assert set(Chunk.objects.values_list("language", flat=True)) == set(TEXTS)
    assert set(TEXTS) - {"simple"} <= set(LANGUAGES)
    assert CorpusStatistics.objects.get().languages == sorted(TEXTS)


@pytest.mark.django_db
@pytest.mark.parametrize(("language", "question"), QUESTIONS.items())
def test_each_language_is_found_by_its_stems_among_the_others(ada, embedder, language, question):
    for number, text in enumerate(TEXTS.values()):
        indexed(ada, text, filename=f"{number}.txt")

    found = search(user=ada, query=SearchQuery(text=question, mode=SearchMode.KEYWORD)).passages
    assert found[0].text == TEXTS[language]


@pytest.mark.django_db
def test_names_and_numbers_are_found_in_other_languages(ada, embedder):
    indexed(ada, "Der Vertrag mit der Firma Hartmetall wurde unter der Nummer KX-4711 abgelegt.", filename="a.txt")
    indexed(ada, "The contract with the other company was not filed.", filename="b.txt")

    for question in ("Where is the contract KX-4711 of Hartmetall?", "hartmetall", "¿Dónde está el KX-4711?"):
        found = search(user=ada, query=SearchQuery(text=question, mode=SearchMode.KEYWORD)).passages
        assert any("Hartmetall" in passage.text for passage in found[:2]), question


@pytest.mark.django_db
def test_small_words_of_a_question_count_in_no_language(ada, embedder):
    """Under `simple` passages have words like "the" in the index, and rarely: they must not outweigh what is asked."""
    indexed(ada, "kod the of and projekt " + TEXTS["simple"], filename="a.txt")
    for number in range(4):
        indexed(ada, f"The turbine and its parts are in hall {number}.", filename=f"{number}.txt")

    found = search(user=ada, query=SearchQuery(text="the parts of the turbine", mode=SearchMode.KEYWORD)).passages
    assert len(found) == 4
    assert all("turbine" in passage.text for passage in found)


@pytest.mark.django_db
def test_rebuild_forgets_languages_that_are_gone(ada, workspace, embedder):
    german, english = indexed(ada, TEXTS["german"]), indexed(ada, TEXTS["english"])
    german.document.delete()
    corpus = CorpusStatistics.objects.get()
    assert corpus.languages == ["english", "german"]

    statistics_rebuild(workspace_id=workspace.pk, profile_id=corpus.profile_id)

    corpus.refresh_from_db()
    assert corpus.languages == ["english"]
    english.document.delete()
