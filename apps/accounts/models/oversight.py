"""Looking into what is somebody else's, telling them so, and how much is used."""

from django.conf import settings
from django.db import models
from typing_extensions import override

from chatbot.lib.keys import uuid7_key


class BreakGlass(models.Model):
    """An administrator's leave to read one person's conversations in one workspace: with a reason, for minutes."""

    id = uuid7_key()
    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, related_name="+")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    reason = models.CharField(max_length=500)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "break-glass access"
        verbose_name_plural = "break-glass accesses"
        indexes = [models.Index(fields=["actor", "owner", "expires_at"], name="break_glass_by_actor")]

    @override
    def __str__(self) -> str:
        return f"break-glass access {self.pk}"


class Notice(models.Model):
    """Something a person must be told in the portal; shown until they have seen it."""

    id = uuid7_key()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notices")
    text = models.CharField(max_length=1000)
    created_at = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["user"], condition=models.Q(read_at=None), name="notice_unread")]

    @override
    def __str__(self) -> str:
        return f"notice {self.pk}"


class DailyUsage(models.Model):
    """Questions that a person asked in a workspace on a day (UTC); `user` empty: the whole workspace."""

    id = uuid7_key()
    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+")
    day = models.DateField()
    messages = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "user", "day"], name="usage_once", nulls_distinct=False)
        ]

    @override
    def __str__(self) -> str:
        return f"{self.messages} questions on {self.day}"
