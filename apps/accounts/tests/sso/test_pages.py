"""The page of rules, its dry run, and start-up checks."""

import json

import pytest
from allauth.socialaccount.models import SocialAccount
from django.core.checks import run_checks

from apps.accounts.models import ExternalIdentity, Group, SignInRule
from apps.audit.models import Event
from chatbot.testing.plugin import PASSWORD


@pytest.fixture
def confirmed_root(client_root):
    """Root's browser, just asked who it is."""
    client_root.post("/settings/confirm/", {"password": PASSWORD})
    return client_root


@pytest.mark.parametrize("who", ["client_ada", "client_anna", "client_vera", "client_cleo"])
@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("get", ""),
        ("get", "new/"),
        ("post", "new/"),
        ("get", "try/"),
        ("post", "try/"),
        ("post", "unlink/"),
        ("post", "00000000-0000-0000-0000-000000000000/delete/"),
    ],
)
def test_only_super_admins_see_the_rules(request, workspace, who, method, address):
    answer = getattr(request.getfixturevalue(who), method)(f"/settings/sign-in/{address}")
    assert answer.status_code in {403, 404}


def test_changes_ask_again_who_it_is(client_root, workspace):
    rule = SignInRule.objects.create(source="oidc", workspace=workspace)
    for address in ("new/", f"{rule.pk}/delete/", "unlink/"):
        answer = client_root.post(f"/settings/sign-in/{address}", {"source": "oidc"})
        assert answer["Location"].startswith("/settings/confirm/")
    assert SignInRule.objects.count() == 1


def test_a_rule_is_made_shown_and_deleted(confirmed_root, workspace):
    group = Group.objects.create(name="g", title="Readers", workspace=workspace)
    sent = {
        "source": "saml",
        "claim": "groups",
        "value": "staff <b>",
        "workspace": workspace.pk,
        "role": "viewer",
        "group": group.key,
    }
    assert confirmed_root.post("/settings/sign-in/new/", sent).status_code == 302
    rule = SignInRule.objects.get()
    assert (rule.source, rule.role, rule.group_id) == ("saml", "viewer", group.pk)
    page = confirmed_root.get("/settings/sign-in/").content.decode()
    assert "staff &lt;b&gt;" in page
    confirmed_root.post(f"/settings/sign-in/{rule.pk}/delete/")
    assert not SignInRule.objects.exists()
    changes = Event.objects.filter(action="sign_in_rule_changed").order_by("created_at")
    assert [event.data["change"] for event in changes] == ["created", "deleted"]


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"workspace": ""}, "workspace"),
        ({"value": ""}, "value"),
        ({"claim": ""}, "claim"),
        ({"claim": "", "value": "", "makes_super_admin": "on"}, "claim"),
        ({"role": "owner"}, "role"),
        ({"source": "scim"}, "source"),
        ({"group": "other"}, "group"),
    ],
)
def test_rules_that_make_no_sense(confirmed_root, workspace, other_workspace, sent, field):
    other = Group.objects.create(name="o", title="Others", workspace=other_workspace)
    sent = {key: str(other.key) if value == "other" else value for key, value in sent.items()}
    whole = {"source": "oidc", "claim": "groups", "value": "staff", "workspace": workspace.pk, "role": "user", **sent}
    answer = confirmed_root.post("/settings/sign-in/new/", whole)
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert not SignInRule.objects.exists()


def test_the_dry_run_by_pasted_claims(client_root, ada, workspace, other_workspace):
    SignInRule.objects.create(source="oidc", claim="groups", value="staff", workspace=other_workspace, role="admin")
    claims = {"email": "ada@example.org", "email_verified": True, "groups": ["staff"]}
    answer = client_root.post("/settings/sign-in/try/", {"source": "oidc", "claims": json.dumps(claims)})
    page = answer.content.decode()
    assert "Would be linked to the account of ada@example.org" in page
    assert "joins Elsewhere as admin" in page
    assert "groups has staff" in page
    assert list(ada.memberships.values_list("workspace__name", flat=True)) == ["Analytical Engines"]
    assert not SocialAccount.objects.exists()


@pytest.mark.parametrize("claims", ["[1]", "nonsense", "[" * 20_000, '"x"', "NaN"])
def test_claims_that_are_none(client_root, claims):
    answer = client_root.post("/settings/sign-in/try/", {"source": "oidc", "claims": claims})
    assert answer.status_code == 422


def test_the_dry_run_of_somebody_who_never_came(client_root, ada):
    answer = client_root.post("/settings/sign-in/try/", {"source": "oidc", "email": "ada@example.org"})
    assert answer.status_code == 422
    assert "Nobody with this address has signed in that way" in answer.content.decode()


def test_all_links_of_an_account_are_ended(confirmed_root, ada, ben):
    for person in (ada, ben):
        SocialAccount.objects.create(user=person, provider="oidc", uid=person.email)
        ExternalIdentity.objects.create(user=person, source="ldap", external_id=person.email)
        ExternalIdentity.objects.create(user=person, source="scim", external_id=person.email)
    confirmed_root.post("/settings/sign-in/unlink/", {"email": "Ada@example.org"})
    assert SocialAccount.objects.get().user_id == ben.pk
    assert [row.source for row in ExternalIdentity.objects.filter(user=ada)] == ["scim"]
    assert confirmed_root.post("/settings/sign-in/unlink/", {"email": "nobody@example.org"}).status_code == 422


def test_the_password_form_hides_where_only_super_admins_have_one(client, settings, db):
    settings.PASSWORD_SIGN_IN, settings.OIDC = False, True
    assert "id_password" not in client.get("/accounts/login/").content.decode()
    assert "id_password" in client.get("/accounts/login/?local=1").content.decode()


def test_nothing_switched_on_is_complete():
    assert _problems() == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"OIDC": True}, "CHATBOT_OIDC_ISSUER and CHATBOT_OIDC_CLIENT_ID"),
        ({"OIDC": True, "OIDC_ISSUER": "http://idp.example.org", "OIDC_CLIENT_ID": "x"}, "must start with https://"),
        ({"OIDC": True, "OIDC_SCOPES": ["email"]}, "CHATBOT_OIDC_SCOPES"),
        ({"OIDC": True, "OIDC_LINK_BY_EMAIL": "yes"}, "CHATBOT_OIDC_LINK_BY_EMAIL must be"),
        ({"SAML": True}, "CHATBOT_SAML_IDP_METADATA_URL or CHATBOT_SAML_IDP_METADATA"),
        ({"SAML": True, "SAML_IDP_METADATA_URL": "http://idp.example.org/m"}, "must start with https://"),
        ({"SAML": True, "SAML_IDP_METADATA": "/etc/metadata.xml"}, "CHATBOT_SAML_IDP_METADATA_FILE"),
        ({"SAML": True, "SAML_PRIVATE_KEY": "x"}, "or neither"),
        ({"LDAP": True}, "CHATBOT_LDAP_URL and CHATBOT_LDAP_USER_BASE"),
        ({"LDAP": True, "LDAP_URLS": ["https://x"]}, "ldap:// or ldaps://"),
        ({"LDAP": True, "LDAP_USER_FILTER": "(mail=x)"}, "{login}"),
        ({"LDAP": True, "LDAP_USER_FILTER": "mail={login}"}, "in parentheses"),
        ({"LDAP": True, "LDAP_BIND_DN": "cn=x"}, "or neither"),
        ({"LDAP": True, "LDAP_CA": "/etc/ca.pem"}, "CHATBOT_LDAP_CA_FILE"),
        ({"LDAP": True, "LDAP_DIRECTORY": "novell"}, "active_directory"),
        ({"LDAP": True, "LDAP_TLS": False, "LDAP_URLS": ["ldap://x"]}, "unencrypted"),
        ({"SSO_DEFAULT_ROLE": "owner"}, "CHATBOT_SSO_DEFAULT_ROLE"),
        ({"PASSWORD_SIGN_IN": False}, "every other way"),
    ],
)
def test_what_is_missing_is_said_at_the_start(settings, changes, said):
    for name, value in changes.items():
        setattr(settings, name, value)
    assert any(said in text for text in _problems()), _problems()


def _problems():
    return [problem.msg for problem in run_checks() if str(problem.id).startswith("accounts.")]
