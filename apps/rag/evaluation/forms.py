"""Shape of what people enter about golden questions and runs."""

import re
from typing import Any
from uuid import UUID

from django import forms
from django.http import QueryDict

from apps.rag.evaluation.expectations import pages_read
from apps.rag.evaluation.proposing import PROPOSALS_MAXIMUM
from apps.rag.evaluation.questions import ANSWER_MAXIMUM, QUESTION_MAXIMUM
from apps.rag.evaluation.types import Configuration, Expected, GoldenFields
from apps.rag.models import CollectionTuning, IndexProfile
from apps.rag.types import SearchMode

DOCUMENTS_MAXIMUM = 50
# A file name may have a colon; what follows the last one is pages only if it looks like pages.
_LINE = re.compile(r"(?P<name>.+?)(?:\s*:\s*(?P<pages>\d[\d\s,–-]*))?")
_RERANK = {"": None, "on": True, "off": False}


class GoldenForm(forms.Form):
    question = forms.CharField(max_length=QUESTION_MAXIMUM, widget=forms.Textarea(attrs={"rows": 2}))
    documents = forms.CharField(
        label="Where the answer stands",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text="One document on each line, with its pages if you know them: <code>handbook.pdf: 3, 5-7</code>",
    )
    answer = forms.CharField(
        label="The answer in a few words",
        max_length=ANSWER_MAXIMUM,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    is_unanswerable = forms.BooleanField(label="The documents do not answer this question", required=False)

    def clean_documents(self) -> tuple[Expected, ...]:
        lines = [line.strip() for line in self.cleaned_data["documents"].splitlines() if line.strip()]
        if len(lines) > DOCUMENTS_MAXIMUM:
            raise forms.ValidationError(f"At most {DOCUMENTS_MAXIMUM} documents.")
        try:
            return tuple(map(_expected, lines))
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error

    def fields_read(self) -> GoldenFields:
        """What was entered, once the form is valid."""
        cleaned = self.cleaned_data
        return GoldenFields(
            question=cleaned["question"],
            expected=cleaned["documents"],
            answer=cleaned["answer"],
            is_unanswerable=cleaned["is_unanswerable"],
        )


def _expected(line: str) -> Expected:
    match = _LINE.fullmatch(line)
    assert match is not None
    return Expected(filename=match["name"], pages=pages_read(match["pages"] or ""))


class ImportForm(forms.Form):
    file = forms.FileField(label="File", help_text="CSV, JSON Lines, or the queries.jsonl of a BEIR set")
    qrels = forms.FileField(label="Judgements (for a BEIR set only)", required=False, help_text="Its qrels file, .tsv")
    is_valid_kept = forms.BooleanField(label="Import what is right although other lines are wrong", required=False)


class DecideForm(forms.Form):
    """Which questions, and what becomes of them."""

    decision = forms.ChoiceField(choices=[("approve", "Approve"), ("reject", "Reject")])
    question = forms.TypedMultipleChoiceField(coerce=UUID)

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data)
        chosen = self.fields["question"]
        assert isinstance(chosen, forms.TypedMultipleChoiceField)
        # Which questions there are is for the service to say.
        chosen.choices = [(key, key) for key in data.getlist("question")]


class ProposeForm(forms.Form):
    count = forms.IntegerField(label="Passages", min_value=1, max_value=PROPOSALS_MAXIMUM, initial=10)


class RunForm(forms.Form):
    label = forms.CharField(label="Name", max_length=100, required=False)
    profile = forms.ModelChoiceField(
        label="Index", queryset=IndexProfile.objects.none(), required=False, empty_label="The live one"
    )
    mode = forms.ChoiceField(label="Search", choices=[(mode.value, mode.value.capitalize()) for mode in SearchMode])
    rerank = forms.ChoiceField(
        label="Reranking",
        required=False,
        choices=[("", "As searches do"), ("on", "On"), ("off", "Off")],
    )
    dense_share = forms.FloatField(label="Share of meaning", required=False, min_value=0, max_value=1)
    candidates = forms.IntegerField(label="Candidates of each way", required=False, min_value=1, max_value=1000)
    has_answers = forms.BooleanField(label="Have a model answer and judge what it says", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["profile"]
        assert isinstance(field, forms.ModelChoiceField)
        searchable = (IndexProfile.State.READY, IndexProfile.State.RETIRED)
        field.queryset = IndexProfile.objects.filter(state__in=searchable).order_by("-pk")

    def configuration(self) -> Configuration:
        """What was chosen, once the form is valid."""
        cleaned = self.cleaned_data
        return Configuration(
            mode=SearchMode(cleaned["mode"]),
            rerank=_RERANK[cleaned["rerank"]],
            dense_share=cleaned["dense_share"],
            candidates=cleaned["candidates"],
        )


class TuningForm(forms.Form):
    rerank = forms.ChoiceField(label="Reranking", choices=CollectionTuning.Rerank.choices)


class CompareForm(forms.Form):
    first = forms.UUIDField()
    second = forms.UUIDField()
