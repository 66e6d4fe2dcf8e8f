"""How good search and answers are: golden questions of a collection, runs over them, and what follows from a run."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from typing_extensions import override

from apps.rag.models.index import IndexProfile
from chatbot.lib.keys import uuid7_key


class GoldenQuestion(models.Model):
    """A question whose right answer is known.

    `expected`: [{"document_id"?, "filename"?, "pages"?: [int], "relevance"?}]. Without expected documents and with
    `is_unanswerable` the right answer is that the documents do not tell.
    """

    class State(models.TextChoices):
        PROPOSED = "proposed"
        APPROVED = "approved"
        REJECTED = "rejected"

    class Origin(models.TextChoices):
        WRITTEN = "written"
        IMPORTED = "imported"
        FEEDBACK = "feedback"
        MODEL = "model"

    id = uuid7_key()
    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, related_name="+")
    collection = models.ForeignKey("documents.Collection", on_delete=models.CASCADE, related_name="golden_questions")
    question = models.TextField()
    expected = models.JSONField(default=list)
    answer = models.TextField(blank=True)
    is_unanswerable = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.APPROVED)
    origin = models.CharField(max_length=10, choices=Origin.choices, default=Origin.WRITTEN)
    # The importing file's own key, so that importing twice changes nothing.
    external_id = models.CharField(max_length=100, blank=True)
    # The reply that somebody was not content with.
    message_id = models.UUIDField(null=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["collection", "external_id"],
                condition=~models.Q(external_id=""),
                name="golden_question_imported_once",
            )
        ]
        indexes = [models.Index(fields=["collection", "state", "-id"], name="golden_by_collection")]

    @override
    def __str__(self) -> str:
        return f"golden question {self.pk}"


class JudgingRun(models.Model):
    """A job over one collection. The row is the job: whoever holds its lease works on it (see `evaluation.leases`)."""

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        COMPLETE = "complete"
        FAILED = "failed"
        CANCELLED = "cancelled"

    OPEN_STATES = (State.QUEUED, State.RUNNING)

    id = uuid7_key()
    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    done_count = models.PositiveIntegerField(default=0)
    # Why it failed, or waits.
    error_detail = models.CharField(max_length=500, blank=True)
    # Steps in a row that came no question or passage further.
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_token = models.UUIDField(null=True)
    lease_expires_at = models.DateTimeField(null=True)
    enqueued_at = models.DateTimeField(null=True)
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN_STATES


class ProposalRun(JudgingRun):
    """A model proposes golden questions from passages of a collection.

    `chunk_ids`: the passages, in the order in which they are read; the first `done_count` have been. One run at a time
    is open for a collection.
    """

    collection = models.ForeignKey("documents.Collection", on_delete=models.CASCADE, related_name="proposal_runs")
    chunk_ids = ArrayField(models.UUIDField())
    proposed_count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["collection"],
                condition=models.Q(state__in=["queued", "running"]),
                name="proposal_run_open_once",
            )
        ]
        indexes = [
            models.Index(fields=["collection", "-id"], name="proposals_by_collection"),
            models.Index(
                fields=["enqueued_at"],
                condition=models.Q(state__in=["queued", "running"]),
                name="proposals_open",
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"proposals {self.pk}"

    @property
    def is_news(self) -> bool:
        """Whether somebody still waits for it, or has to do something."""
        return self.is_open or self.state == self.State.FAILED

    @property
    def passage_count(self) -> int:
        return len(self.chunk_ids)


class EvaluationRun(JudgingRun):
    """All approved questions of a collection asked with one configuration.

    `configuration`: what was tried (profile, tuning, model). `metrics`: name → mean over the questions.
    """

    class Purpose(models.TextChoices):
        MANUAL = "manual"
        NIGHTLY = "nightly"
        SWITCH = "switch"
        TUNING = "tuning"

    collection = models.ForeignKey("documents.Collection", on_delete=models.CASCADE, related_name="evaluation_runs")
    profile = models.ForeignKey(IndexProfile, on_delete=models.SET_NULL, null=True, related_name="+")
    label = models.CharField(max_length=100, blank=True)
    purpose = models.CharField(max_length=10, choices=Purpose.choices, default=Purpose.MANUAL)
    configuration = models.JSONField(default=dict)
    # Asks a model, too, and judges what it says.
    has_answers = models.BooleanField(default=False)
    question_count = models.PositiveIntegerField(default=0)
    metrics = models.JSONField(default=dict)

    class Meta:
        indexes = [
            models.Index(fields=["collection", "-id"], name="evaluation_by_collection"),
            models.Index(
                fields=["enqueued_at"],
                condition=models.Q(state__in=["queued", "running"]),
                name="evaluation_open",
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"evaluation {self.pk}"


class EvaluationResult(models.Model):
    """One question of a run. `found`: [[document id, page or null, score], …], best first."""

    id = uuid7_key()
    run = models.ForeignKey(EvaluationRun, on_delete=models.CASCADE, related_name="results", db_index=False)
    question = models.ForeignKey(GoldenQuestion, on_delete=models.CASCADE, related_name="+")
    metrics = models.JSONField(default=dict)
    # Hash of the question and its right answer as they then were: only the same can be compared.
    asked_hash = models.CharField(max_length=64, blank=True)
    found = models.JSONField(default=list)
    answer = models.TextField(blank=True)
    took_ms = models.FloatField(default=0)
    error_detail = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "question"], name="evaluation_result_once")]

    @override
    def __str__(self) -> str:
        return f"result of {self.question_id} in {self.run_id}"


class CollectionTuning(models.Model):
    """What was found to serve a collection best. Without a row the settings hold.

    `rerank` is what somebody chose; with `automatic` the last evaluation decides by `is_rerank_worth`.
    """

    class Rerank(models.TextChoices):
        AUTOMATIC = "automatic"
        ON = "on"
        OFF = "off"

    id = uuid7_key()
    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, related_name="+")
    collection = models.OneToOneField("documents.Collection", on_delete=models.CASCADE, related_name="tuning")
    rerank = models.CharField(max_length=10, choices=Rerank.choices, default=Rerank.AUTOMATIC)
    is_rerank_worth = models.BooleanField(null=True)
    # What reranking gained in nDCG@10, and what it cost in milliseconds a question.
    rerank_gain = models.FloatField(null=True)
    rerank_ms = models.FloatField(null=True)
    measured_at = models.DateTimeField(null=True)

    @override
    def __str__(self) -> str:
        return f"tuning of {self.collection_id}"
