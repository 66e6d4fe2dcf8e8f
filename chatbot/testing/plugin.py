"""Pytest plugin: real Postgres and Valkey for every run, and the people that tests speak of.

`ada` owns, `ben` is a member of her workspace, `cleo` is a stranger from another one, `anna` administers ada's,
`root` is above all.
"""

import os
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from django.apps import AppConfig
    from django.test import Client

    from apps.accounts.models import User, Workspace

_servers = ExitStack()
PASSWORD = "correct horse battery staple"
_TRUNCATE_ALLOW = """
CREATE OR REPLACE FUNCTION audit_refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'
"""


# Longer than any thread takes that is not stuck.
OTHERS_SECONDS = 5.0
_OTHERS_BUSY = """
SELECT EXISTS (
    SELECT FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
      AND state IS DISTINCT FROM 'idle'
)
"""


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Start embedded servers before Django reads its settings, unless the environment names some.

    With `-n` each worker process has its own: roles and queues are shared by all databases of a server.
    """
    if "CHATBOT_DATABASE_URL" in os.environ and "CHATBOT_VALKEY_URL" in os.environ:
        return
    is_worker = "PYTEST_XDIST_WORKER" in os.environ
    if getattr(early_config.known_args_namespace, "numprocesses", None) and not is_worker:
        return
    from chatbot.dev.embedded import servers

    folder = _servers.enter_context(tempfile.TemporaryDirectory(prefix="chatbot-test-"))
    os.environ.update(_servers.enter_context(servers(Path(folder))))


def pytest_configure(config: pytest.Config) -> None:
    from django.db.models.signals import post_migrate

    post_migrate.connect(_audit_truncate_allow, dispatch_uid="chatbot.testing.audit")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In a parallel run, where processes take file after file: the long ones first, then those with the most tests.

    A long file that is begun last lets all other processes wait for its end.
    """
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return
    counts = Counter(item.path for item in items)
    long = {item.path for item in items if item.get_closest_marker("long_file")}
    items.sort(key=lambda item: (item.path not in long, -counts[item.path]))


def _audit_truncate_allow(*, app_config: "AppConfig", using: str, plan: object = None, **_: object) -> None:
    """Let the test database be emptied between transactional tests; the log's other triggers stay on.

    Once after migrating, not after each emptying, which sends the signal, too, but without a plan.
    """
    from django.db import connections

    if plan and app_config.label == "audit":
        with connections[using].cursor() as cursor:
            cursor.execute(_TRUNCATE_ALLOW)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    if _is_transactional(item):
        _others_await()
    if nextitem is None:
        _others_terminate()


def _is_transactional(item: pytest.Item) -> bool:
    marker = item.get_closest_marker("django_db")
    return bool(marker and marker.kwargs.get("transaction")) or "transactional_db" in getattr(item, "fixturenames", ())


def _others_await() -> None:
    """Let threads that a test left behind, such as a closed socket's, end their queries before the tables are emptied.

    One that begins just then and locks crosswise is the one that gives way: whose patience ends first loses.
    """
    from django.db import DatabaseError, connection

    deadline = time.monotonic() + OTHERS_SECONDS
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET deadlock_timeout = '60s'")
            while time.monotonic() < deadline:
                cursor.execute(_OTHERS_BUSY)
                if cursor.fetchone() == (False,):
                    return
                time.sleep(0.01)
    except DatabaseError:
        # A test that took the database away; emptying tells what is wrong.
        connection.close()


def _others_terminate() -> None:
    """After the last test, end what threads of asynchronous views still hold: the database could not be dropped."""
    from django.db import connection

    # The name changes to that of the test database when that has been made.
    if connection.settings_dict["NAME"] != connection.settings_dict["TEST"]["NAME"]:
        return
    main = connection.connection.info.backend_pid if connection.connection is not None else 0
    with connection.get_new_connection(connection.get_connection_params()) as own:
        own.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid NOT IN (pg_backend_pid(), %s)",
            [main],
        )


def pytest_unconfigure(config: pytest.Config) -> None:
    _servers.close()


def _person(name: str, workspace: "Workspace", role: str = "user") -> "User":
    from apps.accounts.models import Membership, User

    user = User.objects.create_user(f"{name}@example.org", PASSWORD, name=name.capitalize())
    Membership.objects.create(user=user, workspace=workspace, role=role)
    return user


def _client_of(user: "User") -> "Client":
    from django.test import Client

    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def workspace(db: None) -> "Workspace":
    from apps.accounts.models import Workspace

    return Workspace.objects.create(name="Analytical Engines", slug="analytical-engines")


@pytest.fixture
def other_workspace(db: None) -> "Workspace":
    from apps.accounts.models import Workspace

    return Workspace.objects.create(name="Elsewhere", slug="elsewhere")


@pytest.fixture
def ada(workspace: "Workspace") -> "User":
    return _person("ada", workspace)


@pytest.fixture
def ben(workspace: "Workspace") -> "User":
    return _person("ben", workspace)


@pytest.fixture
def vera(workspace: "Workspace") -> "User":
    """A viewer of ada's workspace."""
    return _person("vera", workspace, role="viewer")


@pytest.fixture
def cleo(other_workspace: "Workspace") -> "User":
    return _person("cleo", other_workspace)


@pytest.fixture
def admin_anna(workspace: "Workspace") -> "User":
    """The administrator of ada's workspace."""
    return _person("anna", workspace, role="admin")


@pytest.fixture
def root(db: None) -> "User":
    """A super admin who is a member nowhere."""
    from apps.accounts.models import User

    return User.objects.create_superuser("root@example.org", PASSWORD, name="Root")


@pytest.fixture
def client_ada(ada: "User") -> "Client":
    return _client_of(ada)


@pytest.fixture
def client_ben(ben: "User") -> "Client":
    return _client_of(ben)


@pytest.fixture
def client_vera(vera: "User") -> "Client":
    return _client_of(vera)


@pytest.fixture
def client_cleo(cleo: "User") -> "Client":
    return _client_of(cleo)


@pytest.fixture
def client_anna(admin_anna: "User") -> "Client":
    return _client_of(admin_anna)


@pytest.fixture
def client_root(root: "User") -> "Client":
    return _client_of(root)
