"""Questions that ask of the opposite, or of another number, what the passages say."""

import pytest

from apps.conversations.replies.checking import answer_is_doubtful
from apps.conversations.replies.premises import swaps_of
from apps.conversations.tests.passages import passages

HANDBOOK = (
    "Visitors park behind the old mill. Requests for a refund are decided within two weeks by the regional office. "
    "The night shift receives a bonus of 12 percent. The second meeting of the board is public. "
    "In stage 3 a formal hearing takes place. Board meetings are open to guests on weekdays."
)


def pairs(question, *texts):
    return [(swap.asked, swap.said) for swap in swaps_of(question, texts or [HANDBOOK])]


@pytest.mark.parametrize(
    ("question", "pair"),
    [
        # Between the same words, and beside one of them.
        ("Which percentage does the day shift receive as a bonus?", ("day", "night")),
        ("What is the bonus of the day shift?", ("day", "night")),
        ("Which board meetings are closed to guests?", ("closed", "open")),
        # By what stands before the word.
        ("When does an informal hearing take place?", ("informal", "formal")),
        # Numbers that number something.
        ("Is the fourth meeting of the board public?", ("fourth", "second")),
        ("In which stage 4 does a hearing take place?", ("4", "3")),
    ],
)
def test_the_opposite_is_asked(question, pair):
    assert pair in pairs(question)


@pytest.mark.parametrize(
    "question",
    [
        # Another wording.
        "Which reward does the nightly shift receive?",
        "Who decides claims for a refund?",
        "Are requests for a reimbursement decided within two weeks?",
        "Where do guests park behind the former mill?",
        # How many may be asked of what lies between.
        "Are requests for a refund decided within three weeks?",
        # What is asked for, not taken for granted.
        "Which new mill?",
        "Which day shift?",
        "How closed are board meetings to guests?",
        # A sentence about something else.
        "Does the porter of the hotel in Ghent work the day shift on bank holidays?",
        "What?",
        "",
    ],
)
def test_the_same_is_asked_in_other_words(question):
    assert pairs(question) == []


def test_another_article_is_no_other_place():
    text = "Meetings in the summer of the decade were long."
    assert pairs("Were meetings in a winter of a decade long?", text) == [("winter", "summer")]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Who pays the Porto branch of the firm?", [("porto", "lisbon")]),
        ("Who pays the Lisbon branch of the firm?", []),
        # The same name in another spelling, short or by another word.
        ("Who pays the Lisbonn branch of the firm?", []),
        ("Who pays the Lisb branch of the firm?", []),
        # What the texts say elsewhere, and what may be a name of the same.
        ("Who pays the Ghent branch of the firm?", []),
        ("Which Porto branch of the firm pays?", []),
        ("Who pays the branch in Porto of the firm?", []),
    ],
)
def test_names_before_the_same_word(question, expected):
    text = "The Lisbon branch of the firm pays by itself. A branch in Ghent was closed."
    assert pairs(question, text) == expected


def test_nouns_that_another_language_writes_large_are_no_names():
    text = "Die Leitung der Porto Filiale des Hauses zahlt."
    assert pairs("Wer zahlt die Leitung der Lissabon Filiale des Hauses?", text) == []


def test_what_is_said_elsewhere_is_no_swap():
    question = "Which bonus does the day shift receive?"
    night = "The night shift receives a bonus."
    assert pairs(question, night, "Nobody works by day.") == [("day", "night")]
    assert pairs(question, night, "The shift by day receives nothing.") == []
    assert pairs(question, night, "The bonus of the day shift is small.") == []


def test_two_opposites_in_one_sentence():
    text = "The input voltage and the output voltage are equal."
    assert pairs("How high is the input voltage and how high the output voltage?", text) == []


def test_years_and_other_languages():
    assert pairs("What did the fund buy in May 1998?", "The fund bought land in May 1987.") == []
    assert pairs("Wie hoch ist der Lohn der Tagschicht?", "Der Lohn der Nachtschicht ist hoch.") == []


def test_such_an_answer_is_doubtful():
    def doubtful(question):
        answer = "The shift receives a bonus of 12 percent."
        return answer_is_doubtful(question=question, answer=answer, passages=passages(HANDBOOK))

    assert doubtful("Which percentage does the day shift receive as a bonus?")
    assert not doubtful("Which percentage does the night shift receive as a bonus?")
