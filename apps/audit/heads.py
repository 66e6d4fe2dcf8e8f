"""Signed ends of chains, as rows and in a file away from the database: rewriting the log then shows."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain as chain_together
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import transaction
from django.utils import timezone

from apps.audit.exceptions import HeadsDamagedError
from apps.audit.models import Chain, SignedHead
from apps.audit.signing import Signature, key_id, statement_problem, statement_sign

# The entry of STORAGES that takes the heads in place of the file.
STORAGE = "audit"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedHead:
    """`problem` says what is wrong with the signature; empty if it is good. `source`: where it was recorded."""

    seq: int
    hash: bytes
    signed_at: datetime
    source: str
    problem: str


def heads_sign() -> int:
    """Sign the end of every chain, keep the rows, and write one line each to the file or storage; how many.

    Raises OSError if that cannot be written; then no row stays either.
    """
    now = timezone.now()
    signed = [_signed(chain, now) for chain in Chain.objects.filter(seq__gt=0).order_by("chain")]
    with transaction.atomic():
        SignedHead.objects.bulk_create(signed)
        if signed:
            _lines_write([_line(head) for head in signed], now)
    return len(signed)


def heads_recorded(chain: UUID | None = None) -> dict[UUID, list[RecordedHead]]:
    """Every recorded head by its chain, from the rows and from the file or storage; of one chain if it is given.

    Raises HeadsDamagedError if the file or an object cannot be read.
    """
    rows = SignedHead.objects.order_by("signed_at")
    if chain is not None:
        rows = rows.filter(chain=chain)
    recorded: dict[UUID, list[RecordedHead]] = {}
    for head, source in chain_together(((row, "the database") for row in rows.iterator()), _lines_read()):
        if chain in {None, head.chain}:
            recorded.setdefault(head.chain, []).append(_recorded(head, source))
    return recorded


def statement_of(head: SignedHead) -> dict[str, Any]:
    """What is signed."""
    return {
        "kind": "head",
        "chain": str(head.chain),
        "seq": head.seq,
        "hash": bytes(head.hash).hex(),
        "time": head.signed_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "key_id": head.key_id,
    }


def _signed(chain: Chain, now: datetime) -> SignedHead:
    head = SignedHead(chain=chain.chain, seq=chain.seq, hash=chain.hash, signed_at=now, key_id=key_id())
    head.signature = statement_sign(statement_of(head)).value
    return head


def _recorded(head: SignedHead, source: str) -> RecordedHead:
    signature = Signature(key_id=head.key_id, value=bytes(head.signature))
    problem = statement_problem(statement_of(head), signature)
    return RecordedHead(seq=head.seq, hash=bytes(head.hash), signed_at=head.signed_at, source=source, problem=problem)


def _line(head: SignedHead) -> str:
    return json.dumps({**statement_of(head), "signature": bytes(head.signature).hex()}, sort_keys=True) + "\n"


def _lines_write(lines: list[str], now: datetime) -> None:
    if STORAGE in settings.STORAGES:
        # An object store cannot append: one object for each time.
        storages[STORAGE].save(f"heads/{now:%Y%m%dT%H%M%S}.jsonl", ContentFile("".join(lines).encode()))
        return
    path = Path(settings.AUDIT_HEADS)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as stream:
        stream.writelines(lines)
        stream.flush()
        os.fsync(stream.fileno())


def _lines_read() -> Iterator[tuple[SignedHead, str]]:
    for source, lines in _files():
        for number, line in enumerate(lines, 1):
            try:
                yield _head_of(json.loads(line)), source
            except (ValueError, KeyError, TypeError) as error:
                raise HeadsDamagedError(f"{source}, line {number}, is no signed head.") from error


def _files() -> Iterator[tuple[str, list[str]]]:
    if STORAGE in settings.STORAGES:
        storage = storages[STORAGE]
        for name in sorted(storage.listdir("heads")[1]) if storage.exists("heads") else []:
            with storage.open(f"heads/{name}") as stream:
                yield name, stream.read().decode().splitlines()
    elif Path(settings.AUDIT_HEADS).exists():
        path = Path(settings.AUDIT_HEADS)
        yield path.name, path.read_text(encoding="utf-8").splitlines()


def _head_of(fields: dict[str, Any]) -> SignedHead:
    return SignedHead(
        chain=UUID(fields["chain"]),
        seq=fields["seq"],
        hash=bytes.fromhex(fields["hash"]),
        signed_at=datetime.fromisoformat(fields["time"]),
        key_id=fields["key_id"],
        signature=bytes.fromhex(fields["signature"]),
    )
