"""Django's admin for accounts; each module registers its models."""

from apps.accounts.admin import access, memberships, people, sso, workspaces

__all__ = ["access", "memberships", "people", "sso", "workspaces"]
