"""How much of an answer is held back before it is known to be one."""

import pytest

from apps.conversations.replies.holding import LARGE_LENGTH, SMALL_LENGTH, Holder, is_refusal


def held(text, *, is_small):
    """How many characters came before it was to be looked at; None if the end came first."""
    holder = Holder(is_small=is_small)
    return next((place for place, letter in enumerate(text, start=1) if holder.feed(letter)), None)


def test_small_model_is_held_to_the_end_of_its_first_sentence():
    assert held("It is 3.5 m, e.g. No. 5 of Dr. Who. Then more.", is_small=True) == len(
        "It is 3.5 m, e.g. No. 5 of Dr. Who. "
    )
    assert held("It has no end", is_small=True) is None
    assert held("word " * 200, is_small=True) == SMALL_LENGTH


def test_list_number_ends_no_sentence():
    assert held("By: 1. Going home. Then", is_small=True) == len("By: 1. Going home. ")


def test_large_model_is_held_only_while_it_may_refuse():
    assert held("24 months from delivery", is_small=False) == 1
    assert held("I don't know. But", is_small=False) == len("I don't know. ")
    assert held("I doubt it", is_small=False) == len("I dou")
    assert held("The context " + "x" * 300, is_small=False) == LARGE_LENGTH


@pytest.mark.parametrize("text", ["", "I don't know.", "The context does not contain the answer."])
def test_refusals(text):
    assert is_refusal(text)
