"""Which models there are and what each call to one took."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from typing_extensions import override

from chatbot.lib.keys import uuid7_key


class ModelProfile(models.Model):
    """A model as people choose it. `endpoint` names the configured place it answers at (see llm/registry.py)."""

    class Classification(models.TextChoices):
        PUBLIC = "public"
        INTERNAL = "internal"
        CONFIDENTIAL = "confidential"

    id = uuid7_key()
    endpoint = models.CharField(max_length=40)
    name = models.CharField(max_length=200)
    title = models.CharField(max_length=200)
    abilities = ArrayField(models.CharField(max_length=20), default=list)
    context_tokens = models.PositiveIntegerField(default=8192)
    price_input = models.DecimalField("price per million tokens in", max_digits=12, decimal_places=6, default=0)
    price_output = models.DecimalField("price per million tokens out", max_digits=12, decimal_places=6, default=0)
    classification = models.CharField(
        "highest classification it may see",
        max_length=15,
        choices=Classification.choices,
        default=Classification.CONFIDENTIAL,
    )
    is_local = models.BooleanField(default=True)
    # Such a model answers from documents best when it reads nothing else: no earlier turns, no word about citing.
    is_small = models.BooleanField("small: gets the shortest prompts", default=False)
    # Two switches: what an administrator wants, and what models_sync found. A model is offered when both are on.
    is_enabled = models.BooleanField(default=True)
    is_served = models.BooleanField("its endpoint is on and lists it", default=True, editable=False)
    is_default = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "name"], name="model_profile_once"),
            models.UniqueConstraint(
                fields=["is_default"], condition=models.Q(is_default=True), name="model_profile_one_default"
            ),
        ]

    @override
    def __str__(self) -> str:
        return self.title


class Inference(models.Model):
    """One call to a model. `reference_id` is the row it was made for: a message, a document version."""

    class State(models.TextChoices):
        OK = "ok"
        STOPPED = "stopped"
        FAILED = "failed"

    id = uuid7_key()
    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, null=True, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    profile = models.ForeignKey(ModelProfile, on_delete=models.SET_NULL, null=True, related_name="inferences")
    model_name = models.CharField(max_length=200)
    purpose = models.CharField(max_length=30)
    reference_id = models.UUIDField(null=True)
    state = models.CharField(max_length=10, choices=State.choices)
    routing_reason = models.CharField(max_length=60, blank=True)
    prompt_tokens = models.PositiveIntegerField(default=0)
    completion_tokens = models.PositiveIntegerField(default=0)
    first_token_seconds = models.FloatField(null=True)
    duration_seconds = models.FloatField(default=0)
    cost = models.DecimalField(max_digits=14, decimal_places=8, default=0)
    quality_score = models.FloatField(null=True)
    error_code = models.CharField(max_length=60, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(fields=["workspace", "-created_at"], name="inference_by_workspace"),
            models.Index(fields=["reference_id"], name="inference_by_reference"),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.purpose} with {self.model_name}: {self.state}"
