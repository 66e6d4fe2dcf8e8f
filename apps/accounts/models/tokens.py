"""What lets somebody in without typing a password: tokens, keys, links. Only hashes are kept."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from typing_extensions import override

from apps.accounts.models.sessions import USER_AGENT_LENGTH
from chatbot.lib.keys import uuid7, uuid7_key


class RefreshToken(models.Model):
    """One link of a rotating chain; using a used one revokes the whole family. Only the SHA-256 is kept.

    `signed_in_at` goes from link to link. Address and program are those of the last use, by access tokens too.
    """

    id = uuid7_key()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="refresh_tokens")
    family = models.UUIDField(default=uuid7, db_index=True)
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    signed_in_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    address = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=USER_AGENT_LENGTH, blank=True)

    @override
    def __str__(self) -> str:
        return f"refresh token {self.pk}"


class SetupToken(models.Model):
    """The one-time link that makes the first administrator. Only the SHA-256 is kept."""

    id = uuid7_key()
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(null=True)

    @override
    def __str__(self) -> str:
        return f"set-up token {self.pk}"


class IdempotentRequest(models.Model):
    """The answer to a POST that carried an Idempotency-Key, so that a repeat gets the same one."""

    id = uuid7_key()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    route = models.CharField(max_length=200)
    request_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key", "route"], name="idempotency_key_once")]

    @override
    def __str__(self) -> str:
        return f"{self.route} {self.key}"


class ApiKey(models.Model):
    """A program's key: `cb_<prefix>_<secret>`. Only the secret's SHA-256 is kept; the prefix finds the row.

    Acts as its owner in one workspace, within its scopes. `allowed_networks`: CIDR texts, empty for anywhere.
    """

    class Scope(models.TextChoices):
        READ = "read"
        CHAT = "chat"
        DOCUMENTS = "documents"
        ADMIN = "admin"

    id = uuid7_key()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys")
    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=16, unique=True)
    secret_hash = models.CharField(max_length=64)
    scopes = ArrayField(models.CharField(max_length=12, choices=Scope.choices))
    allowed_networks = ArrayField(models.CharField(max_length=50), default=list, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True)
    last_used_address = models.GenericIPAddressField(null=True)
    revoked_at = models.DateTimeField(null=True)

    @override
    def __str__(self) -> str:
        return f"key {self.prefix}"


class Invitation(models.Model):
    """A mailed link by which one address joins one workspace. Only the SHA-256 of the token is kept."""

    id = uuid7_key()
    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=10, default="user")
    token_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    @override
    def __str__(self) -> str:
        return f"invitation {self.pk}"
