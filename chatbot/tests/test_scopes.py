"""Every operation of the API says what an API key needs for it."""

import re

from apps.accounts.scopes import SCOPES
from chatbot.api import api

PREFIX = "/api/v1/"


def _operations():
    for path, operations in api.get_openapi_schema(path_prefix=PREFIX)["paths"].items():
        for method, operation in operations.items():
            yield f"{method.upper()} /{path.removeprefix(PREFIX)}", operation


def test_every_operation_behind_sign_in_has_an_entry_and_every_entry_an_operation():
    assert {name for name, operation in _operations() if "security" in operation} == set(SCOPES)


def test_reading_by_get_and_writing_otherwise():
    read = {name for name, scope in SCOPES.items() if scope == "read"}
    assert {name.partition(" ")[0] for name in read} == {"GET"}
    assert all(scope == "admin" for name, scope in SCOPES.items() if re.match(r"\w+ /admin/", name))
    assert all(scope is None for name, scope in SCOPES.items() if re.match(r"\w+ /(auth|keys)", name))


def test_the_description_says_which_scope_and_what_lets_one_in():
    described = dict(_operations())
    conversations = described["GET /conversations"]
    assert conversations["security"] == [{"token": []}, {"key": []}, {"session": []}]
    assert "`read`" in conversations["description"]
    keys = described["POST /keys"]
    assert keys["security"] == [{"token": []}, {"session": []}]
    schemes = api.get_openapi_schema()["components"]["securitySchemes"]
    assert {name: scheme["type"] for name, scheme in schemes.items()} == {
        "token": "http", "key": "http", "session": "apiKey",
    }  # fmt: skip
