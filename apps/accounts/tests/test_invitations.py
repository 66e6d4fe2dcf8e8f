"""Invitations: by administrators of the workspace, for one address, once."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.exceptions import RateLimitedError
from apps.accounts.models import Invitation, Membership, User
from apps.accounts.selectors.invitations import invitations_open
from apps.accounts.services.invitations import invitation_revoke, invitation_send
from apps.audit.models import Event
from chatbot.lib.errors import ForbiddenError, NotFoundError, ValidationFailedError
from chatbot.testing.plugin import PASSWORD

BASE = "http://testserver"
NEW = {"name": "Grace", "password": "seven sleepy otters"}


def send(actor, workspace, email="Grace@Example.org", role="user"):
    return invitation_send(actor=actor, workspace=workspace, email=email, role=role, base_url=BASE)


@pytest.fixture
def link(admin_anna, workspace):
    return send(admin_anna, workspace).link.removeprefix(BASE)


def test_the_mail_holds_the_link_that_was_returned(admin_anna, workspace, mailed):
    with mailed() as mails:
        sent = send(admin_anna, workspace)
    assert [message.to for message in mails] == [["grace@example.org"]]
    assert mails[0].subject == "You are invited to Analytical Engines"
    assert sent.link in mails[0].body
    assert sent.link in mails[0].alternatives[0][0]
    assert sent.invitation.token_hash not in sent.link


def test_a_new_person_sets_name_and_password_and_is_in(client, link, workspace, admin_anna):
    page = client.get(link)
    assert page.status_code == 200
    assert "grace@example.org" in page.content.decode()
    assert client.post(link, NEW)["Location"] == "/"
    grace = User.objects.get(email="grace@example.org")
    assert grace.check_password(NEW["password"])
    assert Membership.objects.get(user=grace).role == "user"
    assert client.session["_auth_user_id"] == str(grace.pk)
    actions = list(Event.objects.filter(actor_id=grace.pk, workspace_id=workspace.pk).values_list("action", flat=True))
    assert {"person_created", "member_added", "invitation_accepted"} <= set(actions)
    event = Event.objects.get(action="invitation_sent")
    assert (event.actor_id, event.workspace_id, event.data) == (admin_anna.pk, workspace.pk, {"role": "user"})
    assert "grace" not in event.target_label


def test_the_link_works_once(client, link):
    client.post(link, NEW)
    for again in (Client(), client):
        answer = again.get(link)
        assert answer.status_code == 404
        assert "Ask whoever invited you" in answer.content.decode()
        assert again.post(link, NEW).status_code == 404
    assert User.objects.filter(email="grace@example.org").count() == 1


@pytest.mark.parametrize("end", ["removed", "demoted", "disabled"])
def test_a_link_ends_with_the_right_of_who_sent_it(client, link, admin_anna, end):
    memberships = Membership.objects.filter(user=admin_anna)
    if end == "removed":
        memberships.delete()
    elif end == "demoted":
        memberships.update(role="user")
    else:
        User.objects.filter(pk=admin_anna.pk).update(is_active=False)
    assert client.get(link).status_code == 404
    assert client.post(link, NEW).status_code == 404


@pytest.mark.parametrize("end", ["old", "revoked", "replaced", "made-up"])
def test_a_link_that_has_ended_is_not_found(client, link, admin_anna, workspace, end):
    if end == "old":
        Invitation.objects.update(expires_at=timezone.now())
    elif end == "revoked":
        invitation_revoke(actor=admin_anna, workspace=workspace, invitation_id=Invitation.objects.get().pk)
    elif end == "replaced":
        send(admin_anna, workspace)
    else:
        link = "/invitations/" + "0" * 64 + "/"
    assert client.get(link).status_code == 404
    assert client.post(link, NEW).status_code == 404
    assert not User.objects.filter(email="grace@example.org").exists()


def test_it_lives_for_a_week(link):
    left = Invitation.objects.get().expires_at - timezone.now()
    assert timedelta(days=6, hours=23) < left <= timedelta(days=7)


def test_who_has_an_account_signs_in_and_joins(client, link, workspace, cleo, other_workspace):
    User.objects.filter(pk=cleo.pk).update(email="grace@example.org")
    page = client.get(link).content.decode()
    assert f"/accounts/login/?next={link}" in page
    assert 'name="password"' not in page
    assert client.post(link, NEW).status_code == 200
    answer = client.post("/accounts/login/", {"login": "grace@example.org", "password": PASSWORD, "next": link})
    assert answer["Location"] == link
    assert not Membership.objects.filter(user=cleo, workspace=workspace).exists()
    assert client.post(link)["Location"] == "/"
    assert set(Membership.objects.filter(user=cleo).values_list("workspace_id", flat=True)) == {
        workspace.pk, other_workspace.pk,
    }  # fmt: skip
    cleo.refresh_from_db()
    assert cleo.current_workspace_id == workspace.pk
    assert cleo.check_password(PASSWORD)


def test_an_existing_password_is_never_set_by_a_link(client, link, cleo):
    User.objects.filter(pk=cleo.pk).update(email="grace@example.org")
    client.post(link, NEW)
    cleo.refresh_from_db()
    assert cleo.check_password(PASSWORD)


def test_another_person_cannot_use_it(client_cleo, link, cleo, workspace):
    page = client_cleo.get(link)
    assert page.status_code == 200
    assert "signed in as cleo@example.org" in page.content.decode()
    assert client_cleo.post(link).status_code == 403
    assert not Membership.objects.filter(user=cleo, workspace=workspace).exists()
    assert Invitation.objects.get().accepted_at is None


@pytest.mark.parametrize("change", [{"password": "short"}, {"name": ""}, {"password": "Analytical Engines"}])
def test_what_was_entered_is_checked_and_the_link_lives_on(client, link, change):
    assert client.post(link, {**NEW, **change}).status_code == 422
    assert client.post(link, NEW).status_code == 302


@pytest.mark.parametrize(
    ("email", "role", "field"),
    [("none", "user", "email"), ("a@b\r\nBcc: eve@example.org", "user", "email"), ("g@example.org", "owner", "role"),
     ("ada@example.org", "user", "email"), ("ADA@example.org", "user", "email")],
)  # fmt: skip
def test_what_cannot_be_invited_is_said(admin_anna, workspace, ada, email, role, field):
    with pytest.raises(ValidationFailedError) as caught:
        send(admin_anna, workspace, email, role)
    assert set(caught.value.errors) == {field}
    assert not Invitation.objects.exists()


def test_only_administrators_of_the_workspace_invite_and_take_back(
    ada, vera, cleo, root, admin_anna, workspace, other_workspace
):
    invitation = send(admin_anna, workspace).invitation
    for actor, error in ((ada, ForbiddenError), (vera, ForbiddenError), (cleo, NotFoundError)):
        with pytest.raises(error):
            send(actor, workspace, "new@example.org")
        with pytest.raises(error):
            invitation_revoke(actor=actor, workspace=workspace, invitation_id=invitation.pk)
    Membership.objects.filter(user=cleo).update(role="admin")
    with pytest.raises(NotFoundError):
        invitation_revoke(actor=cleo, workspace=other_workspace, invitation_id=invitation.pk)
    assert list(invitations_open(workspace=workspace)) == [invitation]
    assert not invitations_open(workspace=other_workspace).exists()
    send(root, workspace, "other@example.org")
    assert invitations_open(workspace=workspace).count() == 2


def test_an_hour_has_a_limit(admin_anna, workspace, settings):
    settings.INVITATIONS_PER_HOUR = 2
    send(admin_anna, workspace, "a@example.org")
    send(admin_anna, workspace, "b@example.org")
    with pytest.raises(RateLimitedError):
        send(admin_anna, workspace, "c@example.org")
    Invitation.objects.update(created_at=timezone.now() - timedelta(hours=2))
    send(admin_anna, workspace, "c@example.org")


def test_two_who_open_the_link_at_once_make_one_account(transactional_db):
    from concurrent.futures import ThreadPoolExecutor

    from django.db import connection

    from apps.accounts.models import Workspace
    from apps.accounts.services.invitations import invitation_complete

    root = User.objects.create_superuser("root@example.org", PASSWORD)
    link = send(root, Workspace.objects.create(name="One", slug="one")).link
    token = re.search(r"/invitations/(\w+)/", link).group(1)

    def complete(name):
        try:
            return invitation_complete(token=token, name=name, password=NEW["password"])
        except NotFoundError:
            return None
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(complete, ["grace", "eve"]))
    assert sum(user is not None for user in made) == 1
    assert User.objects.filter(email="grace@example.org").count() == 1


def test_a_mail_that_comes_late_says_nothing_about_what_has_ended(admin_anna, workspace, mailed):
    with mailed() as mails:
        sent = send(admin_anna, workspace)
        Invitation.objects.update(revoked_at=timezone.now())
    assert mails == []
    assert sent.link


def test_names_in_a_mail_bring_no_headers_and_no_markup(admin_anna, workspace, mailed):
    workspace.name = "A<b>\r\nBcc: eve@example.org"
    workspace.save()
    with mailed() as mails:
        send(admin_anna, workspace)
    assert mails[0].subject == "You are invited to A<b>"
    assert mails[0].bcc == []
    assert "A&lt;b&gt;" in mails[0].alternatives[0][0]
