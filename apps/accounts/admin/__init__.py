"""Django's admin for accounts; each module registers its models."""

from apps.accounts.admin import people

__all__ = ["people"]
