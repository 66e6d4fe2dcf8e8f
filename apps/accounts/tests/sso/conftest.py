"""Peers, started once for the whole run, and the settings that point to them."""

import httpx
import pytest
from django.core.cache import cache

from apps.accounts.tests.sso import peers


@pytest.fixture(scope="session")
def slapd(tmp_path_factory):
    with peers.directory(tmp_path_factory.mktemp("slapd")) as running:
        yield running


@pytest.fixture(scope="session")
def openid_address():
    with peers.openid_provider() as address:
        yield address


@pytest.fixture(scope="session")
def saml_running(tmp_path_factory):
    with peers.saml_provider(tmp_path_factory.mktemp("saml")) as running:
        yield running


@pytest.fixture
def ldap(db, settings, slapd):
    """LDAP switched on, by StartTLS."""
    settings.LDAP = True
    settings.LDAP_URLS = [f"ldap://127.0.0.1:{slapd.port}"]
    settings.LDAP_CA = slapd.ca
    settings.LDAP_BIND_DN = peers.SERVICE_DN
    settings.LDAP_BIND_PASSWORD = peers.SERVICE_PASSWORD
    settings.LDAP_USER_BASE = f"ou=people,{peers.BASE}"
    return slapd


@pytest.fixture
def oidc(db, settings, openid_address):
    """OpenID Connect switched on. Returns the provider's address."""
    settings.OIDC = True
    settings.OIDC_ISSUER = openid_address
    settings.OIDC_CLIENT_ID = "chatbot"
    settings.OIDC_CLIENT_SECRET = "client secret"
    settings.OIDC_NAME = "Example login"
    return openid_address


@pytest.fixture
def saml(db, settings, client, saml_running):
    """SAML switched on, and the provider knows our metadata."""
    settings.SAML = True
    settings.SAML_IDP_METADATA = saml_running.metadata
    settings.SAML_NAME = "Example SAML"
    saml_running.know(client.get("/accounts/sso/saml/metadata/").content)
    return saml_running


@pytest.fixture(autouse=True)
def _cache_emptied():
    yield
    cache.clear()


@pytest.fixture
def oidc_sign_in():
    """Go to the provider, be `sub` there, come back: the answer of our callback page."""

    def run(client, sub, *, address="/accounts/sso/oidc/"):
        left = client.get(address)
        assert left.status_code == 302, left.content
        back = httpx.post(left["Location"], data={"sub": sub})
        return client.get(back.headers["Location"].removeprefix("http://testserver"))

    return run
