"""Documents, their versions, and the text read out of them."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from typing_extensions import override

from chatbot.lib.keys import uuid7, uuid7_key


def file_key(version: "DocumentVersion", _filename: str) -> str:
    """A random storage key; the person's file name is only a label on the document."""
    return f"documents/{version.workspace_id}/{uuid7()}"


class Collection(models.Model):
    """A shelf of documents and who may read them."""

    class Visibility(models.TextChoices):
        PRIVATE = "private"
        WORKSPACE = "workspace"

    class Classification(models.TextChoices):
        PUBLIC = "public"
        INTERNAL = "internal"
        CONFIDENTIAL = "confidential"

    id = uuid7_key()
    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, related_name="collections")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    name = models.CharField(max_length=120)
    visibility = models.CharField(max_length=10, choices=Visibility.choices, default=Visibility.PRIVATE)
    classification = models.CharField(max_length=15, choices=Classification.choices, default=Classification.INTERNAL)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["workspace", "visibility"], name="collection_by_visibility")]

    @override
    def __str__(self) -> str:
        return self.name


class Document(models.Model):
    """What a person uploaded, whichever version of it. Seen by its owner and by who may read its collection."""

    id = uuid7_key()
    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, related_name="documents")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="documents")
    collection = models.ForeignKey(Collection, on_delete=models.SET_NULL, null=True, related_name="documents")
    filename = models.CharField(max_length=255)
    # In lower case.
    tags = ArrayField(models.CharField(max_length=50), default=list, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(fields=["workspace", "-created_at"], name="document_by_workspace"),
            GinIndex(fields=["tags"], name="document_tags"),
            models.Index(fields=["owner", "-created_at"], name="document_by_owner"),
        ]

    @override
    def __str__(self) -> str:
        return self.filename


class DocumentVersion(models.Model):
    """One file and how far reading it has come. The row is the job: state, lease and attempts stand here."""

    class State(models.TextChoices):
        UPLOADED = "uploaded"
        PROCESSING = "processing"
        INDEXED = "indexed"
        FAILED = "failed"
        CANCELLED = "cancelled"

    OPEN_STATES = (State.UPLOADED, State.PROCESSING)

    class Stage(models.TextChoices):
        PARSE = "parse"
        INDEX = "index"

    id = uuid7_key()
    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, related_name="+")
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField(default=1)
    is_current = models.BooleanField(default=True)
    file = models.FileField(upload_to=file_key, max_length=200)
    sha256 = models.CharField(max_length=64)
    mime = models.CharField(max_length=100, blank=True)
    size_bytes = models.PositiveBigIntegerField()
    state = models.CharField(max_length=12, choices=State.choices, default=State.UPLOADED)
    stage = models.CharField(max_length=8, choices=Stage.choices, default=Stage.PARSE)
    # 0 to 1 over both stages.
    progress = models.FloatField(default=0)
    pages = models.PositiveIntegerField(null=True)
    pages_done = models.PositiveIntegerField(default=0)
    chunk_count = models.PositiveIntegerField(default=0)
    error_code = models.CharField(max_length=40, blank=True)
    error_detail = models.CharField(max_length=500, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_token = models.UUIDField(null=True)
    lease_expires_at = models.DateTimeField(null=True)
    enqueued_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["document", "number"], name="version_number_once"),
            models.UniqueConstraint(
                fields=["document"], condition=models.Q(is_current=True), name="version_one_current"
            ),
        ]
        indexes = [
            models.Index(
                fields=["enqueued_at"],
                condition=models.Q(state__in=["uploaded", "processing"]),
                name="version_open",
            )
        ]

    @override
    def __str__(self) -> str:
        return f"version {self.number} of {self.document_id}"


class Section(models.Model):
    """A run of text under one heading on one page, in reading order. `page` counts from 1; None where there are none.

    `boxes`: [[start, end, x0, y0, x1, y1], …], one per line: characters of `text` and their place as shares
    (0..1) of the page, from the top left.
    """

    class Kind(models.TextChoices):
        TEXT = "text"
        TABLE = "table"

    id = uuid7_key()
    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, related_name="+")
    version = models.ForeignKey(DocumentVersion, on_delete=models.CASCADE, related_name="sections")
    ordinal = models.PositiveIntegerField()
    kind = models.CharField(max_length=6, choices=Kind.choices, default=Kind.TEXT)
    page = models.PositiveIntegerField(null=True)
    heading_path = ArrayField(models.CharField(max_length=300), default=list)
    text = models.TextField()
    boxes = models.JSONField(default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "ordinal"], name="section_ordinal_once")]

    @override
    def __str__(self) -> str:
        return f"section {self.ordinal} of {self.version_id}"
