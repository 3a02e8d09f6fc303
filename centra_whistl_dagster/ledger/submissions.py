"""Intents to create an order at Whistl: written before the call, settled after it."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import state
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.orders import is_due
from centra_whistl_dagster.ledger.rows import OrderRow, SubmissionRow
from centra_whistl_dagster.ledger.states import SubmissionOutcome
from centra_whistl_dagster.ledger.tables import orders, submissions


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


def under_number(tx: Transaction, centra_id: str, whistl_number: str) -> list[SubmissionRow]:
    """Return the intents of an order under one of its numbers at Whistl, oldest first."""
    return [one for one in of_order(tx, centra_id) if one.whistl_number == whistl_number]


def ready(tx: Transaction, *, at_most: int, newest: int) -> list[OrderRow]:
    """Return due orders that are ready: the oldest, with some of the newest in between.

    After an outage the oldest go first; the newest few are among them, so that an order placed now
    does not wait until thousands have gone.
    """
    is_ready = sa.and_(orders.c.state == OrderState.READY, is_due(tx))
    query = sa.select(orders).where(is_ready)
    by_age = (orders.c.ordered_at, orders.c.number)
    oldest = tx.rows(OrderRow, query.order_by(*by_age).limit(at_most))
    if len(oldest) < at_most or not newest:
        return oldest
    by_youth = [column.desc() for column in by_age]
    known = {row.centra_id for row in oldest}
    youngest = tx.rows(OrderRow, query.order_by(*by_youth).limit(newest))
    added = [row for row in youngest if row.centra_id not in known]
    return _interleaved(oldest, added)


def _interleaved(rows: list[OrderRow], others: list[OrderRow]) -> list[OrderRow]:
    """Spread the others evenly among the rows."""
    if not others:
        return rows
    step = -(-len(rows) // len(others))
    mixed: list[OrderRow] = []
    for start, other in zip(range(0, len(rows), step), others, strict=False):
        mixed += [*rows[start : start + step], other]
    return mixed


def refused_due(tx: Transaction) -> list[OrderRow]:
    """Return orders that Whistl refused and that are due to be sent again."""
    query = sa.select(orders).where(
        orders.c.state == OrderState.BLOCKED,
        orders.c.screened_at.is_not(None),
        orders.c.due_at.is_not(None),
        orders.c.due_at <= tx.now,
    )
    return tx.rows(OrderRow, query.order_by(orders.c.due_at))


def times_refused(tx: Transaction, centra_id: str) -> int:
    """Return how often Whistl has refused an order with these or other contents."""
    query = sa.select(sa.func.count()).where(
        submissions.c.centra_id == centra_id, submissions.c.outcome == SubmissionOutcome.REFUSED
    )
    return tx.execute(query).scalar_one()


def not_sent_in_a_row(tx: Transaction, centra_id: str) -> list[SubmissionRow]:
    """Return an order's newest intents, oldest first, as far back as none of them left us."""
    rows: list[SubmissionRow] = []
    for row in reversed(of_order(tx, centra_id)):
        if row.outcome is not SubmissionOutcome.NOT_SENT:
            break
        rows.insert(0, row)
    return rows


def newest_accepted(tx: Transaction) -> SubmissionRow | None:
    """Return the intent that was accepted last."""
    query = sa.select(submissions).where(submissions.c.outcome == SubmissionOutcome.ACCEPTED)
    return tx.row(SubmissionRow, query.order_by(submissions.c.id.desc()).limit(1))


def longest_lag(tx: Transaction) -> timedelta:
    """Return the longest that Whistl has been seen to take to show an order it had accepted."""
    return timedelta(seconds=float(state.read(tx, state.LONGEST_LAG) or 0))


def note_lag(tx: Transaction, lag: timedelta) -> None:
    """Note a lag that was seen; only a longer one than any before changes anything."""
    if lag > longest_lag(tx):
        state.set_to(tx, state.LONGEST_LAG, str(lag.total_seconds()))
