"""What the documents do not answer: topics without questions for administrators, one's own questions in full."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.accounts.services.groups import group_create, group_member_add
from apps.audit.models import Event
from apps.conversations.gap_topics import WeakQuestion, topics_of
from apps.conversations.models import Feedback, KnowledgeGap, Message, Retrieval
from apps.conversations.tasks import gaps_count, gaps_refresh
from apps.conversations.tests.factories import conversation_make, reply_make

pytestmark = pytest.mark.django_db
GAPS = reverse("conversations:gaps")
MINE = reverse("conversations:gaps-mine")


def weak(person, question, **fields):
    reply = reply_make(
        conversation_make(person), state=Message.State.COMPLETE, content="No.", **{"is_unanswered": True, **fields}
    )
    Message.objects.filter(children=reply).update(content=question)
    return reply


@pytest.fixture
def asked(ada, ben, workspace):
    weak(ada, "How long is parental leave for Yvette?")
    weak(ada, "Who pays during parental leave in 2024?")
    weak(ben, "Can I split my parental leave?")
    weak(ben, "What is the salary of Zorro Quibble?")
    weak(ben, "Salary of Zorro Quibble last year, account DE4711?")
    weak(ben, "Zorro Quibble salary again?")
    gaps_count(str(workspace.pk))


def test_topics_are_words_that_several_people_used(client_anna, asked):
    # Keys elsewhere on the page may hold any figures.
    page = client_anna.get(GAPS).content.decode().partition("<table")[2].partition("</table>")[0]
    assert "parental, leave" in page
    for secret in ("yvette", "zorro", "quibble", "salary", "2024", "4711", "how long"):
        assert secret not in page.lower(), secret
    assert "No common topic" in page
    rows = KnowledgeGap.objects.order_by("-questions", "people").values_list("terms", "questions", "people")
    assert [(sorted(terms), questions, people) for terms, questions, people in rows] == [
        ([], 3, 1),
        (["leave", "parental"], 3, 2),
    ]
    assert Event.objects.get(action="gaps_read").data == {"topics": 2}


def test_weak_is_not_in_the_documents_too_little_found_or_rated_bad(ada, ben, workspace):
    found_little = weak(ada, "Where is the travel policy?", is_unanswered=False)
    Retrieval.objects.create(workspace=workspace, message=found_little, kind="search", is_enough=False)
    bad = weak(ben, "Which travel policy applies?", is_unanswered=False)
    Feedback.objects.create(workspace=workspace, message=bad, user=ben, rating=-1)
    weak(ada, "Is there a travel policy?")
    good = weak(ben, "Explain the travel policy", is_unanswered=False)
    Feedback.objects.create(workspace=workspace, message=good, user=ben, rating=1)
    gaps_count(str(workspace.pk))
    gap = KnowledgeGap.objects.get()
    assert (sorted(gap.terms), gap.questions, gap.people) == (["policy", "travel"], 3, 2)


def test_words_are_one_in_all_their_forms_and_small_words_none(ada, ben, workspace):
    weak(ada, "Wie viele Urlaubstage habe ich und wann verfällt der Urlaub?")
    weak(ada, "Wann verfallen die Urlaubstage?")
    weak(ben, "Wie kann ich den Urlaubstag auf das nächste Jahr übertragen?")
    gaps_count(str(workspace.pk))
    assert KnowledgeGap.objects.get().terms == ["urlaubstage"]


def test_teams_are_told_apart_where_enough_of_their_people_asked(client_anna, admin_anna, ada, ben, workspace, asked):
    both = group_create(actor=admin_anna, workspace_id=workspace.pk, title="Sales")
    alone = group_create(actor=admin_anna, workspace_id=workspace.pk, title="Lonely")
    for group, person in ((both, ada), (both, ben), (alone, ben)):
        group_member_add(actor=admin_anna, group_id=group.key, user_id=person.pk)
    gaps_count(str(workspace.pk))
    page = client_anna.get(GAPS).content.decode()
    assert "Sales" in page
    assert "Lonely" not in page
    assert "parental, leave" in client_anna.get(GAPS, {"group": str(both.key)}).content.decode()
    for nonsense in (str(alone.key), "nonsense"):
        assert client_anna.get(GAPS, {"group": nonsense}).status_code == 404


def test_weeks_are_counted_and_what_is_long_ago_is_not(ada, ben, workspace):
    now = timezone.now()
    for person, days in ((ada, 1), (ben, 2), (ada, 15), (ben, 100)):
        reply = weak(person, "Where is the canteen menu?")
        Message.objects.filter(pk=reply.pk).update(created_at=now - timedelta(days=days))
    gaps_count(str(workspace.pk))
    gap = KnowledgeGap.objects.get()
    assert gap.questions == 3
    assert gap.weeks == [0] * 9 + [1, 0, 2]


def test_the_night_counts_every_workspace_anew(ada, workspace, asked, django_capture_on_commit_callbacks):
    Message.objects.update(is_unanswered=False)
    gaps_count(str(workspace.pk))
    assert not KnowledgeGap.objects.exists()
    gaps_refresh()


def test_everybody_sees_their_own_questions_in_full_and_no_others(client_ada, client_ben, client_anna, asked):
    page = client_ada.get(MINE).content.decode()
    assert "How long is parental leave for Yvette?" in page
    assert "Can I split" not in page
    assert "Can I split my parental leave?" in client_ben.get(MINE).content.decode()
    assert "Yvette" not in client_anna.get(MINE).content.decode()


def test_only_administrators_see_topics(client_ada, client_vera, client_cleo, asked):
    for client in (client_ada, client_vera):
        assert client.get(GAPS).status_code == 403
        assert client.post(GAPS).status_code == 403
    assert "parental" not in client_cleo.get(GAPS).content.decode()


def test_an_administrator_has_them_counted_now(client_anna, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as callbacks:
        assert client_anna.post(GAPS)["Location"] == GAPS
    assert len(callbacks) == 1
    assert "Nothing was counted yet" in client_anna.get(GAPS).content.decode()


def test_queries_do_not_grow_with_the_topics(client_anna, ada, ben, workspace, django_assert_max_num_queries):
    for number in range(10):
        word = "abcdefghij"[number] * 6
        for person in (ada, ada, ben):
            weak(person, f"{word} please")
    gaps_count(str(workspace.pk))
    assert KnowledgeGap.objects.count() == 10
    client_anna.get("/")
    with django_assert_max_num_queries(14):
        client_anna.get(GAPS)


def test_each_question_counts_in_one_topic(ada, ben):
    def question(person, *terms):
        return WeakQuestion(person_id=person.pk, week=0, terms=frozenset(terms))

    questions = [
        question(ada, "visa", "travel"),
        question(ben, "visa", "travel"),
        question(ben, "visa"),
        question(ada, "travel"),
        question(ben, "secret"),
        question(ben, "secret"),
        question(ben, "secret"),
    ]
    topics = topics_of(questions, weeks=1)
    assert [(topic.terms, topic.questions, topic.people) for topic in topics] == [
        (("visa",), 3, 2),
        ((), 4, 2),
    ]
