"""How people sign in: failed attempts, and identities and roles that come from elsewhere."""

from django.conf import settings
from django.db import models
from typing_extensions import override

from chatbot.lib.keys import uuid7_key


class SignInGuard(models.Model):
    """Failed attempts against one account or from one address, and until when it is locked.

    `subject_hash`: keyed hash of the e-mail address or network address, whether anybody has it or not.
    """

    class Kind(models.TextChoices):
        ACCOUNT = "account"
        ADDRESS = "address"

    id = uuid7_key()
    kind = models.CharField(max_length=8, choices=Kind.choices)
    subject_hash = models.CharField(max_length=64)
    failures = models.PositiveIntegerField(default=0)
    last_failure_at = models.DateTimeField()
    locked_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "subject_hash"], name="sign_in_guard_once")]

    @override
    def __str__(self) -> str:
        return f"{self.failures} failures of one {self.kind}"


class RecoveryCode(models.Model):
    """One code that stands in for the second factor, once. Only its hash is kept."""

    id = uuid7_key()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="recovery_codes")
    code_hash = models.CharField(max_length=128)
    created_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(null=True)

    @override
    def __str__(self) -> str:
        return f"recovery code {self.pk}"


class SignInSource(models.TextChoices):
    OIDC = "oidc"
    SAML = "saml"
    LDAP = "ldap"
    SCIM = "scim"


class SignInRule(models.Model):
    """Whoever signs in through `source` with `claim` containing `value` gets this role, group or right.

    `claim` empty: everybody of that source.
    """

    id = uuid7_key()
    source = models.CharField(max_length=4, choices=SignInSource.choices)
    claim = models.CharField(max_length=200, blank=True)
    value = models.CharField(max_length=500, blank=True)
    workspace = models.ForeignKey(
        "accounts.Workspace", on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    role = models.CharField(max_length=10, default="user")
    group = models.ForeignKey("accounts.Group", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    makes_super_admin = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    @override
    def __str__(self) -> str:
        return f"rule {self.pk}"


class ExternalIdentity(models.Model):
    """Who a person is in a directory: LDAP entry or SCIM id. OIDC and SAML stand in allauth's SocialAccount."""

    id = uuid7_key()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="external_identities")
    source = models.CharField(max_length=4, choices=SignInSource.choices)
    external_id = models.CharField(max_length=500)
    # SCIM only: what the directory calls the person, to be given back as it came.
    attributes = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "external identities"
        constraints = [models.UniqueConstraint(fields=["source", "external_id"], name="external_identity_once")]

    @override
    def __str__(self) -> str:
        return f"{self.source} identity {self.pk}"
