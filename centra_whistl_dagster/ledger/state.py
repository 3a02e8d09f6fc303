"""How far each feed has been read. A cursor moves in the transaction that stores what it covers.

A cursor that is a time of another system goes through `reached` and `advance`: one record dated in
the future must not hide what changes until then.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.tables import cursors

CENTRA_ORDERS = "centra/orders"
"""Centra's own `updatedAt` of the newest order read, ISO 8601."""
WHISTL_DESPATCHES = "whistl/despatches"
"""The last despatch sequence read."""
WHISTL_DESPATCH_GAP = "whistl/despatch_gap"
"""JSON: sequences that no message had; see `workflows.shipments.despatch_feed`."""
WHISTL_ORDER_STATUSES = "whistl/order_statuses"
"""Whistl's own `updated_at` of the newest order read, ISO 8601."""
CENTRA_COMPARISON = "centra/comparison_tried"
"""When a round began in which sent orders were due to be compared with Centra, ISO 8601."""
WHISTL_COMPARISON = "whistl/comparison_tried"
"""When a round began in which open orders were due to be compared with Whistl, ISO 8601."""
CENTRA_BALANCE = "centra/balance"
"""JSON: how the last comparison of open orders with Centra's came out; see
`workflows.orders.balance`."""
CENTRA_CHANGES_SEEN = "centra/changes_seen"
"""Changes of sent orders were read up to here, just before stock was written."""
CENTRA_LEVELS = "centra/stock_levels"
"""JSON: Centra's stock as it was read last; see `workflows.stock.centra_levels`."""
SALES_VELOCITY = "stock/sales_velocity"
"""JSON: the archived file with the counts of demand, and the moment they go up to."""
WHISTL_HEADS = "whistl/stock_heads"
"""JSON: when the last snapshots that Whistl showed were taken; see `workflows.stock.exposure`."""
RECONCILED = "stock/reconciled"
"""JSON: what the last stock sync found; see `workflows.stock.last_sync`."""
REFERENCE = "reference"
"""Fingerprint of the reference data that screening uses; its time says when it was read."""

RESCREENED_FOR = "screening/rescreened_for"
"""Fingerprint of the reference data and configuration for which blocked orders were rescreened."""
REFERENCE_TRIED = "reference/tried"
"""Why the last attempt to read the reference data failed, and when; blank after a success."""
WHISTL_BREAKER = "whistl/breaker"
"""JSON: lost answers of Whistl since it last answered to an order; see `ledger.breaker`."""
LONGEST_LAG = "whistl/longest_look_up_lag"
"""Seconds that Whistl has been seen to take to show an order that it had accepted."""
LAG_SAMPLE = "whistl/look_up_lag_sample"
"""JSON: the accepted order by which that is being measured; see `workflows.orders.lag`."""
CENTRA_QUOTAS = "centra/quotas"
"""JSON: what Centra allows in each of its windows; its time says when that was read."""
CENTRA_POLLED = "centra/polled"
"""When the last poll for orders began that Centra answered, ISO 8601; written only while hints are
in use."""
CENTRA_PUSHES = "centra/pushes"
"""JSON: how well pushes have announced new orders; see `ledger.hints`."""

GAP_SWEEP = "ledger/gap_sweep"
"""JSON: how far the sweep after a gap has got; see `workflows.orders.after_gap`."""
EFFECTS = "ledger/effects"
"""How many orders and shipments were ever about to be sent; see `ledger.generations`."""


def read(tx: Transaction, name: str) -> str | None:
    """Return a cursor, None when the feed was never read."""
    return tx.execute(sa.select(cursors.c.value).where(cursors.c.name == name)).scalar_one_or_none()


def moved_at(tx: Transaction, name: str) -> datetime | None:
    """Return when a cursor was last set."""
    query = sa.select(cursors.c.updated_at).where(cursors.c.name == name)
    return tx.execute(query).scalar_one_or_none()


def set_to(tx: Transaction, name: str, value: str) -> None:
    """Move a cursor."""
    values = {"value": value, "updated_at": tx.now}
    changed = tx.execute(sa.update(cursors).where(cursors.c.name == name).values(**values))
    if not changed.rowcount:
        tx.execute(sa.insert(cursors).values(name=name, **values))


def forget(tx: Transaction, name: str) -> None:
    """Remove a cursor, as if the feed had never been read."""
    tx.execute(sa.delete(cursors).where(cursors.c.name == name))


def reached(tx: Transaction, name: str) -> datetime | None:
    """Return a cursor that is a time, never one in the future; None when nothing was read."""
    value = read(tx, name)
    return min(datetime.fromisoformat(value), tx.now) if value else None


def advance(tx: Transaction, name: str, moments: Iterable[datetime], *, read_at: datetime) -> None:
    """Move a cursor that is a time up to the newest of what was read.

    Moments after `read_at`, when reading began, are no measure of how far it got: what changes
    until then would be hidden. The cursor never goes back, except from the future.
    """
    moments = list(moments)
    known = reached(tx, name)
    credible = [moment for moment in moments if moment <= read_at]
    if not credible and moments and known is None:
        credible = [read_at]
    newest = max(credible, default=known)
    if newest is None:
        return
    value = newest if known is None else max(newest, known)
    if read(tx, name) != value.isoformat():
        set_to(tx, name, value.isoformat())
