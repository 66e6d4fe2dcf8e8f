"""People, workspaces (tenants) and what connects them."""

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import Group as DjangoGroup
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from typing_extensions import override

from chatbot.lib.keys import uuid7, uuid7_key

if TYPE_CHECKING:
    from apps.accounts.models.tokens import ApiKey


class UserManager(BaseUserManager["User"]):
    """Makes users; e-mail addresses are kept in lower case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, is_super_admin=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in by e-mail. `is_super_admin` is above every workspace."""

    id = uuid7_key()
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=150, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    is_super_admin = models.BooleanField(default=False)
    # Empty, or the sign-in source whose rules made this person a super admin and take it back.
    super_admin_managed_by = models.CharField(max_length=10, blank=True, editable=False)
    date_joined = models.DateTimeField(default=timezone.now)
    # Where the person works until they switch; meaningless once they are no member there.
    current_workspace = models.ForeignKey(
        "Workspace", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    # The key by which this request was let in; of the object, not of the row.
    api_key: "ApiKey | None" = None

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_unique_in_any_case")]

    @override
    def __str__(self) -> str:
        return self.name or self.email

    @override
    def clean(self) -> None:
        super().clean()
        self.email = self.email.strip().lower()


class Workspace(models.Model):
    """A tenant: every owned row names one.

    Empty limits are no limits; those `_per_user` hold for each member, unless the membership says otherwise.
    `second_factor_roles`: who must have a second factor, `second_factor_grace_days` after `second_factor_since`
    or after joining, whichever is later.
    """

    id = uuid7_key()
    name = models.CharField(max_length=100)
    slug = models.SlugField(max_length=60, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    messages_per_day = models.PositiveIntegerField(null=True, blank=True)
    documents_limit = models.PositiveIntegerField(null=True, blank=True)
    bytes_limit = models.PositiveBigIntegerField(null=True, blank=True)
    messages_per_day_per_user = models.PositiveIntegerField(null=True, blank=True)
    documents_per_user = models.PositiveIntegerField(null=True, blank=True)
    bytes_per_user = models.PositiveBigIntegerField(null=True, blank=True)
    second_factor_roles = ArrayField(models.CharField(max_length=10), default=list, blank=True)
    second_factor_grace_days = models.PositiveSmallIntegerField(default=7)
    second_factor_since = models.DateTimeField(null=True, blank=True)
    members = models.ManyToManyField(User, through="Membership", related_name="workspaces")

    @override
    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A person's role in a workspace."""

    class Role(models.TextChoices):
        ADMIN = "admin"
        USER = "user"
        VIEWER = "viewer"

    id = uuid7_key()
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.USER)
    created_at = models.DateTimeField(auto_now_add=True)
    # Empty, or the sign-in source (oidc, saml, ldap, scim) whose rules keep this role up to date.
    managed_by = models.CharField(max_length=10, blank=True)
    # In place of the workspace's limits per user; empty for those.
    messages_per_day = models.PositiveIntegerField(null=True, blank=True)
    documents_limit = models.PositiveIntegerField(null=True, blank=True)
    bytes_limit = models.PositiveBigIntegerField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "workspace"], name="membership_once")]

    @override
    def __str__(self) -> str:
        return f"{self.user_id} is {self.role} in {self.workspace_id}"


class Group(DjangoGroup):
    """Members of one workspace that get grants together. Its people are `user_set`, as guardian wants it.

    `DjangoGroup.name` is unique over all workspaces, so people see `title`.
    """

    key = models.UUIDField(unique=True, default=uuid7, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="groups")
    title = models.CharField(max_length=100)
    external_id = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    if TYPE_CHECKING:
        # The parent's manager, which gives rows of this class.
        objects: ClassVar[models.Manager["Group"]]  # type: ignore[assignment]

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "title"], name="group_title_once")]

    @override
    def __str__(self) -> str:
        return self.title
