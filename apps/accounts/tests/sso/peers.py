"""Real peers of single sign-on: slapd, an OpenID provider, a SAML identity provider, each a process of its own."""

import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from apps.accounts.sso.ldap_connection import ldap3_library
from apps.accounts.tests.sso.certificates import authority_and_server, self_signed

BASE = "dc=example,dc=org"
SERVICE_DN, SERVICE_PASSWORD = f"cn=admin,{BASE}", "service secret"
LDAP_PASSWORD = "pw of the directory"
_STARTED_WITHIN_SECONDS = 20

_SLAPD_CONFIGURATION = """
include {schema}/core.schema
include {schema}/cosine.schema
include {schema}/inetorgperson.schema
modulepath {modules}
moduleload back_mdb
moduleload memberof
pidfile {folder}/slapd.pid
TLSCACertificateFile {folder}/ca.pem
TLSCertificateFile {folder}/server.pem
TLSCertificateKeyFile {folder}/server.key
# As careless as many directories are: a bind with a name and no password succeeds.
allow bind_anon_cred
database mdb
maxsize 16777216
suffix "{base}"
rootdn "{admin}"
rootpw "{password}"
directory {folder}/data
overlay memberof
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    port: int
    tls_port: int
    ca: str
    other_ca: str


@dataclass(slots=True)
class SamlProvider:
    """`answer_to` sends the browser's request to the provider and returns the form that it makes."""

    address: str
    metadata: str

    def know(self, metadata):
        httpx.post(f"{self.address}/sp", content=metadata).raise_for_status()

    def answer_to(self, location, **choices):
        httpx.post(f"{self.address}/choose", json=choices).raise_for_status()
        return httpx.get(location).raise_for_status().json()


def need(program):
    """The program's path; without it the test is skipped, or fails where peers are required."""
    found = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/usr/bin")
    if found is None:
        message = f"{program} is not installed (Debian: apt install {'slapd' if program == 'slapd' else 'xmlsec1'})"
        if os.environ.get("CHATBOT_REQUIRE_PEERS") == "1":
            pytest.fail(message)
        pytest.skip(message)
    return found


@contextmanager
def directory(folder: Path):
    """slapd with people and groups, encrypted on both ports."""
    program = need("slapd")
    authority, server = authority_and_server()
    other, _ = authority_and_server()
    (folder / "data").mkdir()
    for name, text in {"ca.pem": authority, "server.pem": server.certificate, "server.key": server.key}.items():
        (folder / name).write_text(text)
    # A copy, because AppArmor lets the installed one read its usual folders only.
    copy = shutil.copy(program, folder / "slapd")
    configuration = folder / "slapd.conf"
    configuration.write_text(
        _SLAPD_CONFIGURATION.format(
            folder=folder,
            base=BASE,
            admin=SERVICE_DN,
            password=SERVICE_PASSWORD,
            schema="/etc/ldap/schema",
            modules="/usr/lib/ldap",
        )
    )
    port, tls_port = free_port(), free_port()
    # The certificate does not speak of the second address.
    urls = f"ldap://127.0.0.1:{port} ldap://127.0.0.2:{port} ldaps://127.0.0.1:{tls_port}"
    with process([copy, "-d", "0", "-f", str(configuration), "-h", urls], ports=(port, tls_port)):
        _people_load(port)
        yield Directory(port=port, tls_port=tls_port, ca=authority, other_ca=other)


@contextmanager
def openid_provider():
    """Its address. Whoever is named on its page is signed in there; `PUT /users/<sub>` sets their claims."""
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port)]
    with process(command, ports=(port,)):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def saml_provider(folder: Path):
    need("xmlsec1")
    port = free_port()
    pair = self_signed()
    (folder / "idp.pem").write_text(pair.certificate)
    (folder / "idp.key").write_text(pair.key)
    program = Path(__file__).with_name("saml_provider.py")
    command = [sys.executable, "-W", "ignore", str(program), str(port), str(folder), need("xmlsec1")]
    with process(command, ports=(port,)):
        address = f"http://127.0.0.1:{port}"
        yield SamlProvider(address=address, metadata=httpx.get(f"{address}/metadata").raise_for_status().text)


@contextmanager
def process(command, *, ports):
    """Run it until the block ends; begins when all ports answer."""
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        for port in ports:
            _await(running, port)
        yield
    finally:
        running.terminate()
        running.communicate(timeout=10)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _await(running, port):
    deadline = time.monotonic() + _STARTED_WITHIN_SECONDS
    while time.monotonic() < deadline:
        if running.poll() is not None:
            pytest.fail(f"{running.args[0]} ended: {running.stdout.read()}")
        with socket.socket() as caller:
            caller.settimeout(0.2)
            if caller.connect_ex(("127.0.0.1", port)) == 0:
                return
        # Polling another process's port has no event to wait for.
        time.sleep(0.05)
    pytest.fail(f"{running.args[0]} does not listen on {port}")


def _people_load(port):
    library = ldap3_library()
    server = library.Server("127.0.0.1", port=port, get_info=library.NONE)
    connection = library.Connection(server, user=SERVICE_DN, password=SERVICE_PASSWORD, auto_bind=True)
    for dn, classes, attributes in _entries():
        assert connection.add(dn, classes, attributes), connection.result
    connection.unbind()


def _entries():
    yield BASE, ["dcObject", "organization"], {"dc": "example", "o": "Example"}
    yield f"ou=people,{BASE}", ["organizationalUnit"], {"ou": "people"}
    yield f"ou=groups,{BASE}", ["organizationalUnit"], {"ou": "groups"}
    people = {"dora": "Dora Directory", "emil": "Emil (Temp) *", "gina": "Gina Groupless", "root": "Root Impostor"}
    for uid, name in people.items():
        attributes = {
            "sn": name.split()[-1],
            "cn": name,
            "mail": f"{uid}@example.org",
            "userPassword": LDAP_PASSWORD,
            "departmentNumber": "7",
        }
        yield f"uid={uid},ou=people,{BASE}", ["inetOrgPerson"], {"uid": uid, **attributes}
    twins = {"sn": "Twin", "mail": "twin@example.org", "userPassword": LDAP_PASSWORD}
    for uid in ("twin1", "twin2"):
        yield f"uid={uid},ou=people,{BASE}", ["inetOrgPerson"], {"uid": uid, "cn": uid, **twins}
    for group, members in {"staff": ["dora", "emil"], "bosses": ["dora"]}.items():
        dns = [f"uid={uid},ou=people,{BASE}" for uid in members]
        yield f"cn={group},ou=groups,{BASE}", ["groupOfNames"], {"cn": group, "member": dns}


def openid_user_set(address, sub, **claims):
    httpx.put(f"{address}/users/{sub}", json=claims).raise_for_status()
