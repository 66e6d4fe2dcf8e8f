"""Administrators reset the second factor of somebody who lost it."""

import pytest
from allauth.mfa.models import Authenticator
from django.urls import reverse

from apps.accounts.models import Membership, RecoveryCode
from apps.accounts.second_factor.changing import second_factor_reset
from apps.accounts.second_factor.recovery import recovery_codes_replace
from apps.accounts.tests.second_factors import SoftwareKey, passkey_give, step_up, totp_give
from apps.audit.models import Event
from chatbot.lib.errors import ForbiddenError, NotFoundError
from chatbot.testing.plugin import PASSWORD

pytestmark = pytest.mark.django_db


def test_it_takes_everything_away_ends_sign_ins_and_is_recorded(client_ada, ada, admin_anna):
    step_up(client_ada)
    passkey_give(client_ada, SoftwareKey())
    totp_give(ada)
    second_factor_reset(actor=admin_anna, user=ada)
    assert not Authenticator.objects.filter(user=ada).exists()
    assert not RecoveryCode.objects.filter(user=ada).exists()
    assert client_ada.get("/settings/").status_code == 302
    event = Event.objects.get(action="second_factor_reset")
    assert (event.actor_id, event.target_id, event.data) == (admin_anna.pk, str(ada.pk), {"factors": 2})
    client_ada.post("/accounts/login/", {"login": ada.email, "password": PASSWORD})
    assert client_ada.get("/settings/").status_code == 200


def test_the_person_is_told(ada, root, mailed):
    totp_give(ada)
    with mailed() as mails:
        second_factor_reset(actor=root, user=ada)
    assert [(mail.to, mail.subject) for mail in mails] == [([ada.email], "Your sign-in was changed")]
    assert "An administrator took the second factor off your account" in mails[0].body


def test_who_may_not(ada, ben, vera, cleo, admin_anna, root, other_workspace):
    totp_give(ada)
    for actor, error in ((ben, NotFoundError), (vera, NotFoundError), (cleo, NotFoundError), (ada, ForbiddenError)):
        with pytest.raises(error):
            second_factor_reset(actor=actor, user=ada)
    # Their account also reaches into a workspace that the administrator does not look after.
    Membership.objects.create(user=ada, workspace=other_workspace)
    with pytest.raises(ForbiddenError):
        second_factor_reset(actor=admin_anna, user=ada)
    with pytest.raises(NotFoundError):
        second_factor_reset(actor=admin_anna, user=root)
    assert Authenticator.objects.filter(user=ada).exists()


def test_the_first_factor_ends_other_sign_ins(client_ada, client, ada):
    client.post("/accounts/login/", {"login": ada.email, "password": PASSWORD})
    step_up(client_ada)
    passkey_give(client_ada, SoftwareKey())
    assert client.get("/settings/").status_code == 302
    assert client_ada.get(reverse("accounts:security")).status_code == 200


def test_recovery_codes_of_nobody_else_go(ada, ben, root):
    totp_give(ada)
    for user in (ada, ben):
        recovery_codes_replace(user=user)
    second_factor_reset(actor=root, user=ada)
    assert RecoveryCode.objects.filter(user=ben).count() == 10
