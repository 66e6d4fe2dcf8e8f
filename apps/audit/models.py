"""The audit log. It knows people by id and label, and targets by type, id and label; it depends on no other app.

Tables, triggers, privileges and partitions are made by SQL in the migrations. `audit_event` and `audit_link` take new
rows only. An event is written at once; its link (number and hash) when the transaction commits.
"""

from typing import Any

from django.db import models
from django.utils import timezone
from typing_extensions import override

from apps.audit.content import chain_of, content_hash, content_of
from chatbot.lib.keys import uuid7_key


class ChainField(models.UUIDField):  # type: ignore[type-arg]
    """The chain that an event belongs to: its workspace's id, the nil uuid for none."""

    @override
    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = chain_of(model_instance.workspace_id)  # type: ignore[attr-defined]
        setattr(model_instance, self.attname, value)
        return value


class ContentHashField(models.BinaryField):  # type: ignore[type-arg]
    """SHA-256 over the event's content, taken when it is written."""

    @override
    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = content_hash(content_of(model_instance))
        setattr(model_instance, self.attname, value)
        return value


class Event(models.Model):
    """One thing somebody did or was refused. Append-only; ids and counts, never texts or secrets.

    Lists are ordered by (-created_at, -id), and every index serves that order. The table is partitioned by month of
    `created_at`: a query that says from when on reads only those months.
    """

    class Result(models.TextChoices):
        ALLOWED = "allowed"
        REFUSED = "refused"

    id = uuid7_key()
    created_at = models.DateTimeField(default=timezone.now)
    # No foreign keys: an event outlives its workspace and its people.
    workspace_id = models.UUIDField(null=True)
    chain = ChainField(editable=False)
    actor_id = models.UUIDField(null=True)
    actor_label = models.CharField(max_length=254, blank=True)
    on_behalf_of_id = models.UUIDField(null=True)
    on_behalf_of_label = models.CharField(max_length=254, blank=True)
    # The actor's role in the workspace at that time: "super_admin", "admin", "user", "viewer" or "".
    role = models.CharField(max_length=20, blank=True)
    action = models.CharField(max_length=60)
    result = models.CharField(max_length=10, choices=Result.choices, default=Result.ALLOWED)
    target_type = models.CharField(max_length=60, blank=True)
    target_id = models.CharField(max_length=60, blank=True)
    target_label = models.CharField(max_length=200, blank=True)
    ip_address = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=300, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    data = models.JSONField(default=dict)
    content_hash = ContentHashField(editable=False)

    class Meta:
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="audit_by_time"),
            models.Index(fields=["chain", "-created_at", "-id"], name="audit_by_chain"),
            models.Index(fields=["chain", "action", "-created_at", "-id"], name="audit_by_chain_action"),
            models.Index(fields=["action", "-created_at", "-id"], name="audit_by_action"),
            models.Index(
                fields=["actor_id", "-created_at", "-id"],
                name="audit_by_actor",
                condition=models.Q(actor_id__isnull=False),
            ),
            models.Index(
                fields=["on_behalf_of_id", "-created_at", "-id"],
                name="audit_by_principal",
                condition=models.Q(on_behalf_of_id__isnull=False),
            ),
            models.Index(
                fields=["target_id", "target_type", "-created_at", "-id"],
                name="audit_by_target",
                condition=~models.Q(target_id=""),
            ),
            models.Index(fields=["actor_label", "-created_at", "-id"], name="audit_by_label"),
            models.Index(
                fields=["request_id", "-created_at", "-id"],
                name="audit_by_request",
                condition=~models.Q(request_id=""),
            ),
            models.Index(
                fields=["ip_address", "-created_at", "-id"],
                name="audit_by_address",
                condition=models.Q(ip_address__isnull=False),
            ),
            models.Index(
                fields=["-created_at", "-id"],
                name="audit_refused_by_time",
                condition=models.Q(result="refused"),
            ),
            models.Index(
                fields=["chain", "-created_at", "-id"],
                name="audit_refused",
                condition=models.Q(result="refused"),
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.action} by {self.actor_label or 'nobody'}"


class Link(models.Model):
    """An event's place in its chain, written by the database when the event's transaction commits.

    `hash` is SHA-256 over the predecessor's hash, `seq` in 8 bytes and the event's content hash. Without gaps: `seq`
    counts from 1 in each chain.
    """

    event_id = models.UUIDField(primary_key=True)
    event_at = models.DateTimeField()
    chain = models.UUIDField()
    seq = models.BigIntegerField()
    hash = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["chain", "seq"], name="audit_link_once")]

    @override
    def __str__(self) -> str:
        return f"{self.chain} {self.seq}"


class Chain(models.Model):
    """The end of a chain: the last event's number and hash."""

    chain = models.UUIDField(primary_key=True)
    seq = models.BigIntegerField(default=0)
    hash = models.BinaryField()

    @override
    def __str__(self) -> str:
        return f"{self.chain} {self.seq}"


class SignedHead(models.Model):
    """A chain's end at one time with a signature: what stood before can no longer be rewritten unnoticed."""

    id = uuid7_key()
    chain = models.UUIDField()
    seq = models.BigIntegerField()
    hash = models.BinaryField()
    signed_at = models.DateTimeField()
    key_id = models.CharField(max_length=16)
    signature = models.BinaryField()

    class Meta:
        indexes = [models.Index(fields=["chain", "seq"], name="audit_head_of_chain")]

    @override
    def __str__(self) -> str:
        return f"{self.chain} {self.seq}"


class Checkpoint(models.Model):
    """Signed in place of events that were deleted: all up to `seq`, whose last link had `hash`."""

    id = uuid7_key()
    chain = models.UUIDField()
    seq = models.BigIntegerField()
    hash = models.BinaryField()
    # Of those deleted with this checkpoint.
    event_count = models.BigIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    signed_at = models.DateTimeField()
    key_id = models.CharField(max_length=16)
    signature = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["chain", "seq"], name="audit_checkpoint_once")]

    @override
    def __str__(self) -> str:
        return f"{self.chain} {self.seq}"


class Stream(models.Model):
    """The stream of events to a receiver outside: its one row. `lease_token` is whose turn it is to send."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    lease_token = models.UUIDField(null=True)
    lease_expires_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    # Why nothing was taken last time; empty when it was.
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="audit_stream_once")]

    @override
    def __str__(self) -> str:
        return self.error or f"sent {self.sent_at}"


class StreamPosition(models.Model):
    """How far a chain has been sent: up to the event number `seq`."""

    chain = models.UUIDField(primary_key=True)
    seq = models.BigIntegerField(default=0)

    @override
    def __str__(self) -> str:
        return f"{self.chain} {self.seq}"
