"""From claims to roles."""

from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest

from apps.accounts.sso.rules import claim_values, rules_apply
from apps.accounts.sso.types import external_person

HERE, THERE = UUID(int=1), UUID(int=2)


@dataclass
class Rule:
    claim: str = ""
    value: str = ""
    source: str = "oidc"
    workspace_id: UUID | None = HERE
    role: str = "user"
    group_id: int | None = None
    makes_super_admin: bool = False

    def __post_init__(self):
        self.id = uuid4()


@pytest.mark.parametrize(
    ("claims", "path", "values"),
    [
        ({"groups": ["a", "b"]}, "groups", ["a", "b"]),
        ({"groups": "a"}, "groups", ["a"]),
        ({"realm_access": {"roles": ["a"]}}, "realm_access.roles", ["a"]),
        ({"https://example.org/roles": ["a"]}, "https://example.org/roles", ["a"]),
        ({"resource_access": {"my.client": {"roles": ["a"]}}}, "resource_access.my.client.roles", ["a"]),
        ({"a.b": "whole", "a": {"b": "part"}}, "a.b", ["whole"]),
        ({"admin": True, "level": 3}, "admin", ["true"]),
        ({"admin": True, "level": 3}, "level", ["3"]),
        ({"groups": [["nested"], None, {"x": 1}, "a"]}, "groups", ["a"]),
        ({"groups": None}, "groups", []),
        ({"groups": ["a"]}, "groups.x", []),
        ({}, "groups", []),
        ({"": "x"}, ".", []),
    ],
)
def test_values_of_a_claim(claims, path, values):
    assert claim_values(claims, path) == values


def test_the_highest_role_wins_whatever_the_order():
    rules = [
        Rule("groups", "readers", role="viewer"),
        Rule("groups", "bosses", role="admin"),
        Rule("groups", "staff", role="user"),
        Rule("groups", "staff", workspace_id=THERE, role="viewer"),
    ]
    for ordered in (rules, rules[::-1]):
        outcome = rules_apply(ordered, {"groups": ["staff", "bosses", "readers"]})
        assert {key: gift.role for key, gift in outcome.memberships.items()} == {HERE: "admin", THERE: "viewer"}
        assert outcome.memberships[HERE].rule_id == rules[1].id
        assert len(outcome.rule_ids) == 4


def test_nothing_fits():
    outcome = rules_apply([Rule("groups", "staff"), Rule("groups", "staff", makes_super_admin=True)], {"groups": ["x"]})
    assert outcome.is_empty
    assert not outcome.super_admin_rule


@pytest.mark.parametrize("value", ["Staff", "staff ", "staf", "staff,x", "*"])
def test_values_are_compared_whole(value):
    assert rules_apply([Rule("groups", value)], {"groups": ["staff"]}).is_empty


def test_names_of_the_directory_know_no_capitals():
    rule = Rule("groups", "CN=Staff,DC=example,DC=org", source="ldap")
    assert not rules_apply([rule], {"groups": ["cn=staff,dc=example,dc=org"]}).is_empty


def test_everybody_of_a_source():
    assert rules_apply([Rule(role="viewer")], {}).memberships[HERE].role == "viewer"


def test_groups_and_super_admins():
    rules = [Rule("groups", "staff", group_id=7), Rule("groups", "it", workspace_id=None, makes_super_admin=True)]
    outcome = rules_apply(rules, {"groups": ["staff", "it"]})
    assert outcome.groups == {7: rules[0].id}
    assert outcome.super_admin_rule == rules[1].id
    assert set(outcome.memberships) == {HERE}


def test_claims_hold_only_what_the_database_stores():
    person = external_person(
        source="oidc",
        uid="u" * 300,
        email=" Ada@Example.org\x00",
        email_is_trusted=True,
        name="A\x00da\ud800 \n Lovelace",
        claims={"a\x00": ["\x00b", float("nan"), {"c": "\udfff"}]},
    )
    assert person.email == "ada@example.org"
    assert person.name == "Ada? Lovelace"
    assert person.claims == {"a": ["b", None, {"c": "?"}]}
    assert len(person.uid) == 64


def test_an_address_that_is_no_text_is_none():
    for email in (None, ["ada@example.org"], 7, {"address": "ada@example.org"}):
        person = external_person(source="oidc", uid="x", email=email, email_is_trusted=True, name=None, claims={})
        assert (person.email, person.name) == ("", "")
