"""Stock snapshots as judged, and the quantities sent to Centra.

A quantity is written down before the call that sends it and settled after. Does not belong here:
the levels themselves, which are in the archive and the history.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, fields
from datetime import datetime

import sqlalchemy as sa
from pydantic import TypeAdapter

from centra_whistl_dagster.domain.stock.feed_movement import Movement
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.parts import parts
from centra_whistl_dagster.ledger.rows import SnapshotRow, StockIntent, WriteRow
from centra_whistl_dagster.ledger.states import Verdict, WriteOutcome
from centra_whistl_dagster.ledger.tables import last_stock_writes, stock_snapshots, stock_writes

_MOVEMENT = TypeAdapter(Movement)
_MOVEMENTS = 1000
"""Good snapshots that tell what is usual."""
_SYNCS = 20
"""That wrote: enough to tell how long it takes now, few enough to forget how long it took."""


def add_snapshot(
    tx: Transaction,
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
            movement=_MOVEMENT.dump_json(move).decode() if move else None,
        )
    )


def latest_accepted(tx: Transaction) -> SnapshotRow | None:
    """Return the newest snapshot that may be used."""
    query = (
        sa.select(stock_snapshots)
        .where(stock_snapshots.c.verdict == Verdict.ACCEPTED)
        .order_by(stock_snapshots.c.taken_at.desc())
        .limit(1)
    )
    return tx.row(SnapshotRow, query)


def first_taken_at(tx: Transaction) -> datetime | None:
    """Return when the first snapshot of all was taken; None before there was one."""
    query = sa.select(sa.func.min(stock_snapshots.c.taken_at))
    found: datetime | None = tx.execute(query).scalar_one()
    return found


def refused(tx: Transaction) -> list[SnapshotRow]:
    """Return the snapshots in quarantine, newest first."""
    query = sa.select(stock_snapshots).where(stock_snapshots.c.verdict == Verdict.REFUSED)
    return tx.rows(SnapshotRow, query.order_by(stock_snapshots.c.taken_at.desc()))


def refused_since(tx: Transaction, taken_at: datetime | None) -> list[SnapshotRow]:
    """Return the snapshots in quarantine that are newer than a moment; all of them for None."""
    return [row for row in refused(tx) if taken_at is None or row.taken_at > taken_at]


def writes_of(tx: Transaction, sku: str, *, limit: int) -> list[WriteRow]:
    """Return the last quantities that were to be written of a SKU, newest first."""
    columns = [stock_writes.c[field.name] for field in fields(WriteRow)]
    query = sa.select(*columns).where(stock_writes.c.sku == sku)
    return tx.rows(WriteRow, query.order_by(stock_writes.c.id.desc()).limit(limit))


def release(tx: Transaction, snapshot_id: str) -> None:
    """Let a refused snapshot be used."""
    tx.execute(
        sa.update(stock_snapshots)
        .where(stock_snapshots.c.snapshot_id == snapshot_id)
        .values(verdict=Verdict.ACCEPTED)
    )


def accepted_at(tx: Transaction, taken_at: datetime) -> SnapshotRow | None:
    """Return the usable snapshot taken at that moment."""
    query = sa.select(stock_snapshots).where(
        stock_snapshots.c.verdict == Verdict.ACCEPTED, stock_snapshots.c.taken_at == taken_at
    )
    return tx.row(SnapshotRow, query.limit(1))


def movements(tx: Transaction) -> list[Movement]:
    """Return how far the last good snapshots had moved, oldest first: what limits are learnt of."""
    query = _moved().order_by(stock_snapshots.c.taken_at.desc()).limit(_MOVEMENTS)
    return _movements(tx, query)[::-1]


def movements_since(tx: Transaction, since: datetime) -> list[Movement]:
    """Return how far good snapshots had moved after a moment, oldest first."""
    query = _moved().where(stock_snapshots.c.taken_at > since)
    return _movements(tx, query.order_by(stock_snapshots.c.taken_at))


def released_at(tx: Transaction) -> datetime | None:
    """Return when the snapshot was taken that a person released last; None before there was one."""
    query = sa.select(sa.func.max(stock_snapshots.c.taken_at)).where(
        stock_snapshots.c.verdict == Verdict.ACCEPTED, stock_snapshots.c.reason != ""
    )
    found: datetime | None = tx.execute(query).scalar_one()
    return found


def _moved() -> sa.Select[tuple[str]]:
    return sa.select(stock_snapshots.c.movement).where(
        stock_snapshots.c.verdict == Verdict.ACCEPTED, stock_snapshots.c.movement.is_not(None)
    )


def _movements(tx: Transaction, query: sa.Select[tuple[str]]) -> list[Movement]:
    return [_MOVEMENT.validate_json(stored) for stored in tx.execute(query).scalars()]


def of_moment(tx: Transaction, taken_at: datetime) -> SnapshotRow | None:
    """Return the snapshot taken at a moment that was read last, under whatever name."""
    query = sa.select(stock_snapshots).where(stock_snapshots.c.taken_at == taken_at)
    return tx.row(SnapshotRow, query.order_by(stock_snapshots.c.read_at.desc()).limit(1))


def snapshot(tx: Transaction, snapshot_id: str) -> SnapshotRow | None:
    """Return one snapshot's row."""
    query = sa.select(stock_snapshots).where(stock_snapshots.c.snapshot_id == snapshot_id)
    return tx.row(SnapshotRow, query)


def open_writes(
    tx: Transaction, intents: Iterable[StockIntent], *, snapshot_id: str
) -> dict[int, int]:
    """Write down what is about to be sent, and return the ids by the size's id in Centra."""
    ids = {}
    for intent in intents:
        result = tx.execute(
            sa.insert(stock_writes).values(
                **asdict(intent), snapshot_id=snapshot_id, intent_at=tx.now
            )
        )
        ids[intent.product_size_id] = int(result.inserted_primary_key[0])  # type: ignore[index]  # one integer key
    return ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What was last written of a SKU."""

    at: datetime
    quantity: int
    read_back: int


def last_written(tx: Transaction, skus: Collection[str]) -> dict[str, Written]:
    """Return, by SKU, the last quantity that Centra answered for."""
    found: dict[str, Written] = {}
    for part in parts(sorted(skus)):
        query = sa.select(last_stock_writes).where(last_stock_writes.c.sku.in_(part))
        for row in tx.execute(query):
            found[row.sku] = Written(
                at=row.settled_at, quantity=row.to_quantity, read_back=row.read_back
            )
    return found


def settle_write(
    tx: Transaction,
    write_id: int,
    outcome: WriteOutcome,
    *,
    read_back: int | None,
) -> None:
    """Write down what came of one quantity."""
    tx.execute(
        sa.update(stock_writes)
        .where(stock_writes.c.id == write_id)
        .values(outcome=outcome, read_back=read_back, settled_at=tx.now)
    )
    if read_back is None:
        return
    of_write = stock_writes.c.id == write_id
    written = tx.execute(
        sa.select(stock_writes.c.sku, stock_writes.c.to_quantity).where(of_write)
    ).one()
    tx.execute(sa.delete(last_stock_writes).where(last_stock_writes.c.sku == written.sku))
    tx.execute(
        sa.insert(last_stock_writes).values(
            sku=written.sku,
            settled_at=tx.now,
            to_quantity=written.to_quantity,
            read_back=read_back,
        )
    )


def seconds_to_write(tx: Transaction) -> list[float]:
    """Return, of the last syncs that wrote, from the snapshot being taken to the last write."""
    query = (
        sa.select(stock_snapshots.c.taken_at, sa.func.max(stock_writes.c.settled_at))
        .join(stock_snapshots, stock_snapshots.c.snapshot_id == stock_writes.c.snapshot_id)
        .where(stock_writes.c.outcome == WriteOutcome.WRITTEN)
        .group_by(stock_writes.c.snapshot_id, stock_snapshots.c.taken_at)
        .order_by(stock_snapshots.c.taken_at.desc())
        .limit(_SYNCS)
    )
    return [(until - taken).total_seconds() for taken, until in tx.execute(query).tuples()]
