"""The audit log. It knows people by AUTH_USER_MODEL and targets by type, id and label."""

from django.conf import settings
from django.db import models
from typing_extensions import override

from chatbot.lib.keys import uuid7_key


class Event(models.Model):
    """One thing somebody did or was refused. Append-only; ids and counts, never texts or secrets."""

    class Result(models.TextChoices):
        ALLOWED = "allowed"
        REFUSED = "refused"

    id = uuid7_key()
    created_at = models.DateTimeField(auto_now_add=True)
    # No foreign key: accounts lies above audit, and an event outlives its workspace.
    workspace_id = models.UUIDField(null=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    actor_label = models.CharField(max_length=254, blank=True)
    action = models.CharField(max_length=60)
    result = models.CharField(max_length=10, choices=Result.choices, default=Result.ALLOWED)
    target_type = models.CharField(max_length=60, blank=True)
    target_id = models.CharField(max_length=60, blank=True)
    target_label = models.CharField(max_length=200, blank=True)
    ip_address = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=300, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    data = models.JSONField(default=dict)

    class Meta:
        indexes = [
            models.Index(fields=["workspace_id", "-created_at"], name="audit_by_workspace"),
            models.Index(fields=["actor", "-created_at"], name="audit_by_actor"),
            models.Index(fields=["target_type", "target_id"], name="audit_by_target"),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.action} by {self.actor_label or 'nobody'}"
