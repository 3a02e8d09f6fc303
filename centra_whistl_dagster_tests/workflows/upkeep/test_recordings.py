"""What is recorded for the history where it happens: calls, decisions, causes, statuses."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

import sqlalchemy as sa

from centra_whistl_dagster.domain.stock.cadence import Decision, StockSync
from centra_whistl_dagster.ledger import cadence_decisions, export, export_measurements
from centra_whistl_dagster.ledger.tables import api_calls
from centra_whistl_dagster.simulator.wire.fault_rules import FaultKind
from centra_whistl_dagster.workflows.api_calls import store_counts
from centra_whistl_dagster.workflows.orders.ended_statuses import note_ended_statuses
from centra_whistl_dagster_tests.workflows.conftest import Desk


def causes(desk: Desk) -> list[dict[str, Any]]:
    with desk.link.ledger.reading() as tx:
        return export_measurements.order_causes_since(tx, None)


def decided(desk: Desk) -> list[dict[str, Any]]:
    with desk.link.ledger.reading() as tx:
        return export_measurements.cadence_decisions_since(tx, None)


def statuses(desk: Desk) -> list[str]:
    with desk.link.ledger.reading() as tx:
        return [row["centra_status"] for row in export.orders_since(tx, None)]


def test_orders_that_share_a_cause_are_each_linked_to_it_until_they_are_free(desk: Desk) -> None:
    unknown = next(s for s, item in desk.world.items.items() if not item.is_known_to_whistl)
    placed = [desk.order((desk.skus[0], 1)), desk.order((desk.skus[1], 1))]
    for order in placed:
        order.lines[0].sku = unknown
        order.updated_at = desk.clock()
    desk.relay_orders()
    held = causes(desk)
    assert {row["order_number"] for row in held} == {f"C{order.number}" for order in placed}
    assert {(row["subject"], row["freed_at"]) for row in held if row["subject_type"] == "sku"} == {
        (unknown, None)
    }

    desk.wait(600)
    placed[0].lines[0].sku = desk.skus[0]
    placed[0].updated_at = desk.clock()
    desk.relay_orders()

    freed = {
        row["order_number"]: row["freed_at"] for row in causes(desk) if row["subject_type"] == "sku"
    }
    assert freed == {f"C{placed[0].number}": desk.clock(), f"C{placed[1].number}": None}


def test_calls_are_counted_across_processes_and_a_repeated_try_is_one_more(desk: Desk) -> None:
    desk.fault("whistl", "latest_snapshot", FaultKind.ERROR_503_BEFORE, nth=1)
    link = desk.link
    for _ in range(2):
        link.whistl.latest_snapshot()
        store_counts(link.centra, link.whistl, link.ledger)
    with link.ledger.reading() as tx:
        query = sa.select(api_calls).where(api_calls.c.operation == "latest_snapshot")
        (row,) = tx.execute(query).all()
    assert (row.system, row.calls, row.tries, row.failed) == ("Whistl", 2, 3, 0)


def test_with_no_calls_nothing_is_written(desk: Desk) -> None:
    link = desk.link_that_crashes(after=0)
    store_counts(link.centra, link.whistl, link.ledger)


def test_ticks_that_launch_nothing_share_a_row_and_each_sync_has_its_own(desk: Desk) -> None:
    full = Decision(does=StockSync.FULL, reason="every SKU", minutes=15)
    for decision in (
        *(Decision(does=StockSync.NONE, reason=f"due in {n} s") for n in (50, 40)),
        full,
        full,
        Decision(does=StockSync.NONE, reason="fresh"),
    ):
        desk.wait(60)
        with desk.link.ledger.transaction() as tx:
            cadence_decisions.record(tx, decision, None)
    assert [(row["does"], row["ticks"], row["reason"]) for row in decided(desk)] == [
        ("none", 2, "due in 40 s"),
        ("full", 1, "every SKU"),
        ("full", 1, "every SKU"),
        ("none", 1, "fresh"),
    ]
    with desk.link.ledger.transaction() as tx:
        assert cadence_decisions.forget(tx, before=desk.clock()) == 3


def test_a_row_of_idle_ticks_ends_at_midnight(desk: Desk) -> None:
    seconds = (datetime.combine(desk.clock().date(), time.max, UTC) - desk.clock()).seconds
    for wait in (seconds - 30, 60):
        desk.clock.advance(wait)
        with desk.link.ledger.transaction() as tx:
            cadence_decisions.record(tx, Decision(does=StockSync.NONE, reason="fresh"), None)
    assert [row["ticks"] for row in decided(desk)] == [1, 1]


def test_a_completed_order_is_shown_with_the_status_that_completing_gave_it(desk: Desk) -> None:
    desk.order()
    desk.relay(12, every=60)
    assert statuses(desk) == ["CONFIRMED"]

    assert note_ended_statuses(desk.link) == 1

    assert statuses(desk) == ["SHIPPED"]
    calls = desk.world.calls["centra query"]
    assert note_ended_statuses(desk.link) == 0
    assert desk.world.calls["centra query"] == calls, "an order that is over is asked for once"


def test_an_order_that_centra_still_shows_as_open_is_asked_for_once_a_day(desk: Desk) -> None:
    order = desk.order()
    desk.relay(12, every=60)
    order.status = "PROCESSING"
    assert [note_ended_statuses(desk.link) for _ in range(2)] == [1, 0]
    desk.wait(90_000)
    assert note_ended_statuses(desk.link) == 1
    assert statuses(desk) == ["PROCESSING"]
