"""Conversations: a tree of messages, each reply a durable job."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from typing_extensions import override

from chatbot.lib.keys import uuid7_key


class Conversation(models.Model):
    """A person's talk with a model. Only its owner sees it.

    `params`: temperature, top_p, max_tokens. Empty `document_ids` and `collection_ids`: all the owner may see.
    """

    id = uuid7_key()
    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, related_name="conversations")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="conversations")
    title = models.CharField(max_length=200, blank=True)
    model = models.ForeignKey("llm.ModelProfile", on_delete=models.SET_NULL, null=True, related_name="+")
    system_prompt = models.TextField(blank=True)
    use_documents = models.BooleanField(default=True)
    document_ids = ArrayField(models.UUIDField(), default=list)
    collection_ids = ArrayField(models.UUIDField(), default=list)
    params = models.JSONField(default=dict)
    is_pinned = models.BooleanField(default=False)
    is_archived = models.BooleanField(default=False)
    # The last message of the branch that is shown.
    leaf = models.ForeignKey("Message", on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["owner", "-updated_at", "-id"], name="conversation_by_owner")]

    @override
    def __str__(self) -> str:
        # Labels reach logs and the audit trail; titles are people's words and must not.
        return f"conversation {self.pk}"


class Message(models.Model):
    """A turn. A reply is also the job that writes it: state, lease and attempt stand in this row.

    A place in a reply is its sequence number: `attempt * SEQUENCE_SPAN + characters of content so far`.
    """

    # More characters than any reply has; below 2**53 / attempts, so that numbers stay exact in JavaScript.
    SEQUENCE_SPAN = 10_000_000

    class Role(models.TextChoices):
        USER = "user"
        ASSISTANT = "assistant"

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        COMPLETE = "complete"
        STOPPED = "stopped"
        FAILED = "failed"

    OPEN_STATES = (State.QUEUED, State.RUNNING)

    id = uuid7_key()
    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, related_name="+")
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="messages")
    parent = models.ForeignKey("self", on_delete=models.CASCADE, null=True, related_name="children")
    role = models.CharField(max_length=10, choices=Role.choices)
    content = models.TextField(blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.COMPLETE)
    # What a running reply is doing: queued, searching, thinking.
    phase = models.CharField(max_length=12, blank=True)
    # How often it was begun anew after a lost worker; 0 the first time.
    attempt = models.PositiveSmallIntegerField(default=0)
    lease_token = models.UUIDField(null=True)
    lease_expires_at = models.DateTimeField(null=True)
    enqueued_at = models.DateTimeField(null=True)
    stop_requested = models.BooleanField(default=False)
    model = models.ForeignKey("llm.ModelProfile", on_delete=models.SET_NULL, null=True, related_name="+")
    model_name = models.CharField(max_length=200, blank=True)
    params = models.JSONField(default=dict)
    usage = models.JSONField(default=dict)
    finish_reason = models.CharField(max_length=12, blank=True)
    error_code = models.CharField(max_length=60, blank=True)
    error_detail = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["conversation", "id"], name="message_by_conversation"),
            models.Index(
                fields=["enqueued_at"],
                condition=models.Q(state__in=["queued", "running"]),
                name="message_open",
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.role} message, {self.state}"

    @property
    def sequence(self) -> int:
        """The place in the reply up to which `content` has come."""
        return self.attempt * self.SEQUENCE_SPAN + len(self.content)

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN_STATES


class Citation(models.Model):
    """A passage that a reply cites as [index]: a snapshot, so that it survives deletion and re-indexing."""

    id = uuid7_key()
    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, related_name="+")
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="citations")
    index = models.PositiveSmallIntegerField()
    document = models.ForeignKey("documents.Document", on_delete=models.SET_NULL, null=True, related_name="+")
    version = models.ForeignKey("documents.DocumentVersion", on_delete=models.SET_NULL, null=True, related_name="+")
    chunk_id = models.UUIDField()
    filename = models.CharField(max_length=255)
    page = models.PositiveIntegerField(null=True)
    page_last = models.PositiveIntegerField(null=True)
    heading = models.CharField(max_length=300, blank=True)
    quote = models.TextField()
    score = models.FloatField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["message", "index"], name="citation_index_once")]
        ordering = ["index"]

    @override
    def __str__(self) -> str:
        return f"[{self.index}] {self.filename}"
