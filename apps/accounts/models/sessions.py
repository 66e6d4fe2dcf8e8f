"""Where people are signed in by browser."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from typing_extensions import override

from chatbot.lib.keys import uuid7_key

USER_AGENT_LENGTH = 300


class BrowserSession(models.Model):
    """One browser's session, signed in or not; its end is the row's. Only the SHA-256 of the cookie's key is kept.

    `password_mark` changes with the person's password: a session of before a change is worth nothing.
    `created_at` is the sign-in, as signing in begins a new session. Address and browser are those of the last use.
    """

    id = uuid7_key()
    key_hash = models.CharField(max_length=64, unique=True)
    data = models.TextField()
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="browser_sessions"
    )
    password_mark = models.CharField(max_length=16, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    address = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=USER_AGENT_LENGTH, blank=True)

    @override
    def __str__(self) -> str:
        return f"session {self.pk}"
