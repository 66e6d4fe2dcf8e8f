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
    # False: this one reply does without documents, whatever the conversation does.
    use_documents = models.BooleanField(default=True)
    usage = models.JSONField(default=dict)
    finish_reason = models.CharField(max_length=12, blank=True)
    error_code = models.CharField(max_length=60, blank=True)
    error_detail = models.CharField(max_length=500, blank=True)
    # The passages could not answer, and the reply says so instead of asking a model.
    is_unanswered = models.BooleanField(default=False)
    # Share of the sentences with a citation that their passage supports; None before it was looked at or without any.
    support_share = models.FloatField(null=True)
    # Places in `content`: {"sentences": [[start, end, score], …] unsupported, "values": [[start, end, kind], …] that
    # stand in no passage}.
    marks = models.JSONField(default=dict)
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
    # The whole passage as the model read it.
    text = models.TextField(blank=True)
    version_number = models.PositiveIntegerField(null=True)
    score = models.FloatField()
    # How well the passage supports the sentences that cite it, 0 to 1; None where that was not measured.
    support = models.FloatField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["message", "index"], name="citation_index_once")]
        ordering = ["index"]

    @override
    def __str__(self) -> str:
        return f"[{self.index}] {self.filename}"


class Retrieval(models.Model):
    """How a reply came by its passages: what "why this answer" shows. Written with the end of the reply.

    `filters`: as the search got them, ids and operators. `timings`: step → milliseconds.
    """

    id = uuid7_key()
    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, related_name="+")
    message = models.OneToOneField(Message, on_delete=models.CASCADE, related_name="retrieval")
    # search, whole_document, aggregate, none
    kind = models.CharField(max_length=20)
    searched = models.TextField(blank=True)
    formulations = ArrayField(models.TextField(), default=list)
    filters = models.JSONField(default=dict)
    profile_id = models.UUIDField(null=True)
    # How surely the passages can answer, 0 to 1, and what was asked for at least.
    answerability = models.FloatField(null=True)
    threshold = models.FloatField(null=True)
    is_enough = models.BooleanField(null=True)
    prompt_version = models.CharField(max_length=40, blank=True)
    model_name = models.CharField(max_length=200, blank=True)
    params = models.JSONField(default=dict)
    timings = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["workspace", "-id"], name="retrieval_by_workspace")]

    @override
    def __str__(self) -> str:
        return f"retrieval of {self.message_id}"


class RetrievedPassage(models.Model):
    """A passage that a search brought, used or left out. Holds no text: who may still see the passage reads it.

    `version_id` is no foreign key: which answers used a version must be known after it is gone.
    """

    class Outcome(models.TextChoices):
        CITED = "cited"
        USED = "used"
        LEFT_OUT = "left_out"

    id = uuid7_key()
    retrieval = models.ForeignKey(Retrieval, on_delete=models.CASCADE, related_name="passages", db_index=False)
    rank = models.PositiveSmallIntegerField()
    document = models.ForeignKey("documents.Document", on_delete=models.SET_NULL, null=True, related_name="+")
    version_id = models.UUIDField()
    version_number = models.PositiveIntegerField(null=True)
    chunk_id = models.UUIDField()
    filename = models.CharField(max_length=255)
    page = models.PositiveIntegerField(null=True)
    page_last = models.PositiveIntegerField(null=True)
    score = models.FloatField()
    bm25 = models.FloatField(null=True)
    dense = models.FloatField(null=True)
    rerank = models.FloatField(null=True)
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    # Why it was left out: weak, no_room, copy, other_document …
    reason = models.CharField(max_length=20, blank=True)
    flags = ArrayField(models.CharField(max_length=30), default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["retrieval", "rank"], name="retrieved_passage_once")]
        indexes = [models.Index(fields=["version_id"], name="retrieved_by_version")]
        ordering = ["rank"]

    @override
    def __str__(self) -> str:
        return f"{self.outcome} at {self.rank}"


class Feedback(models.Model):
    """What a person thinks of a reply: 1 or -1."""

    id = uuid7_key()
    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, related_name="+")
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="feedback")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    rating = models.SmallIntegerField()
    reason = models.CharField(max_length=1000, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["message", "user"], name="feedback_once"),
            models.CheckConstraint(condition=models.Q(rating__in=[-1, 1]), name="feedback_rating"),
        ]
        indexes = [models.Index(fields=["workspace", "rating", "-id"], name="feedback_by_workspace")]

    @override
    def __str__(self) -> str:
        return f"{self.rating:+d} on {self.message_id}"


class KnowledgeGap(models.Model):
    """A topic of questions that the documents did not answer well, as counted in the last night.

    `terms`: words that several people used, empty for the questions that share none. `weeks`: how many questions in
    each week, the oldest first. Without a group: of the whole workspace.
    """

    id = uuid7_key()
    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, related_name="+")
    group = models.ForeignKey("accounts.Group", on_delete=models.CASCADE, null=True, related_name="+")
    terms = ArrayField(models.CharField(max_length=60), default=list)
    questions = models.PositiveIntegerField()
    people = models.PositiveIntegerField()
    weeks = models.JSONField(default=list)
    computed_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["workspace", "group", "-questions"], name="gap_by_workspace")]

    @override
    def __str__(self) -> str:
        return f"{self.questions} questions"
