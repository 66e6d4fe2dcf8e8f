"""Sign-in, the first administrator, tokens and limits of use."""

from chatbot.settings.env import env_int, env_text

# Read once, by `manage.py prepare`, while there is no administrator yet.
ADMIN_EMAIL = env_text("CHATBOT_ADMIN_EMAIL")
ADMIN_PASSWORD = env_text("CHATBOT_ADMIN_PASSWORD")

ACCESS_TOKEN_SECONDS = env_int("CHATBOT_ACCESS_TOKEN_SECONDS", 900, minimum=60, maximum=86_400)
REFRESH_TOKEN_SECONDS = env_int("CHATBOT_REFRESH_TOKEN_SECONDS", 7 * 86_400, minimum=3600, maximum=365 * 86_400)

# Requests a minute and person that the API answers; 0 switches the limit off.
API_RATE_PER_MINUTE = env_int("CHATBOT_API_RATE_PER_MINUTE", 60, maximum=100_000)
API_RATE_BURST = env_int("CHATBOT_API_RATE_BURST", 10, minimum=1, maximum=10_000)
