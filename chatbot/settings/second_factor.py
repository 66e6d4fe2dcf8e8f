"""Second factors: authenticator apps (TOTP), passkeys, recovery codes; and asking again before sensitive things."""

from chatbot.settings.env import env_bool, env_int

# Recovery codes are the product's own (apps.accounts.second_factor.recovery): allauth keeps what can be shown again.
MFA_SUPPORTED_TYPES = ["totp", "webauthn"]
MFA_ADAPTER = "apps.accounts.second_factor.adapter.SecondFactorAdapter"
# Signing in by passkey has a page of its own (apps.accounts.second_factor.views).
MFA_PASSKEY_LOGIN_ENABLED = False

# For so long after a password or second factor nobody is asked again.
STEP_UP_SECONDS = env_int("CHATBOT_STEP_UP_SECONDS", 300, minimum=30, maximum=3600)
ACCOUNT_REAUTHENTICATION_TIMEOUT = STEP_UP_SECONDS

# Whoever comes by OpenID Connect or SAML gave their second factor there: it is not asked for again here, and demanded
# of nobody who comes that way.
SSO_TRUSTS_SECOND_FACTOR = env_bool("CHATBOT_SSO_TRUSTS_SECOND_FACTOR", False)
