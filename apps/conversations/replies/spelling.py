"""Whether two names are the same one, spelt differently. Pure."""

import unicodedata
from collections.abc import Set
from difflib import SequenceMatcher

# What goes by several names.
_ALIASES = {
    "united": ("us", "usa", "america", "american", "uk", "britain"),
    "states": ("us", "usa", "america", "american"),
    "kingdom": ("uk", "britain", "british"),
    "european": ("eu", "europe"),
    "union": ("eu",),
    "america": ("us", "usa", "united"),
    "american": ("us", "usa", "united", "america"),
    "british": ("britain", "english", "england", "uk"),
    "english": ("england", "british"),
}
_ENDING_LENGTH = 3
_NEAR_MINIMUM = 0.84


def plain(text: str) -> str:
    """Lower case, without accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def is_any_of(name: str, words: Set[str]) -> bool:
    """By another name, or spelt a little differently."""
    return not words.isdisjoint(_ALIASES.get(name, ())) or any(_is_near(name, word) for word in words)


def _is_near(name: str, word: str) -> bool:
    """Whether two words differ by an ending or a letter or two, as misspelt and inflected names do."""
    if abs(len(name) - len(word)) > _ENDING_LENGTH or name[0] != word[0]:
        return False
    stem = max(4, min(len(name), len(word)) - _ENDING_LENGTH)
    return name[:stem] == word[:stem] or SequenceMatcher(a=name, b=word, autojunk=False).ratio() >= _NEAR_MINIMUM
