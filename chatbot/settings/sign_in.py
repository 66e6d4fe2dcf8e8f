"""Passwords, lockout, registration, invitations."""

from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from chatbot.settings.env import env_bool, env_int, env_list, env_path, env_text

# A file with one refused password a line, beside the lists that come with Django and the product.
PASSWORD_LIST = env_path("CHATBOT_PASSWORD_LIST", Path())

# After so many failures an account or an address is locked, longer each time. 0 switches one of them off.
LOCKOUT_ACCOUNT_FAILURES = env_int("CHATBOT_LOCKOUT_ACCOUNT_FAILURES", 5, maximum=1000)
# People behind one router share an address.
LOCKOUT_ADDRESS_FAILURES = env_int("CHATBOT_LOCKOUT_ADDRESS_FAILURES", 5, maximum=100_000)
LOCKOUT_FIRST_SECONDS = 30
LOCKOUT_LONGEST_SECONDS = 3600

# Requests a minute from one address through the doors that need no sign-in. They close while Valkey is away.
DOOR_LIMITS = env_bool("CHATBOT_LOGIN_LIMITS", True)
DOOR_RATES = {"sign_in": 60, "refresh": 120, "reset": 20, "register": 20, "invitation": 60, "setup": 30}
# Mails that one mailbox gets in an hour because somebody typed its address.
ASKED_MAILS_PER_HOUR = 5

# allauth counts its other pages in Valkey. Failed attempts are counted in the database (apps.accounts.sign_in_guard),
# because a count that forgets after minutes cannot make the delay grow.
ACCOUNT_RATE_LIMITS = {"login": None, "login_failed": None, "reset_password": None} if DOOR_LIMITS else False
ACCOUNT_FORMS = {"reset_password": "apps.accounts.forms.passwords.ResetForm"}
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
# A stranger's mailbox gets nothing.
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False

PASSWORD_RESET_TIMEOUT = env_int("CHATBOT_RESET_LINK_SECONDS", 3600, minimum=60, maximum=7 * 86_400)

REGISTRATION = env_text("CHATBOT_REGISTRATION", "closed").lower()
REGISTRATION_DOMAINS = [domain.lower().lstrip("@") for domain in env_list("CHATBOT_REGISTRATION_DOMAINS", [])]
REGISTRATION_LINK_SECONDS = 86_400
if REGISTRATION not in {"closed", "open", "domains"}:
    raise ImproperlyConfigured(f"CHATBOT_REGISTRATION must be closed, open or domains, not {REGISTRATION!r}.")
if REGISTRATION == "domains" and not REGISTRATION_DOMAINS:
    raise ImproperlyConfigured("CHATBOT_REGISTRATION=domains needs CHATBOT_REGISTRATION_DOMAINS.")

INVITATION_DAYS = env_int("CHATBOT_INVITATION_DAYS", 7, minimum=1, maximum=90)
INVITATIONS_PER_HOUR = env_int("CHATBOT_INVITATIONS_PER_HOUR", 100, minimum=1, maximum=100_000)
