"""Sign-in by SAML, against a real identity provider."""

import base64
import re

import pytest
from allauth.socialaccount.models import SocialAccount
from django.core.management import call_command
from django.test import Client

from apps.accounts.models import Membership, SignInRule, User
from apps.accounts.tests.sso.certificates import self_signed
from apps.audit.models import Event

ATTRIBUTES = {"email": "sam@example.org", "displayName": "Sam Saml", "groups": ["staff", "choir"]}
WHO = {"name_id": "sam-1", "attributes": ATTRIBUTES}


def begin(client, saml, **choices):
    """Leave for the provider; returns the form that it makes for the browser."""
    left = client.get("/accounts/sso/saml/?next=/settings/")
    assert left.status_code == 302, left.content
    return saml.answer_to(left["Location"], **{**WHO, **choices})


def post(client, form, **other):
    """Post the form as the browser does from the provider's page: without our cookies."""
    sent = {"SAMLResponse": form["SAMLResponse"], "RelayState": form["RelayState"], **other}
    return Client().post("/accounts/sso/saml/acs/", sent, headers={"Origin": "null"})


def finish(client, answer):
    assert answer.status_code == 303, answer.content.decode()
    return client.get(answer["Location"])


def xml_of(form):
    return base64.b64decode(form["SAMLResponse"]).decode()


def form_of(form, xml):
    return {**form, "SAMLResponse": base64.b64encode(xml.encode()).decode()}


def is_signed_in(client):
    return "_auth_user_id" in client.session


def test_a_first_sign_in_makes_the_account(client, saml, workspace):
    SignInRule.objects.create(source="saml", claim="groups", value="choir", workspace=workspace, role="viewer")
    answer = finish(client, post(client, begin(client, saml)))
    assert answer["Location"] == "/settings/"
    assert is_signed_in(client)
    sam = User.objects.get(email="sam@example.org")
    assert sam.name == "Sam Saml"
    assert [(row.role, row.managed_by) for row in sam.memberships.all()] == [("viewer", "saml")]
    assert SocialAccount.objects.get(user=sam).uid.endswith(":sam-1")


def test_a_second_sign_in_finds_it(client, saml, workspace):
    for _ in range(2):
        finish(client, post(client, begin(client, saml)))
        assert is_signed_in(client)
        client.logout()
    assert User.objects.count() == 1


def test_the_provider_may_sign_the_envelope_too(client, saml, workspace):
    finish(client, post(client, begin(client, saml, sign_response=True)))
    assert is_signed_in(client)


def test_requests_are_signed_where_a_key_is_given(client, saml, workspace, settings):
    pair = self_signed()
    settings.SAML_CERTIFICATE, settings.SAML_PRIVATE_KEY = pair.certificate, pair.key
    saml.know(client.get("/accounts/sso/saml/metadata/").content)
    left = client.get("/accounts/sso/saml/")["Location"]
    assert "&Signature=" in left
    finish(client, post(client, saml.answer_to(left, **WHO)))
    assert is_signed_in(client)


@pytest.mark.parametrize(
    "choices",
    [
        pytest.param({"sign_assertion": False}, id="unsigned"),
        pytest.param({"sign_assertion": False, "sign_response": True}, id="only the envelope signed"),
        pytest.param({"audience": "https://other.example/metadata"}, id="for another service"),
        pytest.param({"minutes": -30}, id="expired"),
        pytest.param({"in_response_to": ""}, id="nobody asked"),
        pytest.param({"format": "transient"}, id="a name for this once"),
    ],
)
def test_what_the_provider_may_not_send(client, saml, workspace, choices):
    answer = post(client, begin(client, saml, **choices))
    assert answer.status_code == 403
    assert not is_signed_in(client)
    assert not User.objects.exists()
    assert Event.objects.get(action="sso_refused").data == {"source": "saml", "reason": "not_valid"}


def test_an_answer_to_another_request(client, saml, workspace):
    answer = post(client, begin(client, saml, in_response_to="_somebody-elses"))
    assert client.get(answer["Location"]).status_code == 403
    assert not is_signed_in(client)


def _signature_stripped(xml):
    return re.sub(r"<ns\d+:Signature .*?</ns\d+:Signature>", "", xml, flags=re.S)


def _wrapped(xml):
    """The signed assertion stays in the document; an evil copy in front of it speaks."""
    assertion = re.findall(r"(<(ns\d+:Assertion) .*</\2>)", xml, flags=re.S)[0][0]
    evil = _signature_stripped(assertion).replace("sam@example.org", "root@example.org").replace("sam-1", "root-1")
    evil = re.sub(r' ID="[^"]+"', ' ID="evil"', evil, count=1)
    return xml.replace(assertion, evil + assertion)


@pytest.mark.parametrize(
    "tampered",
    [
        pytest.param(lambda xml: xml.replace("sam@example.org", "root@example.org"), id="attribute"),
        pytest.param(lambda xml: xml.replace("sam-1", "root-1"), id="name"),
        pytest.param(lambda xml: xml.replace("sam-1", "sam-1<!-- -->0"), id="comment in the name"),
        pytest.param(_signature_stripped, id="signature taken out"),
        pytest.param(_wrapped, id="wrapped"),
        pytest.param(lambda xml: '<!DOCTYPE x [<!ENTITY a "b">]>' + xml.split("?>")[-1], id="entities"),
        pytest.param(lambda xml: xml[: len(xml) // 2], id="half"),
        pytest.param(lambda _: "", id="empty"),
        pytest.param(lambda _: "<a/>", id="other XML"),
    ],
)
def test_what_was_changed_on_the_way(client, saml, workspace, root, tampered):
    form = begin(client, saml)
    answer = post(client, form_of(form, tampered(xml_of(form))))
    assert answer.status_code == 403
    assert not is_signed_in(client)
    assert User.objects.count() == 1


@pytest.mark.parametrize("text", ["", "%%%", "x" * 600_000])
def test_nonsense(client, saml, text):
    assert Client().post("/accounts/sso/saml/acs/", {"SAMLResponse": text}).status_code == 403


def test_another_providers_key(client, saml, workspace, settings):
    form = begin(client, saml)
    mine = re.findall(r"X509Certificate>\s*([^<]+?)\s*<", settings.SAML_IDP_METADATA)[0]
    other = "".join(self_signed().certificate.splitlines()[1:-1])
    settings.SAML_IDP_METADATA = settings.SAML_IDP_METADATA.replace(mine, other)
    assert post(client, form).status_code == 403


def test_an_assertion_counts_once(client, saml, workspace):
    form = begin(client, saml)
    answer = post(client, form)
    finish(client, answer)
    client.logout()
    assert post(client, form).status_code == 403
    assert client.get(answer["Location"]).status_code == 403
    assert not is_signed_in(client)


def test_an_answer_counts_in_the_browser_that_asked(client, saml, workspace):
    """Nobody can be signed in to another's account by a form or a link that was sent to them."""
    answer = post(client, begin(client, saml))
    victim = Client()
    assert victim.get(answer["Location"]).status_code == 403
    assert not is_signed_in(victim)


@pytest.mark.parametrize("relay_state", ["https://evil.example/", "//evil.example", "/admin/"])
def test_relay_state_leads_nowhere(client, saml, workspace, relay_state):
    answer = finish(client, post(client, begin(client, saml), RelayState=relay_state))
    assert answer["Location"] == "/settings/"


def test_our_metadata_are_public(client, saml):
    answer = client.get("/accounts/sso/saml/metadata/")
    text = answer.content.decode()
    assert answer.status_code == 200
    assert 'WantAssertionsSigned="true"' in text
    assert "http://testserver/accounts/sso/saml/acs/" in text


def test_the_account_of_somebody_with_special_rights_is_not_taken_over(client, saml, root):
    attributes = {**ATTRIBUTES, "email": "root@example.org"}
    answer = finish(client, post(client, begin(client, saml, attributes=attributes)))
    assert answer.status_code == 403
    assert not is_signed_in(client)


def test_the_name_may_be_the_address(client, saml, ada):
    form = begin(client, saml, name_id="Ada@example.org", format="email", attributes={"groups": ["x"]})
    finish(client, post(client, form))
    assert client.session["_auth_user_id"] == str(ada.pk)


def test_a_lasting_attribute_in_place_of_the_name(client, saml, settings, workspace):
    settings.SAML_ID_ATTRIBUTE = "employee"
    attributes = {**ATTRIBUTES, "employee": ["4711"]}
    finish(client, post(client, begin(client, saml, format="transient", attributes=attributes)))
    assert SocialAccount.objects.get().uid.endswith(":4711")


def test_metadata_may_come_from_an_address(client, saml, settings, workspace):
    settings.SAML_IDP_METADATA = ""
    settings.SAML_IDP_METADATA_URL = f"{saml.address}/metadata"
    finish(client, post(client, begin(client, saml)))
    assert is_signed_in(client)
    assert Membership.objects.get().managed_by == "saml"


def test_the_check_says_what_works(saml, capsys):
    call_command("sso_check")
    assert "is known, with 1 certificates" in capsys.readouterr().out
