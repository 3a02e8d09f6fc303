"""Intents to create an order at Whistl: written before the call, settled after it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from centra_whistl_dagster.ledger.tables import submissions


class Outcome(StrEnum):
    """What came of an intent."""

    ACCEPTED = "accepted"  # Whistl has the order
    REFUSED = "refused"  # Whistl answered that it will not take it as it is
    NOT_SENT = "not_sent"  # the request provably never reached Whistl
    UNKNOWN = "unknown"  # the answer was lost; a look-up must tell
    FOUND = "found"  # the look-up found the order there: it had been accepted
    ABSENT = "absent"  # the look-up, after the lag, did not find it: it had not been accepted
    CONFLICT = "conflict"  # the number is taken by another order


def open_intent(
    tx: sa.Connection, *, centra_id: str, whistl_number: str, payload_hash: str, now: datetime
) -> int:
    """Write down that the order is about to be sent, and return the intent's id."""
    result = tx.execute(
        sa.insert(submissions).values(
            centra_id=centra_id,
            whistl_number=whistl_number,
            payload_hash=payload_hash,
            intent_at=now,
        )
    )
    return int(result.inserted_primary_key[0])  # type: ignore[index]  # one integer key, always


def settle(
    tx: sa.Connection, intent_id: int, outcome: Outcome, *, detail: str, now: datetime
) -> None:
    """Write down what came of an intent."""
    tx.execute(
        sa.update(submissions)
        .where(submissions.c.id == intent_id)
        .values(outcome=outcome, detail=detail, settled_at=now)
    )


def latest(tx: sa.Connection, centra_id: str) -> sa.Row[Any] | None:
    """Return the newest intent of an order."""
    query = sa.select(submissions).where(submissions.c.centra_id == centra_id)
    return tx.execute(query.order_by(submissions.c.id.desc()).limit(1)).one_or_none()


def of_order(tx: sa.Connection, centra_id: str) -> Sequence[sa.Row[Any]]:
    """Return every intent of an order, oldest first."""
    query = sa.select(submissions).where(submissions.c.centra_id == centra_id)
    return tx.execute(query.order_by(submissions.c.id)).all()
