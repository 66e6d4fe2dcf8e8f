"""Links of models and documents: they say where they lead, and carry nothing away."""

import pytest

from chatbot.lib.markdown import BlockRenderer, render


def test_a_link_names_its_host_and_opens_apart():
    page = render("See [the guide](https://docs.example.org/guide?page=2#top).")
    assert 'href="https://docs.example.org/guide?page=2#top" target="_blank" rel="noopener noreferrer nofollow"' in page
    assert '<span class="link-host">(docs.example.org)</span>' in page


def test_a_label_that_names_the_host_needs_no_more():
    assert "link-host" not in render("<https://example.org/a>")


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/?q=" + "salary-of-ada-" * 6,
        "https://evil.example/" + "a" * 90 + "/x",
        "https://evil.example/#" + "b" * 70,
        "https://" + "c" * 50 + "." + "d" * 85 + ".example/",
        "https://bank.example@evil.example/",
        "mailto:thief@evil.example?body=secret",
        "http://[broken/",
    ],
)
def test_an_address_with_room_for_data_is_text(address):
    for page in (render(f"Click [here]({address})."), render(f"![picture]({address})")):
        assert "<a " not in page
        assert "<img" not in page


def test_a_picture_is_a_link_that_loads_nothing():
    page = render("![chart](https://example.org/c.png)")
    assert "<img" not in page
    assert 'href="https://example.org/c.png"' in page


def test_links_are_the_same_while_the_answer_streams():
    text = "See [here](https://evil.example/?q=" + "x" * 80 + ") and [there](https://example.org/)."
    assert BlockRenderer().update(text).open == render(text)
