"""People, workspaces, what lets them in, and what watches over it."""

from apps.accounts.models.oversight import BreakGlass, DailyUsage, Notice
from apps.accounts.models.people import Group, Membership, User, UserManager, Workspace
from apps.accounts.models.sessions import BrowserSession
from apps.accounts.models.sign_in import ExternalIdentity, RecoveryCode, SignInGuard, SignInRule, SignInSource
from apps.accounts.models.tokens import ApiKey, IdempotentRequest, Invitation, RefreshToken, SetupToken

__all__ = [
    "ApiKey",
    "BreakGlass",
    "BrowserSession",
    "DailyUsage",
    "ExternalIdentity",
    "Group",
    "IdempotentRequest",
    "Invitation",
    "Membership",
    "Notice",
    "RecoveryCode",
    "RefreshToken",
    "SetupToken",
    "SignInGuard",
    "SignInRule",
    "SignInSource",
    "User",
    "UserManager",
    "Workspace",
]
