"""Browser sessions, tokens and API keys."""

from chatbot.settings.env import env_int

# In the database, so that losing Valkey signs nobody out.
SESSION_ENGINE = "apps.accounts.session_store"
# A browser session ends after so long without use, and after so long in any case; an API sign-in after the latter.
SESSION_IDLE_SECONDS = env_int("CHATBOT_SESSION_IDLE_SECONDS", 7 * 86_400, minimum=300, maximum=365 * 86_400)
SESSION_MAX_SECONDS = env_int("CHATBOT_SESSION_MAX_SECONDS", 30 * 86_400, minimum=300, maximum=365 * 86_400)
SESSION_COOKIE_AGE = SESSION_MAX_SECONDS

# How often an open stream looks by itself whether its person may still be here; news of an end comes at once.
ACCESS_LOOK_SECONDS = 15.0
