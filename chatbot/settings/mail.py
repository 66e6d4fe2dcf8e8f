"""Mail: to the console, unless an SMTP server is named."""

from chatbot.settings.env import env_text

EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
DEFAULT_FROM_EMAIL = env_text("CHATBOT_MAIL_FROM", "chatbot@localhost")
