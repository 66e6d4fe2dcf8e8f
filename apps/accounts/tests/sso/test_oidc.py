"""Sign-in by OpenID Connect, against a real provider over HTTP."""

import re
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from allauth.socialaccount.models import SocialAccount
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client

from apps.accounts.models import Group, Membership, SignInRule, User
from apps.accounts.services.invitations import invitation_mail_send, invitation_send
from apps.accounts.services.keys import key_create
from apps.accounts.sso.oidc import oidc_claims_joined
from apps.accounts.tests.sso.peers import openid_user_set
from apps.audit.models import Event
from chatbot.testing.plugin import PASSWORD

OLGA = {"email": "olga@example.org", "email_verified": True, "name": "Olga Openid", "groups": ["staff"]}


@pytest.fixture
def olga(oidc):
    openid_user_set(oidc, "olga", **OLGA)


def is_signed_in(client):
    return "_auth_user_id" in client.session


def test_the_button_stands_on_the_sign_in_page(client, oidc):
    page = client.get("/accounts/login/?next=/settings/").content.decode()
    assert 'href="/accounts/sso/oidc/?next=%2Fsettings%2F"' in page
    assert "Sign in with Example login" in page


def test_without_the_switch_there_is_nothing(client, db):
    assert "sso/oidc" not in client.get("/accounts/login/").content.decode()
    for address in ("oidc/", "oidc/callback/", "saml/", "saml/finish/", "saml/metadata/"):
        assert client.get(f"/accounts/sso/{address}").status_code == 404
    assert client.post("/accounts/sso/saml/acs/").status_code == 404


def test_the_request_has_state_nonce_and_pkce(client, oidc):
    query = parse_qs(urlsplit(client.get("/accounts/sso/oidc/")["Location"]).query)
    assert query["response_type"] == ["code"]
    assert query["code_challenge_method"] == ["S256"]
    assert len(query["state"][0]) > 30
    assert len(query["nonce"][0]) > 30
    assert query["redirect_uri"] == ["http://testserver/accounts/sso/oidc/callback/"]


def test_a_first_sign_in_makes_the_account(client, oidc, olga, oidc_sign_in, workspace):
    answer = oidc_sign_in(client, "olga", address="/accounts/sso/oidc/?next=/settings/")
    assert (answer.status_code, answer["Location"]) == (302, "/settings/")
    user = User.objects.get(email="olga@example.org")
    assert (user.name, user.has_usable_password()) == ("Olga Openid", False)
    assert is_signed_in(client)
    assert [(row.role, row.managed_by) for row in user.memberships.all()] == [("user", "oidc")]
    assert SocialAccount.objects.get(user=user).provider == "oidc"


def test_a_second_sign_in_takes_up_new_roles_and_takes_back_old_ones(
    client, oidc, olga, oidc_sign_in, workspace, other_workspace
):
    group = Group.objects.create(name="g", title="Readers", workspace=workspace)
    SignInRule.objects.create(
        source="oidc", claim="groups", value="staff", workspace=workspace, role="admin", group=group
    )
    SignInRule.objects.create(source="oidc", claim="groups", value="guests", workspace=other_workspace, role="viewer")
    oidc_sign_in(client, "olga")
    user = User.objects.get(email="olga@example.org")
    assert [(row.workspace, row.role) for row in user.memberships.all()] == [(workspace, "admin")]
    assert user.groups.count() == 1
    by_hand = Membership.objects.create(user=user, workspace=other_workspace, role="user")
    openid_user_set(oidc, "olga", **{**OLGA, "groups": ["guests"]})
    client.logout()
    oidc_sign_in(client, "olga")
    assert list(user.memberships.all()) == [by_hand]
    by_hand.refresh_from_db()
    assert (by_hand.role, by_hand.managed_by) == ("user", "")
    assert user.groups.count() == 0
    ended = Event.objects.get(action="member_removed")
    assert (ended.workspace_id, ended.data["source"]) == (workspace.pk, "oidc")


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_next_leads_nowhere_else(client, oidc, olga, oidc_sign_in, workspace, target):
    answer = oidc_sign_in(client, "olga", address=f"/accounts/sso/oidc/?next={target}")
    assert answer["Location"] == "/"


def test_an_account_with_the_address_is_linked(client, oidc, ada, oidc_sign_in):
    openid_user_set(oidc, "ada-there", email="Ada@example.org", email_verified=True)
    oidc_sign_in(client, "ada-there")
    assert client.session["_auth_user_id"] == str(ada.pk)
    assert SocialAccount.objects.get().user_id == ada.pk
    # The place that somebody gave her stays as it is.
    assert [(row.role, row.managed_by) for row in ada.memberships.all()] == [("user", "")]


@pytest.mark.parametrize("is_mailed", [False, True])
def test_who_made_the_account_in_anothers_name_loses_it(client, oidc, admin_anna, workspace, oidc_sign_in, is_mailed):
    """Whoever invites sees the link, too; only what stands in the mail proves the mailbox."""
    openid_user_set(oidc, "grace", email="grace@example.org", email_verified=True, groups=["bosses"])
    SignInRule.objects.create(source="oidc", claim="groups", value="bosses", makes_super_admin=True)
    sent = invitation_send(
        actor=admin_anna, workspace=workspace, email="grace@example.org", role="user", base_url="http://testserver"
    )
    link = sent.link
    if is_mailed:
        invitation_mail_send(invitation_id=sent.invitation.pk, base_url="http://testserver")
        link = re.search(r"http://testserver/invitations/\S+", str(mail.outbox[-1].body))[0]
    maker = Client()
    maker.post(link.removeprefix("http://testserver"), {"name": "Grace", "password": "seven sleepy otters"})
    grace = User.objects.get(email="grace@example.org")
    _, key = key_create(actor=grace, name="Key", workspace_id=workspace.pk, scopes=["read"])

    oidc_sign_in(client, "grace")

    assert client.session["_auth_user_id"] == str(grace.pk)
    grace.refresh_from_db()
    assert grace.is_super_admin
    assert grace.check_password("seven sleepy otters") is is_mailed
    assert (maker.get("/admin/").status_code == 200) is is_mailed
    answer = client.get("/api/v1/me", headers={"Authorization": f"Bearer {key}"})
    assert (answer.status_code == 200) is is_mailed
    assert client.get("/admin/").status_code == 200


def test_one_address_does_not_vouch_for_another():
    token = {"sub": "1", "email": "a@example.org", "email_verified": True}
    assert "email_verified" not in oidc_claims_joined(token, {"sub": "1", "email": "ada@example.org"})
    for info in ({}, {"email": "a@example.org"}, {"email": "b@example.org", "email_verified": True}):
        assert oidc_claims_joined(token, info)["email_verified"] is True


@pytest.mark.parametrize("verified", [False, None, "false", 0, "no", []])
def test_an_address_that_is_not_verified_neither_links_nor_makes_an_account(client, oidc, ada, oidc_sign_in, verified):
    for sub, email in (("ada-there", "ada@example.org"), ("newcomer", "new@example.org")):
        claims = {"email": email} if verified is None else {"email": email, "email_verified": verified}
        openid_user_set(oidc, sub, **claims)
        answer = oidc_sign_in(client, sub)
        assert answer.status_code == 403
        assert "does not vouch" in answer.content.decode()
    assert not is_signed_in(client)
    assert User.objects.count() == 1
    assert not SocialAccount.objects.exists()


def test_unverified_addresses_by_setting(client, oidc, ada, oidc_sign_in, settings):
    settings.OIDC_LINK_BY_EMAIL = "always"
    openid_user_set(oidc, "ada-there", email="ada@example.org")
    oidc_sign_in(client, "ada-there")
    assert client.session["_auth_user_id"] == str(ada.pk)


def test_linking_by_address_switched_off(client, oidc, ada, oidc_sign_in, settings):
    settings.OIDC_LINK_BY_EMAIL = "never"
    openid_user_set(oidc, "ada-there", email="ada@example.org", email_verified=True)
    assert oidc_sign_in(client, "ada-there").status_code == 403
    assert not is_signed_in(client)


@pytest.mark.parametrize("right", ["is_super_admin", "is_staff", "is_superuser"])
def test_whoever_has_special_rights_is_not_taken_over(client, oidc, ada, oidc_sign_in, right, settings):
    User.objects.filter(pk=ada.pk).update(**{right: True})
    openid_user_set(oidc, "ada-there", email="ada@example.org", email_verified=True)
    answer = oidc_sign_in(client, "ada-there")
    assert answer.status_code == 403
    assert not is_signed_in(client)
    assert Event.objects.get(action="sso_refused").data["reason"] == "privileged"
    settings.SSO_LINK_SUPER_ADMINS = True
    oidc_sign_in(client, "ada-there")
    assert is_signed_in(client)


def test_an_address_given_to_somebody_new_does_not_open_the_old_account(client, oidc, ada, oidc_sign_in):
    openid_user_set(oidc, "first-ada", email="ada@example.org", email_verified=True)
    oidc_sign_in(client, "first-ada")
    client.logout()
    openid_user_set(oidc, "second-ada", email="ada@example.org", email_verified=True)
    answer = oidc_sign_in(client, "second-ada")
    assert answer.status_code == 403
    assert not is_signed_in(client)


def test_a_closed_account_stays_closed(client, oidc, ada, oidc_sign_in):
    openid_user_set(oidc, "ada-there", email="ada@example.org", email_verified=True)
    for _ in range(2):
        User.objects.filter(pk=ada.pk).update(is_active=False)
        answer = oidc_sign_in(client, "ada-there")
        assert answer.status_code == 403
        assert not is_signed_in(client)
        assert not User.objects.get(pk=ada.pk).is_active
        # Linked by now or not: the same.
        User.objects.filter(pk=ada.pk).update(is_active=True)
        oidc_sign_in(client, "ada-there")
        client.logout()


def test_who_falls_out_of_all_rules_loses_what_they_gave(client, oidc, olga, oidc_sign_in, workspace):
    SignInRule.objects.create(source="oidc", claim="groups", value="staff", workspace=workspace)
    oidc_sign_in(client, "olga")
    client.logout()
    openid_user_set(oidc, "olga", **{**OLGA, "groups": []})
    answer = oidc_sign_in(client, "olga")
    assert answer.status_code == 403
    assert not is_signed_in(client)
    assert not Membership.objects.filter(user__email="olga@example.org").exists()


def test_super_admins_by_rule_come_and_go_but_never_the_last(client, oidc, olga, oidc_sign_in, workspace, root):
    SignInRule.objects.create(source="oidc", claim="groups", value="it", makes_super_admin=True)
    SignInRule.objects.create(source="oidc", claim="groups", value="staff", workspace=workspace)
    openid_user_set(oidc, "olga", **{**OLGA, "groups": ["it", "staff"]})
    oidc_sign_in(client, "olga")
    assert User.objects.get(email="olga@example.org").is_super_admin
    openid_user_set(oidc, "olga", **OLGA)
    User.objects.filter(pk=root.pk).update(is_active=False)
    oidc_sign_in(client, "olga")
    assert User.objects.get(email="olga@example.org").is_super_admin
    User.objects.filter(pk=root.pk).update(is_active=True)
    oidc_sign_in(client, "olga")
    olga_now = User.objects.get(email="olga@example.org")
    assert (olga_now.is_super_admin, olga_now.is_staff, olga_now.is_superuser) == (False, False, False)
    oidc_sign_in(client, "olga")
    assert User.objects.get(pk=root.pk).is_super_admin


def test_an_answer_counts_in_the_browser_that_asked_and_once(client, oidc, olga, workspace):
    from django.test import Client

    left = client.get("/accounts/sso/oidc/")
    back = httpx.post(left["Location"], data={"sub": "olga"}).headers["Location"].removeprefix("http://testserver")
    stranger = Client()
    assert stranger.get(back).status_code == 403
    assert not is_signed_in(stranger)
    assert client.get(back).status_code == 302
    client.logout()
    assert client.get(back).status_code == 403
    assert not is_signed_in(client)


@pytest.mark.parametrize("query", ["", "?state=x&code=y", "?error=access_denied", "?state=x&error=server_error"])
def test_a_callback_out_of_nowhere(client, oidc, query):
    assert client.get(f"/accounts/sso/oidc/callback/{query}").status_code == 403


def test_cancelled_or_failed_at_the_provider(client, oidc):
    for error, text in (("access_denied", "cancelled"), ("server_error", "did not understand")):
        left = client.get("/accounts/sso/oidc/")
        state = parse_qs(urlsplit(left["Location"]).query)["state"][0]
        answer = client.get(f"/accounts/sso/oidc/callback/?state={state}&error={error}")
        assert answer.status_code == 403
        assert text in answer.content.decode()


def test_a_code_of_another_request_is_refused(client, oidc, olga, workspace):
    """The nonce of the ID token does not fit, nor would the verifier."""
    first, second = client.get("/accounts/sso/oidc/"), client.get("/accounts/sso/oidc/")
    back = httpx.post(first["Location"], data={"sub": "olga"}).headers["Location"]
    code = parse_qs(urlsplit(back).query)["code"][0]
    state = parse_qs(urlsplit(second["Location"]).query)["state"][0]
    assert client.get(f"/accounts/sso/oidc/callback/?state={state}&code={code}").status_code == 403
    assert not is_signed_in(client)


def test_an_answer_that_names_another_issuer(client, oidc, olga, workspace):
    left = client.get("/accounts/sso/oidc/")
    back = httpx.post(left["Location"], data={"sub": "olga"}).headers["Location"].removeprefix("http://testserver")
    assert client.get(f"{back}&iss=https://evil.example").status_code == 403


def test_a_provider_that_is_away(client, oidc, settings, ada):
    settings.OIDC_ISSUER = "http://127.0.0.1:9"
    answer = client.get("/accounts/sso/oidc/")
    assert answer.status_code == 403
    assert "127.0.0.1" not in answer.content.decode()
    client.post("/accounts/login/", {"login": "ada@example.org", "password": PASSWORD})
    assert is_signed_in(client)
    with pytest.raises(CommandError):
        call_command("sso_check")


def test_the_second_factor_is_asked_for_here_too(client, oidc, ada, oidc_sign_in):
    from allauth.mfa.models import Authenticator

    Authenticator.objects.create(user=ada, type="totp", data={"secret": "x"})
    openid_user_set(oidc, "ada-there", email="ada@example.org", email_verified=True)
    answer = oidc_sign_in(client, "ada-there")
    assert answer.status_code == 302
    assert "authenticate" in answer["Location"]
    assert not is_signed_in(client)


def test_linking_while_signed_in(client, oidc, root, workspace, settings):
    openid_user_set(oidc, "root-there", email="somebody-else@example.org", email_verified=False)
    client.force_login(root, backend="django.contrib.auth.backends.ModelBackend")
    asked = client.post("/settings/connections/oidc/add/")
    assert asked["Location"].startswith("/settings/confirm/")
    client.post("/settings/confirm/", {"password": PASSWORD})
    page = client.post("/settings/connections/oidc/add/")
    assert page.status_code == 200
    back = httpx.post(page.context["address"], data={"sub": "root-there"}).headers["Location"]
    answer = client.get(back.removeprefix("http://testserver"))
    assert answer["Location"] == "/settings/connections/"
    link = SocialAccount.objects.get()
    assert link.user_id == root.pk
    assert "Example login" in client.get("/settings/connections/").content.decode()
    client.post(f"/settings/connections/{link.pk}/remove/")
    assert not SocialAccount.objects.exists()


def test_another_ones_link_cannot_be_ended(client_ada, oidc, ben):
    link = SocialAccount.objects.create(user=ben, provider="oidc", uid="x")
    client_ada.post("/settings/confirm/", {"password": PASSWORD})
    assert client_ada.post(f"/settings/connections/{link.pk}/remove/").status_code == 404


def test_the_check_says_what_works(oidc, capsys):
    call_command("sso_check")
    assert "does not turn the client away" in capsys.readouterr().out


def test_the_dry_run_takes_the_last_claims(client, oidc, olga, oidc_sign_in, workspace, capsys, tmp_path):
    oidc_sign_in(client, "olga")
    SignInRule.objects.create(source="oidc", claim="groups", value="staff", workspace=workspace, role="admin")
    call_command("sso_dry_run", "--source", "oidc", "--email", "olga@example.org")
    said = capsys.readouterr().out
    assert "Opens the account of olga@example.org" in said
    assert "in Analytical Engines: user becomes admin" in said
    claims = tmp_path / "claims.json"
    claims.write_text('{"email": "new@example.org", "email_verified": true, "groups": []}')
    call_command("sso_dry_run", "--source", "oidc", "--claims", str(claims))
    assert "Refused: Your sign-in service let you in" in capsys.readouterr().out
    assert Membership.objects.get(user__email="olga@example.org").role == "user"
