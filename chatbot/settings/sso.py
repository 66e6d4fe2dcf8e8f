"""Single sign-on: OpenID Connect, SAML, LDAP; one switch each. SCIM."""

from chatbot.settings.env import env_bool, env_int, env_list, env_text, env_url

# What holds for every source. Local passwords off: only super admins may use theirs, so that nobody is ever shut out.
PASSWORD_SIGN_IN = env_bool("CHATBOT_PASSWORD_SIGN_IN", True)
SSO_CREATE = env_bool("CHATBOT_SSO_CREATE", True)
SSO_DEFAULT_ROLE = env_text("CHATBOT_SSO_DEFAULT_ROLE", "user").lower()
# Whoever can change an address in the directory must not become a super admin by that.
SSO_LINK_SUPER_ADMINS = env_bool("CHATBOT_SSO_LINK_SUPER_ADMINS", False)

OIDC = env_bool("CHATBOT_OIDC", False)
OIDC_ISSUER = env_url("CHATBOT_OIDC_ISSUER")
OIDC_CLIENT_ID = env_text("CHATBOT_OIDC_CLIENT_ID")
OIDC_CLIENT_SECRET = env_text("CHATBOT_OIDC_CLIENT_SECRET")
OIDC_NAME = env_text("CHATBOT_OIDC_NAME", "single sign-on")
OIDC_SCOPES = env_list("CHATBOT_OIDC_SCOPES", ["openid", "profile", "email"])
OIDC_GROUPS_CLAIM = env_text("CHATBOT_OIDC_GROUPS_CLAIM", "groups")
OIDC_LINK_BY_EMAIL = env_text("CHATBOT_OIDC_LINK_BY_EMAIL", "verified").lower()

SAML = env_bool("CHATBOT_SAML", False)
SAML_IDP_METADATA_URL = env_url("CHATBOT_SAML_IDP_METADATA_URL")
SAML_IDP_METADATA = env_text("CHATBOT_SAML_IDP_METADATA")
SAML_IDP_ENTITY_ID = env_text("CHATBOT_SAML_IDP_ENTITY_ID")
SAML_ENTITY_ID = env_text("CHATBOT_SAML_ENTITY_ID")
SAML_NAME = env_text("CHATBOT_SAML_NAME", "SAML")
SAML_CERTIFICATE = env_text("CHATBOT_SAML_CERTIFICATE")
SAML_PRIVATE_KEY = env_text("CHATBOT_SAML_PRIVATE_KEY")
SAML_ID_ATTRIBUTE = env_text("CHATBOT_SAML_ID_ATTRIBUTE")
SAML_EMAIL_ATTRIBUTE = env_text("CHATBOT_SAML_EMAIL_ATTRIBUTE")
SAML_NAME_ATTRIBUTE = env_text("CHATBOT_SAML_NAME_ATTRIBUTE")
SAML_GROUPS_ATTRIBUTE = env_text("CHATBOT_SAML_GROUPS_ATTRIBUTE", "groups")
SAML_LINK_BY_EMAIL = env_text("CHATBOT_SAML_LINK_BY_EMAIL", "always").lower()

LDAP = env_bool("CHATBOT_LDAP", False)
LDAP_URLS = env_list("CHATBOT_LDAP_URL", [])
LDAP_TLS = env_bool("CHATBOT_LDAP_TLS", True)
LDAP_CA = env_text("CHATBOT_LDAP_CA")
LDAP_TIMEOUT_SECONDS = env_int("CHATBOT_LDAP_TIMEOUT_SECONDS", 3, minimum=1, maximum=30)
LDAP_DIRECTORY = env_text("CHATBOT_LDAP_DIRECTORY", "generic").lower()
LDAP_BIND_DN = env_text("CHATBOT_LDAP_BIND_DN")
LDAP_BIND_PASSWORD = env_text("CHATBOT_LDAP_BIND_PASSWORD")
LDAP_USER_BASE = env_text("CHATBOT_LDAP_USER_BASE")
# Empty: what the kind of directory above usually has (apps/accounts/sso/configuration.py).
LDAP_USER_FILTER = env_text("CHATBOT_LDAP_USER_FILTER")
LDAP_ID_ATTRIBUTE = env_text("CHATBOT_LDAP_ID_ATTRIBUTE")
LDAP_EMAIL_ATTRIBUTE = env_text("CHATBOT_LDAP_EMAIL_ATTRIBUTE")
LDAP_NAME_ATTRIBUTE = env_text("CHATBOT_LDAP_NAME_ATTRIBUTE")
LDAP_GROUPS_ATTRIBUTE = env_text("CHATBOT_LDAP_GROUPS_ATTRIBUTE", "memberOf")
LDAP_GROUP_BASE = env_text("CHATBOT_LDAP_GROUP_BASE")
LDAP_GROUP_FILTER = env_text("CHATBOT_LDAP_GROUP_FILTER")
LDAP_LINK_BY_EMAIL = env_text("CHATBOT_LDAP_LINK_BY_EMAIL", "always").lower()
