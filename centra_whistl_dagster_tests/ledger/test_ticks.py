"""What is asked at every tick is answered from an index, however many orders have ended."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import (
    checks,
    despatches,
    export,
    hints,
    orders,
    standings,
    stock,
    stock_export,
    stops,
)
from centra_whistl_dagster.ledger import export_measurements as measurements
from centra_whistl_dagster.ledger.engine import Ledger, Transaction
from centra_whistl_dagster.ledger.hints import HintSource
from centra_whistl_dagster.ledger.states import ParcelState

Ask = Callable[[Transaction], object]

QUESTIONS: dict[str, Ask] = {
    "orders to screen": lambda tx: orders.in_states(tx, [OrderState.RECEIVED]),
    "orders to send": lambda tx: orders.in_states(tx, [OrderState.READY], are_due=True),
    "orders in doubt": lambda tx: orders.in_states(
        tx, [OrderState.SENDING, OrderState.IN_DOUBT], are_due=True
    ),
    "orders to lock": orders.unlocked,
    "orders to stop": stops.to_be_stopped,
    "orders to unlock": stops.to_be_unlocked,
    "orders to compare with Centra": lambda tx: checks.due_in_centra(
        tx, checked_before=tx.now, limit=1
    ),
    "orders to compare with Whistl": lambda tx: checks.due_at_whistl(
        tx, checked_before=tx.now, limit=1
    ),
    "the balance": checks.open_orders,
    "short picks": orders.ids_with_units_not_found,
    "despatches to match": despatches.count_to_apply,
    "parcels to write": lambda tx: despatches.parcels_due(tx, list(ParcelState)[:2]),
    "units ordered": lambda tx: standings.units_ordered(
        tx, since=tx.now - timedelta(days=1), until=tx.now
    ),
    "units ordered by the hour": lambda tx: standings.units_by_ordering_hour(
        tx, since=tx.now - timedelta(days=1)
    ),
    "units taken": lambda tx: standings.units_taken(
        tx, since=tx.now - timedelta(days=1), until=tx.now
    ),
    "units completed": lambda tx: standings.units_completed_since(tx, {"A": tx.now}),
    "units completed since long ago": lambda tx: standings.units_completed_since(
        tx, {"A": tx.now - timedelta(days=90)}
    ),
    "figures written last": lambda tx: stock.last_written(tx, ["A"]),
    "open lines": lambda tx: standings.of_open_lines(tx, taken_at=tx.now),
    "what was announced": lambda tx: hints.since(tx, tx.now),
    "orders first seen": lambda tx: hints.first_seen(
        tx, after=tx.now - timedelta(minutes=1), until=tx.now, placed_within=timedelta(minutes=1)
    ),
    "orders that an event announced": lambda tx: hints.announced_by(tx, HintSource.EVENT, [1]),
    "orders for the history": lambda tx: export.orders_since(tx, tx.now),
    "order lines for the history": lambda tx: export.order_lines_since(tx, tx.now),
    "order events for the history": lambda tx: export.order_events_since(tx, tx.now),
    "despatches for the history": lambda tx: export.despatches_since(tx, tx.now),
    "exceptions for the history": lambda tx: export.exceptions_since(tx, tx.now),
    "stock writes for the history": lambda tx: stock_export.stock_writes_since(tx, tx.now),
    "what held orders up": lambda tx: measurements.order_causes_since(tx, tx.now),
    "calls for the history": lambda tx: measurements.api_calls_since(tx, tx.now),
    "quotas for the history": lambda tx: measurements.api_quota_use_since(tx, tx.now),
    "decisions for the history": lambda tx: measurements.cadence_decisions_since(tx, tx.now),
    "prices for the history": lambda tx: measurements.prices_since(tx, tx.now),
    "orders that exceptions of the history are about": lambda tx: export.numbers_at_whistl(
        tx, {100_001}
    ),
}
_GROWING = (
    r"(orders|order_lines|order_events|parcels|parcel_lines|despatches|exceptions|submissions"
    r"|order_hints|(last_)?stock_writes|order_causes|api_calls|api_quota_use|cadence_decisions)\b"
)
_SCANS_ALL = {
    "sqlite": re.compile(rf"^SCAN {_GROWING}(?!.*INDEX).*", re.MULTILINE),
    # From one end of an index to the other is the whole table as well.
    "postgresql": re.compile(
        rf"(Seq Scan on|Index (Only )?Scan using \w+ on) {_GROWING}.*\n(?! *Index Cond).*"
    ),
}
_WHOLE_ON_POSTGRESQL = {"orders for the history", "order lines for the history"}
"""Asked by each load of the history, not by each tick: PostgreSQL reads all orders for them."""
_EXPLAIN = {"sqlite": "EXPLAIN QUERY PLAN", "postgresql": "EXPLAIN (COSTS OFF)"}


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_of_every_tick_reads_no_whole_table(ledger: Ledger, name: str) -> None:
    asked: list[tuple[str, Any]] = []

    @sa.event.listens_for(sa.Engine, "before_cursor_execute")
    def note(
        _connection: object, _cursor: object, statement: str, parameters: Any, *_: object
    ) -> None:
        if statement.startswith("SELECT"):
            asked.append((statement, parameters))

    with ledger.reading() as tx:
        try:
            QUESTIONS[name](tx)
        finally:
            sa.event.remove(sa.Engine, "before_cursor_execute", note)
        database = tx.connection.dialect.name
        if database == "postgresql":
            # A small table is read whole where that is quicker; what has no index always is.
            for way in ("seqscan", "hashjoin", "mergejoin"):
                tx.connection.exec_driver_sql(f"SET LOCAL enable_{way} = off")
        plan = "\n".join(
            row[-1]
            for statement, parameters in asked
            for row in tx.connection.exec_driver_sql(
                f"{_EXPLAIN[database]} {statement}", parameters
            )
        )

    assert plan
    if database == "postgresql" and name in _WHOLE_ON_POSTGRESQL:
        assert "Scan" in plan
        return
    assert [found[0] for found in _SCANS_ALL[database].finditer(f"{plan}\n")] == []
