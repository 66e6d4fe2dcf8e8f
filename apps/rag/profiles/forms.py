"""Shape of what people enter about indexes."""

from typing import Any

from django import forms

from apps.llm import registry
from apps.rag.models import IndexProfile
from apps.rag.profiles.changing import (
    CHUNK_TOKENS_MAXIMUM,
    CHUNK_TOKENS_MINIMUM,
    DIMENSIONS_MAXIMUM,
    NAME_LENGTH,
    BuildWish,
)
from apps.rag.profiles.switching import REASON_LENGTH

_PREFIX_HELP = "Empty: what is known of the model, if anything. A single dash: none."


def providers_open() -> list[tuple[str, str]]:
    """What can embed here: inside the workers, and the endpoints that are switched on."""
    inside = {registry.ONNX, registry.SENTENCE_TRANSFORMERS}
    return [
        (value, label)
        for value, label in IndexProfile.Provider.choices
        if value in inside or value in registry.endpoints()
    ]


class IndexBuildForm(forms.Form):
    name = forms.CharField(max_length=NAME_LENGTH, help_text="What to call it here and in commands.")
    provider = forms.ChoiceField(label="Who embeds", choices=providers_open)
    embedder = forms.CharField(
        label="Embedding model",
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text="As the provider names it, or a folder of the model store.",
    )
    dimensions = forms.IntegerField(
        min_value=1,
        max_value=DIMENSIONS_MAXIMUM,
        required=False,
        help_text="To cut vectors shorter, for models made for it. Empty: as long as they are.",
    )
    chunk_ideal = forms.IntegerField(
        label="Tokens of a passage",
        min_value=CHUNK_TOKENS_MINIMUM,
        max_value=CHUNK_TOKENS_MAXIMUM,
        required=False,
        help_text="Empty: 150 to 350, ideally 300.",
    )
    chunks_per_minute = forms.IntegerField(
        label="Passages a minute",
        min_value=1,
        max_value=1_000_000,
        required=False,
        help_text="Empty: as many as it can.",
    )
    query_prefix = forms.CharField(
        label="Before each question", max_length=300, required=False, strip=False, help_text=_PREFIX_HELP
    )
    document_prefix = forms.CharField(
        label="Before each passage", max_length=300, required=False, strip=False, help_text=_PREFIX_HELP
    )

    def wish(self) -> BuildWish:
        """What was entered, once the form is valid."""
        chosen: dict[str, Any] = self.cleaned_data
        return BuildWish(
            name=chosen["name"],
            provider=chosen["provider"],
            embedder=chosen["embedder"],
            dimensions=chosen["dimensions"],
            chunks_per_minute=chosen["chunks_per_minute"],
            chunking={"ideal": chosen["chunk_ideal"]} if chosen["chunk_ideal"] else {},
            query_prefix=_prefix(chosen["query_prefix"]),
            document_prefix=_prefix(chosen["document_prefix"]),
        )


class IndexForceForm(forms.Form):
    reason = forms.CharField(
        label="Why it is switched anyway", max_length=REASON_LENGTH, help_text="Stands in the audit log."
    )


def _prefix(entered: str) -> str | None:
    return {"": None, "-": ""}.get(entered.strip(), entered)
