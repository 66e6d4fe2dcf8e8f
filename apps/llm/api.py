"""Models for programs: which I may use and whether they answer."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from ninja import Router, Schema

from apps.accounts.types import ApiRequest
from apps.llm.models import ModelProfile
from apps.llm.selectors import model_require, models_available_to
from apps.llm.status import model_state

router = Router(tags=["models"])


class PriceOut(Schema):
    """In US dollars per million tokens; both 0 for local models."""

    input: Decimal
    output: Decimal


class ModelOut(Schema):
    id: UUID
    name: str
    title: str
    provider: str
    abilities: list[str]
    context_tokens: int
    is_local: bool
    is_default: bool
    price: PriceOut


class ModelsOut(Schema):
    """The default first. There are few, so `next` is always null."""

    items: list[ModelOut]
    next: str | None


class ModelStatusOut(Schema):
    id: UUID
    name: str
    status: str


@router.get("", response=ModelsOut, summary="Models that I may use")
def model_list(request: ApiRequest) -> dict[str, Any]:
    return {"items": [_model_out(row) for row in models_available_to(user=request.auth)], "next": None}


@router.get("/{uuid:model_id}/status", response=ModelStatusOut, summary="Whether a model answers")
def model_status(request: ApiRequest, model_id: UUID) -> dict[str, Any]:
    row = model_require(user=request.auth, model_id=model_id)
    return {"id": row.pk, "name": row.name, "status": model_state(row).value}


def _model_out(row: ModelProfile) -> dict[str, Any]:
    return {
        "id": row.pk,
        "name": row.name,
        "title": row.title,
        "provider": row.endpoint,
        "abilities": row.abilities,
        "context_tokens": row.context_tokens,
        "is_local": row.is_local,
        "is_default": row.is_default,
        "price": {"input": row.price_input, "output": row.price_output},
    }
