"""What well-known embedding models want before a text, and how long their vectors are. From their model cards."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """`dimensions` None: not told by the name."""

    query: str = ""
    document: str = ""
    dimensions: int | None = None


_SEARCHING = "Represent this sentence for searching relevant passages: "
# The first pattern that stands at the start of the name's last part, in lower case, decides.
_MODELS: tuple[tuple[str, Known], ...] = (
    (r"bge-small-en", Known(query=_SEARCHING, dimensions=384)),
    (r"bge-base-en", Known(query=_SEARCHING, dimensions=768)),
    (r"bge-large-en", Known(query=_SEARCHING, dimensions=1024)),
    (r"mxbai-embed-large", Known(query=_SEARCHING, dimensions=1024)),
    (r"snowflake-arctic-embed-[lm].*v2|snowflake-arctic-embed2", Known(query="query: ")),
    (r"snowflake-arctic-embed", Known(query=_SEARCHING)),
    (r"(multilingual-)?e5-.*instruct", Known()),
    (r"(multilingual-)?e5-", Known(query="query: ", document="passage: ")),
    (r"nomic-embed-text", Known(query="search_query: ", document="search_document: ", dimensions=768)),
    (r"embeddinggemma", Known(query="task: search result | query: ", document="title: none | text: ", dimensions=768)),
)


def known_of(embedder: str) -> Known:
    """What is known of the model of this name; nothing of most."""
    name = embedder.rstrip("/").rsplit("/", 1)[-1].lower()
    return next((known for pattern, known in _MODELS if re.match(pattern, name)), Known())
