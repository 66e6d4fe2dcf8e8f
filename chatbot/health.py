"""Whether the process lives, whether the whole works, and how it does."""

import ipaddress
from collections.abc import Callable
from threading import Event

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_prometheus.exports import ExportToDjangoView

from apps.llm.status import chat_model_ready
from chatbot.error_views import UNAVAILABLE_ERRORS
from chatbot.lib.problems import problem_of_status, problem_response
from chatbot.lib.valkey import valkey

_migrated = Event()


@require_safe
async def health(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """503 names what is missing: database, migrations, broker or chat_model."""
    parts = {name: _answers(check) for name, check in _CHECKS.items()}
    is_ready = all(parts.values())
    body = {
        "status": "ready" if is_ready else "not_ready",
        "failing": [name for name, answers in parts.items() if not answers],
    }
    response = JsonResponse(body, status=200 if is_ready else 503)
    # Probes ask every second while the product starts; Django would log each answer as an error.
    vars(response)["_has_been_logged"] = True
    return response


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    if not _may_read_metrics(request):
        return problem_response(request, problem_of_status(404))
    response: HttpResponse = ExportToDjangoView(request)
    return response


def _answers(check: Callable[[], bool]) -> bool:
    try:
        return check()
    except UNAVAILABLE_ERRORS:
        return False


def _database_answers() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return True


def _is_migrated() -> bool:
    """Reading all migrations takes long, and a database does not go back under a running process: yes is kept."""
    if not _migrated.is_set():
        executor = MigrationExecutor(connection)
        if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
            _migrated.set()
    return _migrated.is_set()


def _broker_answers() -> bool:
    return bool(valkey().ping())


_CHECKS: dict[str, Callable[[], bool]] = {
    "database": _database_answers,
    "migrations": _is_migrated,
    "broker": _broker_answers,
    "chat_model": chat_model_ready,
}


def _may_read_metrics(request: HttpRequest) -> bool:
    """With the bearer token, or from this machine and not through a proxy."""
    given = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    if settings.METRICS_TOKEN and constant_time_compare(given, settings.METRICS_TOKEN):
        return True
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
