"""Sign-in by the directory, against a real slapd."""

import socket
import threading
import time

import pytest
from django.core.management import CommandError, call_command

from apps.accounts.models import ExternalIdentity, Membership, SignInRule, User
from apps.accounts.sso.ldap import ldap_authenticate
from apps.accounts.tests.sso.peers import BASE, LDAP_PASSWORD, SERVICE_DN, free_port
from apps.audit.models import Event
from chatbot.testing.plugin import PASSWORD

STAFF = f"cn=staff,ou=groups,{BASE}"
BOSSES = f"cn=bosses,ou=groups,{BASE}"


def sign_in(client, email, password=LDAP_PASSWORD):
    return client.post("/accounts/login/", {"login": email, "password": password})


def is_signed_in(client):
    return "_auth_user_id" in client.session


def test_a_first_sign_in_makes_the_account(client, ldap, workspace):
    assert sign_in(client, "Dora@example.org").status_code == 302
    dora = User.objects.get(email="dora@example.org")
    assert (dora.name, dora.has_usable_password()) == ("Dora Directory", False)
    assert [(row.role, row.managed_by) for row in dora.memberships.all()] == [("user", "ldap")]
    assert ExternalIdentity.objects.get(user=dora, source="ldap").external_id.count("-") == 4
    assert is_signed_in(client)
    actions = set(Event.objects.filter(target_id=str(dora.pk)).values_list("action", flat=True))
    assert {"person_created", "member_added", "sso_applied", "signed_in"} <= actions


def test_a_second_sign_in_finds_it_and_changes_nothing(client, ldap, workspace):
    sign_in(client, "dora@example.org")
    applied = Event.objects.filter(action="sso_applied").count()
    client.logout()
    assert sign_in(client, "dora@example.org").status_code == 302
    assert User.objects.filter(email="dora@example.org").count() == 1
    assert Event.objects.filter(action="sso_applied").count() == applied


def test_ldaps_works_too(client, ldap, settings, workspace):
    settings.LDAP_URLS = [f"ldaps://localhost:{ldap.tls_port}"]
    sign_in(client, "dora@example.org")
    assert is_signed_in(client)


def test_the_api_signs_in_too(client, ldap, workspace):
    body = {"email": "dora@example.org", "password": LDAP_PASSWORD}
    assert client.post("/api/v1/auth/login", body, content_type="application/json").status_code == 200


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("dora@example.org", "wrong"),
        ("dora@example.org", "   "),
        ("nobody@example.org", LDAP_PASSWORD),
        # Two entries with one address prove nobody.
        ("twin@example.org", LDAP_PASSWORD),
        # What would match everybody, or close the filter, were it not escaped.
        ("*@example.org", LDAP_PASSWORD),
        ("dora@example.org)(mail=*", LDAP_PASSWORD),
        ("*)(uid=dora))(|(uid=*", LDAP_PASSWORD),
        ("\\2a", LDAP_PASSWORD),
    ],
)
def test_who_does_not_get_in(client, ldap, workspace, email, password):
    answer = client.post("/api/v1/auth/login", {"email": email, "password": password}, content_type="application/json")
    assert answer.status_code == 401
    assert not User.objects.exists()


def test_an_empty_password_never_reaches_the_directory(ldap):
    """This one would take it, as nobody in particular (`allow bind_anon_cred`)."""
    assert ldap_authenticate(login="dora@example.org", password=LDAP_PASSWORD) is not None
    for password in ("", " ", "\x00"):
        assert ldap_authenticate(login="dora@example.org", password=password) is None


def test_a_name_with_characters_of_filters_is_found_by_its_groups(client, ldap, settings, workspace):
    settings.LDAP_GROUPS_ATTRIBUTE = ""
    settings.LDAP_GROUP_BASE = f"ou=groups,{BASE}"
    SignInRule.objects.create(source="ldap", claim="groups", value=STAFF.upper(), workspace=workspace, role="viewer")
    sign_in(client, "emil@example.org")
    assert Membership.objects.get(user__email="emil@example.org").role == "viewer"


def test_rules_by_member_of_attribute_and_department(client, ldap, workspace, other_workspace):
    SignInRule.objects.create(source="ldap", claim="groups", value=BOSSES, workspace=workspace, role="admin")
    SignInRule.objects.create(source="ldap", claim="groups", value=STAFF, workspace=workspace, role="viewer")
    SignInRule.objects.create(source="ldap", claim="departmentNumber".lower(), value="7", workspace=other_workspace)
    sign_in(client, "dora@example.org")
    roles = dict(Membership.objects.filter(user__email="dora@example.org").values_list("workspace__slug", "role"))
    assert roles == {workspace.slug: "admin", other_workspace.slug: "user"}


def test_whom_no_rule_fits_gets_a_page_and_nothing_else(client, ldap, workspace):
    SignInRule.objects.create(source="ldap", claim="groups", value=STAFF, workspace=workspace)
    answer = sign_in(client, "gina@example.org")
    assert answer.status_code == 403
    assert "none of your groups" in answer.content.decode()
    assert not User.objects.filter(email="gina@example.org").exists()
    assert Event.objects.get(action="sso_refused").data["reason"] == "no_rule"


def test_without_making_accounts(client, ldap, settings, workspace):
    settings.SSO_CREATE = False
    answer = sign_in(client, "dora@example.org")
    assert answer.status_code == 403
    assert "Ask an administrator" in answer.content.decode()
    assert not User.objects.exists()


def test_a_closed_account_stays_closed_and_looks_like_a_wrong_password(client, ldap, workspace):
    sign_in(client, "dora@example.org")
    client.logout()
    User.objects.update(is_active=False)
    closed, wrong = sign_in(client, "dora@example.org"), sign_in(client, "gina@example.org", "wrong")
    assert not is_signed_in(client)
    assert closed.status_code == wrong.status_code
    assert not User.objects.get(email="dora@example.org").is_active


def test_a_local_super_admin_is_not_the_directorys(client, ldap, root, workspace):
    """The directory has somebody with root's address; only root's own password counts."""
    sign_in(client, "root@example.org", LDAP_PASSWORD)
    assert not is_signed_in(client)
    sign_in(client, "root@example.org", PASSWORD)
    assert is_signed_in(client)
    assert not ExternalIdentity.objects.exists()


def test_another_super_admin_without_password_is_not_taken_over(client, ldap, root, workspace):
    root.set_unusable_password()
    root.save()
    answer = sign_in(client, "root@example.org", LDAP_PASSWORD)
    assert answer.status_code == 403
    assert not ExternalIdentity.objects.exists()


@pytest.fixture
def mute_port():
    """Takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def refusing_port():
    """Answers StartTLS with `protocolError`, as servers without TLS do."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        with listener:
            connection, _ = listener.accept()
        with connection:
            request = connection.recv(1024)
            # An ExtendedResponse with result code 2, to the message id that was sent.
            answer = request[2 : 4 + request[3]] + bytes.fromhex("78070a010204000400")
            connection.sendall(bytes([0x30, len(answer)]) + answer)
            connection.recv(1024)

    thread = threading.Thread(target=serve)
    thread.start()
    yield listener.getsockname()[1]
    thread.join(timeout=5)


_BROKEN = {
    "closed port": "Connection refused",
    "mute_port": "timed out",
    "refusing_port": "protocolError",
    "other authority": "CERTIFICATE_VERIFY_FAILED",
    "other name": "IP address mismatch",
    "service password": "invalidCredentials",
}


@pytest.fixture
def broken(request, ldap, settings):
    """One thing that goes wrong with the directory."""
    if request.param.endswith("port"):
        port = free_port() if request.param == "closed port" else request.getfixturevalue(request.param)
        settings.LDAP_URLS = [f"ldap://127.0.0.1:{port}"]
        settings.LDAP_TIMEOUT_SECONDS = 1
    elif request.param == "other authority":
        settings.LDAP_CA = ldap.other_ca
    elif request.param == "other name":
        settings.LDAP_URLS = [f"ldap://127.0.0.2:{ldap.port}"]
    else:
        settings.LDAP_BIND_PASSWORD = "wrong"
    return _BROKEN[request.param]


@pytest.mark.parametrize("broken", _BROKEN, indirect=True)
def test_a_super_admin_gets_in_whatever_has_become_of_the_directory(client, broken, root):
    started = time.monotonic()
    assert sign_in(client, "dora@example.org").status_code == 200
    assert not is_signed_in(client)
    assert time.monotonic() - started < 6
    sign_in(client, "root@example.org", PASSWORD)
    assert is_signed_in(client)


@pytest.mark.parametrize("broken", _BROKEN, indirect=True)
def test_the_check_says_what_is_wrong(broken, capsys):
    with pytest.raises(CommandError, match="1 of 1 sources"):
        call_command("sso_check")
    assert broken in capsys.readouterr().err


def test_a_second_server_stands_in_for_the_first(client, ldap, settings, workspace):
    settings.LDAP_URLS = [f"ldap://127.0.0.1:{free_port()}", *settings.LDAP_URLS]
    sign_in(client, "dora@example.org")
    assert is_signed_in(client)


def test_local_passwords_switched_off_leave_super_admins_and_the_directory(client, ldap, settings, ada, root):
    settings.PASSWORD_SIGN_IN = False
    for email, password, comes_in in (
        ("ada@example.org", PASSWORD, False),
        ("root@example.org", PASSWORD, True),
        ("dora@example.org", LDAP_PASSWORD, True),
    ):
        sign_in(client, email, password)
        assert is_signed_in(client) is comes_in, email
        client.logout()


def test_an_account_without_password_is_linked(client, ldap, ada):
    User.objects.filter(pk=ada.pk).update(email="dora@example.org", password="!none")
    sign_in(client, "dora@example.org")
    assert ExternalIdentity.objects.get().user_id == ada.pk
    # She was let in by somebody: no default place is added, hers stays.
    assert [row.managed_by for row in ada.memberships.all()] == [""]


def test_the_check_says_what_works(ldap, capsys):
    call_command("sso_check")
    said = capsys.readouterr().out
    assert "encrypted" in said
    assert "not encrypted" not in said


def test_the_check_names_a_wrong_base(ldap, settings, capsys):
    settings.LDAP_USER_BASE = f"ou=nowhere,{BASE}"
    with pytest.raises(CommandError):
        call_command("sso_check")
    assert "ou=nowhere" in capsys.readouterr().err


def test_the_dry_run_looks_into_the_directory_and_changes_nothing(ldap, workspace, capsys):
    SignInRule.objects.create(source="ldap", claim="group_names", value="bosses", workspace=workspace, role="admin")
    call_command("sso_dry_run", "--source", "ldap", "--email", "dora@example.org")
    said = capsys.readouterr().out
    assert "A new account for dora@example.org" in said
    assert "admin in Analytical Engines (by: group_names has bosses)" in said
    assert "joins Analytical Engines as admin" in said
    assert not User.objects.exists()
    assert not Event.objects.exists()


def test_unencrypted_only_when_switched_off(client, ldap, settings, workspace):
    settings.LDAP_TLS = False
    settings.LDAP_CA = ""
    sign_in(client, "dora@example.org")
    assert is_signed_in(client)


def test_the_service_account_is_no_person(client, ldap, settings, workspace):
    settings.LDAP_USER_FILTER = "(|(mail={login})(cn={login}))"
    assert SERVICE_DN.startswith("cn=admin")
    sign_in(client, "admin@example.org", "service secret")
    assert not is_signed_in(client)
