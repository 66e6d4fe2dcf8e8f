"""What stands in Django's admin to be looked at only."""

from typing import Any

from django.http import HttpRequest


class ReadOnly:
    """Mixin for admins and inlines, before Django's class: writing goes through services, which check and audit."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
