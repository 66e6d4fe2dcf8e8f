"""The index: passages with their vectors, and the statistics that BM25 needs."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from pgvector.django import SparseVectorField, VectorField
from typing_extensions import override

from chatbot.lib.keys import uuid7_key


class IndexProfile(models.Model):
    """An embedder with its dimensions and a way of cutting passages. Several can stand side by side; one is live.

    Each profile has a partial HNSW index of its own over Chunk.embedding. `chunking`: sizes other than the chunker's
    (minimum, ideal, maximum, in tokens); empty for its own. A `ready` one is whole and waits to be switched on; a
    `retired` one was live and can be switched back to while its passages are there.
    """

    class State(models.TextChoices):
        BUILDING = "building"
        PAUSED = "paused"
        READY = "ready"
        LIVE = "live"
        RETIRED = "retired"
        FAILED = "failed"
        DROPPING = "dropping"

    # New documents are added to these.
    KEPT_STATES = (State.LIVE, State.BUILDING, State.READY, State.RETIRED)

    class Provider(models.TextChoices):
        ONNX = "onnx", "ONNX Runtime"
        SENTENCE_TRANSFORMERS = "sentence_transformers", "sentence-transformers"
        EMBEDDED = "embedded", "embedded model server"
        OLLAMA = "ollama", "Ollama"
        OPENAI = "openai", "OpenAI-compatible"
        OPENROUTER = "openrouter", "OpenRouter"
        GEMINI = "gemini", "Gemini"

    class VectorType(models.TextChoices):
        VECTOR = "vector"
        HALFVEC = "halfvec"

    id = uuid7_key()
    name = models.CharField(max_length=100, blank=True)
    provider = models.CharField(max_length=30, choices=Provider.choices, default=Provider.ONNX)
    embedder = models.CharField(max_length=200)
    # 0 until the first passage of a build was embedded, where nobody named a number.
    dimensions = models.PositiveIntegerField()
    # What the graph is built over: halfvec is half as large.
    vector_type = models.CharField(max_length=10, choices=VectorType.choices, default=VectorType.HALFVEC)
    chunker_version = models.PositiveIntegerField()
    chunking = models.JSONField(default=dict, blank=True)
    query_prefix = models.CharField(max_length=300, blank=True)
    document_prefix = models.CharField(max_length=300, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.BUILDING)
    # How many passages a minute a build may embed; None: as many as it can.
    chunks_per_minute = models.PositiveIntegerField(null=True, blank=True)
    error_detail = models.CharField(max_length=500, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    live_at = models.DateTimeField(null=True)
    retired_at = models.DateTimeField(null=True)
    # The row is the job of bringing the profile up to date.
    lease_token = models.UUIDField(null=True)
    lease_expires_at = models.DateTimeField(null=True)
    enqueued_at = models.DateTimeField(null=True)
    # Up to when the allowance of `chunks_per_minute` is used.
    paced_at = models.DateTimeField(null=True)
    # Somebody asked for a switch to it, which a worker checks first; and what speaks against it, a sentence a line.
    switch_wanted_at = models.DateTimeField(null=True)
    switch_wanted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    switch_blocked = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["state"], condition=models.Q(state="live"), name="index_profile_one_live"),
            models.UniqueConstraint(fields=["name"], condition=~models.Q(name=""), name="index_profile_name_once"),
        ]

    @property
    def title(self) -> str:
        return self.name or self.embedder

    @override
    def __str__(self) -> str:
        return f"{self.embedder}, {self.dimensions} dimensions, chunker {self.chunker_version}"


class Chunk(models.Model):
    """A passage as searched. `embedding` is empty until the second stage of indexing has come to it.

    `spans`: [[section ordinal, start, end], …], the characters of each section that the passage covers.
    The table also has `near`, the embedding in half precision, which the database keeps itself (migration 0009) and
    only the dense leg reads.
    `bm25`: dimension = lexeme id, value = tf / (tf + k1 * (1 - b + b * length / average length)).
    """

    id = uuid7_key()
    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, related_name="+")
    # The unique constraint begins with the profile; an index of its own would only mislead the planner.
    profile = models.ForeignKey(IndexProfile, on_delete=models.CASCADE, related_name="chunks", db_index=False)
    document = models.ForeignKey("documents.Document", on_delete=models.CASCADE, related_name="chunks")
    version = models.ForeignKey("documents.DocumentVersion", on_delete=models.CASCADE, related_name="chunks")
    ordinal = models.PositiveIntegerField()
    text = models.TextField()
    heading_path = ArrayField(models.CharField(max_length=300), default=list)
    page_first = models.PositiveIntegerField(null=True)
    page_last = models.PositiveIntegerField(null=True)
    spans = models.JSONField(default=list)
    # Lexeme occurrences: the document length of BM25.
    length = models.PositiveIntegerField(default=0)
    terms = SearchVectorField()
    bm25 = SparseVectorField(null=True)
    embedding = VectorField(null=True)
    # Which text search configuration made `terms`.
    language = models.CharField(max_length=20, default="english")
    # Hash of the text that is embedded: the same text in the same workspace and profile is embedded once.
    embedded_hash = models.UUIDField(null=True)
    # 64 bits, near for near texts; as a signed number. None for texts too short to tell.
    likeness = models.BigIntegerField(null=True)
    # What readers must be warned of; see rag.suspicion.
    flags = ArrayField(models.CharField(max_length=30), default=list)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["profile", "version", "ordinal"], name="chunk_ordinal_once")]
        indexes = [
            GinIndex(fields=["terms"], name="chunk_terms", fastupdate=False),
            models.Index(
                fields=["embedded_hash"],
                condition=models.Q(embedded_hash__isnull=False),
                name="chunk_embedded_hash",
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"chunk {self.ordinal} of {self.version_id}"


class IndexedVersion(models.Model):
    """How far a profile has come with a version. `chunk_count` passages stand, `embedded_count` have a vector.

    `is_withheld`: the collection's classification keeps the texts from the embedder; keyword search alone finds them.
    """

    class State(models.TextChoices):
        BUILDING = "building"
        DONE = "done"
        FAILED = "failed"

    id = uuid7_key()
    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, related_name="+")
    profile = models.ForeignKey(IndexProfile, on_delete=models.CASCADE, related_name="versions", db_index=False)
    version = models.ForeignKey("documents.DocumentVersion", on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=10, choices=State.choices, default=State.BUILDING)
    chunk_count = models.PositiveIntegerField(default=0)
    embedded_count = models.PositiveIntegerField(default=0)
    is_withheld = models.BooleanField(default=False)
    # Steps begun since the last that got further.
    attempts = models.PositiveSmallIntegerField(default=0)
    error_detail = models.CharField(max_length=500, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["profile", "version"], name="indexed_version_once")]

    @override
    def __str__(self) -> str:
        return f"version {self.version_id} under {self.profile_id}"


class Lexeme(models.Model):
    """A word stem and in how many chunks of a workspace's index it stands. The id is its dimension in `bm25`."""

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, related_name="+", db_index=False)
    profile = models.ForeignKey(IndexProfile, on_delete=models.CASCADE, related_name="+", db_index=False)
    # Collated "C": compared byte by byte, as the tsvector itself sorts.
    text = models.TextField(db_collation="C")
    document_frequency = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            # The word first: the planner, while it has no statistics, would else read all words of the workspace.
            models.UniqueConstraint(fields=["text", "workspace", "profile"], name="lexeme_once")
        ]

    @override
    def __str__(self) -> str:
        return self.text


class CorpusStatistics(models.Model):
    """How many chunks a workspace's index has, how long they are together, and which languages they are in."""

    id = uuid7_key()
    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, related_name="+")
    profile = models.ForeignKey(IndexProfile, on_delete=models.CASCADE, related_name="+")
    chunk_count = models.PositiveBigIntegerField(default=0)
    total_length = models.PositiveBigIntegerField(default=0)
    # Text search configurations; one may be left of a passage that is gone.
    languages = ArrayField(models.CharField(max_length=20), default=list)
    # The average length by which `bm25` was computed: the same for all chunks, so that they compare.
    weights_average = models.FloatField(null=True)
    # While they are computed anew: by which average, and up to which chunk that was done.
    weights_target = models.FloatField(null=True)
    weights_reached = models.UUIDField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "profile"], name="corpus_statistics_once")]

    @override
    def __str__(self) -> str:
        return f"{self.chunk_count} chunks"
