"""Browsers in words for people."""

import pytest

from apps.accounts.devices import UNKNOWN, device_name

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile Safari/604.1"


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (WINDOWS, "Chrome on Windows"),
        (f"{WINDOWS} Edg/126.0", "Edge on Windows"),
        (IPHONE, "Mobile Safari on iOS"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("curl/8.5.0", "curl"),
        ("=cmd|' /C calc'!A0", "=cmd|'"),
        ("", UNKNOWN),
    ],
)
def test_a_browser_is_named_as_people_know_it(user_agent, name):
    assert device_name(user_agent) == name
