"""Intents to create an order at Whistl: written before the call, settled after it."""

from __future__ import annotations

import sqlalchemy as sa

from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import SubmissionRow
from centra_whistl_dagster.ledger.states import SubmissionOutcome
from centra_whistl_dagster.ledger.tables import submissions


def open_intent(tx: Transaction, *, centra_id: str, whistl_number: str, payload_hash: str) -> int:
    """Write down that the order is about to be sent, and return the intent's id."""
    result = tx.execute(
        sa.insert(submissions).values(
            centra_id=centra_id,
            whistl_number=whistl_number,
            payload_hash=payload_hash,
            intent_at=tx.now,
        )
    )
    return int(result.inserted_primary_key[0])  # type: ignore[index]  # one integer key, always


def settle(tx: Transaction, intent_id: int, outcome: SubmissionOutcome, *, detail: str) -> None:
    """Write down what came of an intent."""
    tx.execute(
        sa.update(submissions)
        .where(submissions.c.id == intent_id)
        .values(outcome=outcome, detail=detail, settled_at=tx.now)
    )


def latest(tx: Transaction, centra_id: str) -> SubmissionRow | None:
    """Return the newest intent of an order."""
    query = sa.select(submissions).where(submissions.c.centra_id == centra_id)
    return tx.row(SubmissionRow, query.order_by(submissions.c.id.desc()).limit(1))


def of_order(tx: Transaction, centra_id: str) -> list[SubmissionRow]:
    """Return every intent of an order, oldest first."""
    query = sa.select(submissions).where(submissions.c.centra_id == centra_id)
    return tx.rows(SubmissionRow, query.order_by(submissions.c.id))
