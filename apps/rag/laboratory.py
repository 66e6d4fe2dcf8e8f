"""The retrieval laboratory: one query, what each step of the search finds for it, and the knobs that change that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import QuerySet

from apps.accounts.models import User
from apps.documents.models import Collection
from apps.documents.selectors import collection_list
from apps.rag.candidates import CANDIDATES
from apps.rag.fusion import DENSE_SHARE
from apps.rag.models import IndexProfile
from apps.rag.questions.resolving import question_resolve
from apps.rag.remote import search_remote
from apps.rag.reranking import RERANK_DEPTH, RERANK_SHARE
from apps.rag.types import LegTrace, Passage, SearchMode, SearchQuery, SearchResult, SearchTuning

QUERY_LENGTH = 2000
LIMIT = 10
_TITLES = {
    "lexical": ("By words", "BM25"),
    "dense": ("By meaning", "cosine similarity"),
    "fused": ("Fused", "0 to 1"),
    "reranked": ("Reranked", "0 to 1"),
    "result": ("Result", "score"),
}
_SHORT = {"lexical": "words", "dense": "meaning", "fused": "fused", "reranked": "reranked"}
_SEARCHABLE = (IndexProfile.State.LIVE, IndexProfile.State.READY, IndexProfile.State.RETIRED)


class Slider(forms.NumberInput):
    input_type = "range"


class LaboratoryForm(forms.Form):
    """Everything has a default, so that an address with a query alone means what the product does."""

    q = forms.CharField(label="Query", required=False, max_length=QUERY_LENGTH)
    mode = forms.ChoiceField(
        label="Search",
        required=False,
        choices=[
            (SearchMode.HYBRID.value, "Words and meaning"),
            (SearchMode.KEYWORD.value, "Words only"),
            (SearchMode.SEMANTIC.value, "Meaning only"),
        ],
    )
    profile = forms.ModelChoiceField(
        label="Index", queryset=IndexProfile.objects.none(), required=False, empty_label="The live one"
    )
    rerank = forms.ChoiceField(
        label="Reranking", required=False, choices=[("", "As set"), ("on", "On"), ("off", "Off")]
    )
    dense_share = forms.IntegerField(
        label="Share of meaning", required=False, min_value=0, max_value=100, widget=Slider(attrs={"step": 5})
    )
    candidates = forms.IntegerField(
        label="Candidates of each leg", required=False, min_value=10, max_value=400, widget=Slider(attrs={"step": 10})
    )
    rerank_depth = forms.IntegerField(
        label="Read by the cross-encoder", required=False, min_value=1, max_value=60, widget=Slider(attrs={"step": 1})
    )
    rerank_share = forms.IntegerField(
        label="Share of the cross-encoder", required=False, min_value=0, max_value=100, widget=Slider(attrs={"step": 5})
    )
    collection = forms.ModelMultipleChoiceField(
        label="Collections",
        queryset=Collection.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, values: Mapping[str, Any], *, collections: QuerySet[Collection]) -> None:
        super().__init__(values)
        for name, default in DEFAULTS.items():
            self.fields[name].initial = default
            if not values.get(name):
                self.fields[name].widget.attrs["value"] = default
        self._choose("collection", collections)
        self._choose("profile", IndexProfile.objects.filter(state__in=_SEARCHABLE).order_by("-live_at", "pk"))

    def _choose(self, name: str, rows: QuerySet[Any]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = rows

    def query(self, *, workspace_id: UUID) -> SearchQuery:
        """The search that was asked for, once the form is valid."""
        cleaned = self.cleaned_data
        return SearchQuery(
            text=cleaned["q"],
            workspace_id=workspace_id,
            limit=LIMIT,
            mode=SearchMode(cleaned["mode"] or SearchMode.HYBRID),
            rerank={"on": True, "off": False}.get(cleaned["rerank"]),
            collection_ids=tuple(collection.pk for collection in cleaned["collection"]),
            tuning=SearchTuning(
                dense_share=_share(cleaned["dense_share"]),
                candidates=cleaned["candidates"],
                rerank_depth=cleaned["rerank_depth"],
                rerank_share=_share(cleaned["rerank_share"]),
                profile_id=cleaned["profile"].pk if cleaned["profile"] else None,
            ),
            is_traced=True,
        )


DEFAULTS = {
    "dense_share": round(DENSE_SHARE * 100),
    "candidates": CANDIDATES,
    "rerank_depth": RERANK_DEPTH,
    "rerank_share": round(RERANK_SHARE * 100),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPassage:
    """`places`: where other steps have it, in words. `width`: the score beside the leg's best, 0 to 100."""

    passage: Passage
    rank: int
    score: str
    width: int
    places: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownLeg:
    name: str
    title: str
    scale: str
    took_ms: float
    passages: Sequence[ShownPassage]


def laboratory_form(*, user: User, values: Mapping[str, Any]) -> LaboratoryForm:
    """The knobs, with the collections that the person may read."""
    return LaboratoryForm(values, collections=collection_list(user=user))


def laboratory_search(*, user: User, query: SearchQuery) -> dict[str, Any]:
    """What each step found, for the template. Waits for a worker; raises UnavailableError if none answers."""
    resolved = question_resolve(user=user, query=query)
    context: dict[str, Any] = {"notices": resolved.notices, "searched": resolved.query.text}
    if resolved.is_empty:
        return context | {"legs": [], "result": None}
    result = search_remote(user=user, query=resolved.query)
    return context | {"legs": legs_shown(result), "result": result}


def legs_shown(result: SearchResult) -> list[ShownLeg]:
    """The steps side by side; where none is traced, the result itself."""
    legs = list(result.legs)
    if not legs and result.passages:
        legs = [LegTrace(name="result", took_ms=result.took_ms, passages=result.passages)]
    ranks = {leg.name: {passage.chunk_id: rank for rank, passage in enumerate(leg.passages, start=1)} for leg in legs}
    return [
        ShownLeg(
            name=leg.name,
            title=_TITLES[leg.name][0],
            scale=_TITLES[leg.name][1],
            took_ms=leg.took_ms,
            passages=[_shown(leg, rank, passage, ranks) for rank, passage in enumerate(leg.passages, start=1)],
        )
        for leg in legs
    ]


def _shown(leg: LegTrace, rank: int, passage: Passage, ranks: Mapping[str, Mapping[UUID, int]]) -> ShownPassage:
    best = max(each.score for each in leg.passages)
    places = [
        f"{_SHORT[name]} {known[passage.chunk_id]}" if passage.chunk_id in known else f"{_SHORT[name]} –"
        for name, known in ranks.items()
        if name != leg.name
    ]
    return ShownPassage(
        passage=passage,
        rank=rank,
        score=f"{passage.score:.3f}",
        width=round(100 * max(0.0, passage.score) / best) if best > 0 else 0,
        places=" · ".join(places),
    )


def _share(percent: int | None) -> float | None:
    return None if percent is None else percent / 100
