"""Stock snapshots as judged, and the quantities sent to Centra.

A quantity is written down before the call that sends it and settled after. Does not belong here:
the levels themselves, which are in the archive and the history.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from centra_whistl_dagster.domain.stock.guards import Movement
from centra_whistl_dagster.ledger.tables import stock_snapshots, stock_writes

_MOVEMENTS = 1000
"""Good snapshots that tell what is usual."""
_PASSES = 20
"""That wrote: enough to tell how long it takes now, few enough to forget how long it took."""


class Verdict(StrEnum):
    """What was made of a snapshot."""

    ACCEPTED = "accepted"  # may be reconciled and published
    REFUSED = "refused"  # kept in quarantine with its reason; never reaches Centra by itself


class WriteOutcome(StrEnum):
    """What came of writing one quantity."""

    WRITTEN = "written"  # Centra has it, as read back
    REFUSED = "refused"  # Centra answered that it will not take it
    NOT_TAKEN = "not_taken"  # Centra said yes and shows another figure
    NOT_SENT = "not_sent"  # the request provably never reached Centra
    UNKNOWN = "unknown"  # the answer was lost; the next sync reads and compares


def add_snapshot(
    tx: sa.Connection,
    *,
    snapshot_id: str,
    taken_at: datetime,
    read_at: datetime,
    row_count: int,
    verdict: Verdict,
    reason: str,
    file: str,
    move: Movement | None = None,
) -> None:
    """Store what was made of a snapshot; reading the same one again replaces the verdict.

    `move` is how far it had moved from the good one before; None for the first and a refused one.
    """
    tx.execute(sa.delete(stock_snapshots).where(stock_snapshots.c.snapshot_id == snapshot_id))
    tx.execute(
        sa.insert(stock_snapshots).values(
            snapshot_id=snapshot_id,
            taken_at=taken_at,
            read_at=read_at,
            row_count=row_count,
            verdict=verdict,
            reason=reason,
            file=file,
            zeroed_share=move.zeroed_share if move else None,
            drop_share=move.drop_share if move else None,
            gap_seconds=move.gap_seconds if move else None,
        )
    )


def latest_accepted(tx: sa.Connection) -> sa.Row[Any] | None:
    """Return the newest snapshot that may be used."""
    query = (
        sa.select(stock_snapshots)
        .where(stock_snapshots.c.verdict == Verdict.ACCEPTED)
        .order_by(stock_snapshots.c.taken_at.desc())
        .limit(1)
    )
    return tx.execute(query).one_or_none()


def first_taken_at(tx: sa.Connection) -> datetime | None:
    """Return when the first snapshot of all was taken; None before there was one."""
    query = sa.select(sa.func.min(stock_snapshots.c.taken_at))
    found: datetime | None = tx.execute(query).scalar_one()
    return found


def refused(tx: sa.Connection) -> Sequence[sa.Row[Any]]:
    """Return the snapshots in quarantine, newest first."""
    query = sa.select(stock_snapshots).where(stock_snapshots.c.verdict == Verdict.REFUSED)
    return tx.execute(query.order_by(stock_snapshots.c.taken_at.desc())).all()


def release(tx: sa.Connection, snapshot_id: str) -> None:
    """Let a refused snapshot be used."""
    tx.execute(
        sa.update(stock_snapshots)
        .where(stock_snapshots.c.snapshot_id == snapshot_id)
        .values(verdict=Verdict.ACCEPTED)
    )


def accepted_at(tx: sa.Connection, taken_at: datetime) -> sa.Row[Any] | None:
    """Return the usable snapshot taken at that moment."""
    query = sa.select(stock_snapshots).where(
        stock_snapshots.c.verdict == Verdict.ACCEPTED, stock_snapshots.c.taken_at == taken_at
    )
    return tx.execute(query.limit(1)).one_or_none()


def movements(tx: sa.Connection) -> list[Movement]:
    """Return how far the last good snapshots had moved, newest first."""
    query = (
        sa.select(stock_snapshots)
        .where(
            stock_snapshots.c.verdict == Verdict.ACCEPTED,
            stock_snapshots.c.gap_seconds.is_not(None),
        )
        .order_by(stock_snapshots.c.taken_at.desc())
        .limit(_MOVEMENTS)
    )
    return [
        Movement(
            zeroed_share=row.zeroed_share, drop_share=row.drop_share, gap_seconds=row.gap_seconds
        )
        for row in tx.execute(query)
    ]


def snapshot(tx: sa.Connection, snapshot_id: str) -> sa.Row[Any] | None:
    """Return one snapshot's row."""
    query = sa.select(stock_snapshots).where(stock_snapshots.c.snapshot_id == snapshot_id)
    return tx.execute(query).one_or_none()


def open_writes(
    tx: sa.Connection,
    rows: Sequence[Mapping[str, Any]],
    *,
    snapshot_id: str,
    now: datetime,
) -> dict[str, int]:
    """Write down what is about to be sent, and return the ids by SKU.

    Each row has the columns of `stock_writes` up to the intent: SKU, quantities, terms of the sum.
    """
    ids = {}
    for row in rows:
        result = tx.execute(
            sa.insert(stock_writes).values(**row, snapshot_id=snapshot_id, intent_at=now)
        )
        ids[row["sku"]] = int(result.inserted_primary_key[0])  # type: ignore[index]  # one integer key
    return ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What was last written of a SKU."""

    at: datetime
    quantity: int
    read_back: int


def last_written(tx: sa.Connection) -> dict[str, Written]:
    """Return, by SKU, the last quantity that Centra answered for."""
    answered = stock_writes.c.read_back.is_not(None)
    newest = (
        sa.select(sa.func.max(stock_writes.c.id).label("id"))
        .where(answered)
        .group_by(stock_writes.c.sku)
        .subquery()
    )
    query = sa.select(stock_writes).join(newest, newest.c.id == stock_writes.c.id)
    return {
        row.sku: Written(at=row.settled_at, quantity=row.to_quantity, read_back=row.read_back)
        for row in tx.execute(query)
    }


def settle_write(
    tx: sa.Connection,
    write_id: int,
    outcome: WriteOutcome,
    *,
    read_back: int | None,
    now: datetime,
) -> None:
    """Write down what came of one quantity."""
    tx.execute(
        sa.update(stock_writes)
        .where(stock_writes.c.id == write_id)
        .values(outcome=outcome, read_back=read_back, settled_at=now)
    )


def seconds_to_write(tx: sa.Connection) -> list[float]:
    """Return, of the last passes that wrote, from the snapshot being taken to the last write."""
    query = (
        sa.select(stock_snapshots.c.taken_at, sa.func.max(stock_writes.c.settled_at))
        .join(stock_snapshots, stock_snapshots.c.snapshot_id == stock_writes.c.snapshot_id)
        .where(stock_writes.c.outcome == WriteOutcome.WRITTEN)
        .group_by(stock_writes.c.snapshot_id, stock_snapshots.c.taken_at)
        .order_by(stock_snapshots.c.taken_at.desc())
        .limit(_PASSES)
    )
    return [(until - taken).total_seconds() for taken, until in tx.execute(query).tuples()]
