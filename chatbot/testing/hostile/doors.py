"""All doors."""

from chatbot.testing.hostile import doors_headers, doors_names, doors_search, doors_signed_out
from chatbot.testing.hostile.types import Door

DOORS: tuple[Door, ...] = (*doors_signed_out.DOORS, *doors_search.DOORS, *doors_names.DOORS, *doors_headers.DOORS)
