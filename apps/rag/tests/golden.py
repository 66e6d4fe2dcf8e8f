"""Collections with golden questions, for tests of judging."""

import math
from collections.abc import Sequence
from typing import Any

from typing_extensions import override

from apps.accounts.models import User
from apps.documents.models import Collection, Document, DocumentVersion
from apps.llm.services import texts_embed
from apps.rag.evaluation.expectations import expected_write
from apps.rag.evaluation.types import Expected
from apps.rag.models import GoldenQuestion, IndexProfile
from apps.rag.testing import DIMENSIONS, FakeEmbedder
from apps.rag.tests.factories import indexed
from apps.rag.writing import chunks_embed, chunks_write

# One topic for each document, and a question that shares words with its own only.
TOPICS = {
    "canteen.txt": ("The canteen opens at noon and serves soup.", "When does the canteen serve soup?"),
    "parking.txt": ("Bicycles are parked in the cellar behind the gate.", "Where are bicycles parked?"),
    "holiday.txt": ("Every employee has thirty days of holiday a year.", "How many days of holiday has an employee?"),
    "printer.txt": ("The printer on the second floor prints in colour.", "Which floor has the colour printer?"),
    "expenses.txt": ("Expenses are refunded within two weeks of filing.", "How soon are expenses refunded?"),
    "badge.txt": ("A lost badge is reported to the reception desk.", "Whom to tell of a lost badge?"),
}


def shelf(owner: User, **fields: Any) -> Collection:
    fields = {"name": "Handbook", **fields}
    if "workspace" not in fields:
        fields["workspace"] = owner.workspaces.get()
    return Collection.objects.create(owner=owner, **fields)


def golden(collection: Collection, question: str, *documents: Document, **fields: Any) -> GoldenQuestion:
    expected = expected_write(Expected(document_id=each.pk, filename=each.filename) for each in documents)
    return GoldenQuestion.objects.create(
        workspace=collection.workspace,
        collection=collection,
        question=question,
        **{"expected": expected, "is_unanswerable": not documents, "created_by": collection.owner, **fields},
    )


def judged_shelf(owner: User, **fields: Any) -> Collection:
    """A collection of six documents, each with its golden question. Wants an embedder."""
    collection = shelf(owner, **fields)
    for filename, (text, question) in TOPICS.items():
        version = indexed(owner, text, collection=collection, filename=filename)
        golden(collection, question, version.document)
    return collection


class MisledEmbedder(FakeEmbedder):
    """Embeds each golden question of TOPICS as if it were about the next topic."""

    @override
    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        return super().embed([self._misled(text) for text in texts])

    def _misled(self, text: str) -> str:
        topics = list(TOPICS.values())
        # A profile's prefix may stand before the question.
        wrong = (topics[(place + 1) % len(topics)][0] for place, (_, each) in enumerate(topics) if text.endswith(each))
        return next(wrong, text)


def candidate_built(model: str) -> IndexProfile:
    """A finished index of all current versions beside the live one, by this model."""
    profile = IndexProfile.objects.create(
        name=model, embedder=model, dimensions=DIMENSIONS, chunker_version=1, state=IndexProfile.State.READY
    )
    for version in DocumentVersion.objects.filter(is_current=True):
        chunks_write(version=version, profile=profile, deadline=math.inf)
        chunks_embed(
            version=version, profile=profile, limit=100, embed=lambda texts: texts_embed(texts=texts, model=model)
        )
    return profile
