"""A form that is posted without any field is a wrong form, not a look at the page."""

import pytest
from django.urls import reverse

from apps.accounts.tests.second_factors import step_up

PAGES = [
    "accounts:groups",
    "accounts:invitations",
    "accounts:person-add",
    "accounts:api-key-new",
    "accounts:sign-in-rule-new",
    "accounts:sign-in-try",
    "accounts:totp-add",
    "account_change_password",
]


@pytest.mark.parametrize("route", PAGES)
@pytest.mark.parametrize("is_htmx", [False, True])
def test_nothing_entered_is_answered_with_what_is_missing(client_root, root, workspace, route, is_htmx):
    root.memberships.create(workspace=workspace, role="admin")
    step_up(client_root)
    headers = {"HX-Request": "true"} if is_htmx else {}
    response = client_root.post(reverse(route), headers=headers)
    assert response.status_code == 422
    assert response.context["form"].errors


def test_nothing_entered_to_register(client, workspace, settings):
    settings.REGISTRATION = "open"
    assert client.get(reverse("account_signup")).status_code == 200
    assert client.post(reverse("account_signup")).status_code == 422
