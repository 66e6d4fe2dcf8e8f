"""Reading another person's conversations: with a reason and a second factor, for half an hour, and they are told."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.accounts.exceptions import BreakGlassRefusedError
from apps.accounts.models import BreakGlass, Membership, Notice
from apps.accounts.services.break_glass import break_glass_end, break_glass_open
from apps.audit.models import Event
from apps.conversations.tests.factories import conversation_make, message_make
from chatbot.lib.errors import ForbiddenError, NotFoundError, ValidationFailedError

REASON = "A complaint of the works council, case 4711."

pytestmark = pytest.mark.django_db


@pytest.fixture
def talk(ada):
    conversation = conversation_make(ada, title="Salaries")
    conversation.leaf = message_make(conversation, content="What does the director earn?")
    conversation.save()
    return conversation


@pytest.fixture
def access(admin_anna, ada, workspace):
    return break_glass_open(actor=admin_anna, owner_id=ada.pk, workspace_id=workspace.pk, reason=REASON)


def read_url(access, conversation):
    return reverse("conversations:break-glass-read", args=[access.pk, conversation.pk])


def test_an_administrator_reads_and_the_owner_is_told(access, client_anna, client_ada, talk):
    page = client_anna.get(reverse("conversations:break-glass-list", args=[access.pk])).content.decode()
    assert "Salaries" in page
    page = client_anna.get(read_url(access, talk)).content.decode()
    assert "What does the director earn?" in page
    told = client_ada.get(reverse("accounts:notice-list")).content.decode()
    assert "anna@example.org may read your conversations" in told
    assert REASON in told


def test_every_look_is_recorded_without_the_text(access, client_anna, talk, ada):
    for _ in range(2):
        client_anna.get(read_url(access, talk))
    events = Event.objects.filter(action__startswith="break_glass").order_by("created_at")
    assert [event.action for event in events] == ["break_glass_opened", "break_glass_read", "break_glass_read"]
    assert {event.target_id for event in events} == {str(ada.pk)}
    assert events[1].data["conversation_id"] == str(talk.pk)
    assert "director" not in str([event.data for event in events])
    assert REASON not in str([event.data for event in events])


def test_without_an_access_nothing_opens(client_anna, client_root, client_ben, talk):
    for client in (client_anna, client_root, client_ben):
        assert client.get(reverse("conversations:conversation-detail", args=[talk.pk])).status_code == 404
        assert client.get(reverse("conversations:break-glass-list", args=[uuid4()])).status_code == 404


def test_an_access_is_its_holders_alone(access, client_ben, client_root, client_cleo, client_ada, talk):
    for client in (client_ben, client_root, client_cleo, client_ada):
        assert client.get(reverse("conversations:break-glass-list", args=[access.pk])).status_code == 404
        assert client.get(read_url(access, talk)).status_code == 404
        assert client.post(reverse("accounts:break-glass-end", args=[access.pk])).status_code == 404
    assert not Event.objects.filter(action="break_glass_read").exists()


def test_it_opens_this_person_in_this_workspace_only(access, client_anna, ben, ada, other_workspace):
    elsewhere = conversation_make(ada)
    elsewhere.workspace = other_workspace
    elsewhere.save()
    for conversation in (conversation_make(ben), elsewhere):
        assert client_anna.get(read_url(access, conversation)).status_code == 404


def test_it_ends_by_itself_and_by_hand(access, client_anna, talk, admin_anna):
    BreakGlass.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert client_anna.get(read_url(access, talk)).status_code == 404
    BreakGlass.objects.update(expires_at=timezone.now() + timedelta(minutes=1))
    assert client_anna.get(read_url(access, talk)).status_code == 200
    break_glass_end(actor=admin_anna, access_id=access.pk)
    assert client_anna.get(read_url(access, talk)).status_code == 404
    assert Event.objects.filter(action="break_glass_ended").count() == 1


def test_who_may_not_ask(ada, ben, vera, cleo, admin_anna, root, workspace, other_workspace):
    def ask(actor, owner, place=workspace, reason=REASON):
        return break_glass_open(actor=actor, owner_id=owner.pk, workspace_id=place.pk, reason=reason)

    for actor in (ben, vera):
        with pytest.raises(ForbiddenError):
            ask(actor, ada)
    for actor, owner, place in [
        (cleo, ada, workspace),
        (admin_anna, cleo, workspace),
        (admin_anna, cleo, other_workspace),
    ]:
        with pytest.raises(NotFoundError):
            ask(actor, owner, place)
    with pytest.raises(BreakGlassRefusedError):
        ask(admin_anna, admin_anna)
    with pytest.raises(ValidationFailedError):
        ask(admin_anna, ada, reason="curious")
    assert ask(root, ada).owner == ada
    assert Notice.objects.filter(user=ada).count() == 1


def test_asking_needs_a_second_factor(client_anna, ada):
    """The client of the test signed in without one, so the page does not open and nothing is opened."""
    url = reverse("accounts:break-glass-ask", args=[ada.pk])
    assert client_anna.get(url).status_code != 200
    assert client_anna.post(url, {"reason": REASON}).status_code != 200
    assert not BreakGlass.objects.exists()


def test_a_notice_goes_when_its_person_has_seen_it(access, client_ada, client_ben, ada):
    notice = Notice.objects.get(user=ada)
    url = reverse("accounts:notice-seen", args=[notice.pk])
    assert client_ben.post(url).status_code == 404
    assert client_ada.post(url, headers={"HX-Request": "true"}).status_code == 200
    assert "notice-row" not in client_ada.get(reverse("accounts:notice-list")).content.decode()


@pytest.mark.parametrize("end", ["demoted", "removed"])
def test_an_access_ends_with_the_role_it_was_given_to(access, admin_anna, client_anna, talk, end):
    memberships = Membership.objects.filter(user=admin_anna)
    memberships.delete() if end == "removed" else memberships.update(role="user")
    assert client_anna.get(reverse("conversations:break-glass-list", args=[access.pk])).status_code == 404
    assert client_anna.get(read_url(access, talk)).status_code == 404
