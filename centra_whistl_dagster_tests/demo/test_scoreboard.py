"""When a demo's day has shown what it must, and what its verdict says if it has not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from rich.console import Console

from centra_whistl_dagster.demo.alert_figures import AlertFigures
from centra_whistl_dagster.demo.drawing import draw
from centra_whistl_dagster.demo.published import Published
from centra_whistl_dagster.demo.scoreboard import Scoreboard
from centra_whistl_dagster.demo.stock_figures import StockReads
from centra_whistl_dagster.simulator.people.checkout import place_order
from centra_whistl_dagster.simulator.truth.durations import spread
from centra_whistl_dagster.simulator.truth.scoreboard import truth
from centra_whistl_dagster.simulator.world.clock import ManualClock
from centra_whistl_dagster.simulator.world.world import World

NO_ALERTS = AlertFigures(
    sent_by_owner={}, waiting=0, received_by_address={}, seconds_to_alert=spread([])
)
ONE_ALERT = replace(NO_ALERTS, sent_by_owner={"cx": 1}, received_by_address={"cx": 1})
PUBLISHED = Published(at=datetime(2026, 3, 2, 9, 30, tzinfo=UTC), orders=1)


def board_of(
    world: World, *, alerts: AlertFigures = ONE_ALERT, published: Published | None = PUBLISHED
) -> Scoreboard:
    return Scoreboard(
        truth=truth(world),
        in_doubt=0,
        exceptions_open={},
        exceptions_ever={},
        ever_blocked=frozenset(),
        alerts=alerts,
        last_alerts=(),
        reads=StockReads(often=0, most=(), others=0, others_times=0),
        published=published,
    )


@pytest.fixture
def sku(world: World) -> str:
    return world.whistl_skus()[0]


def test_a_day_without_orders_has_shown_nothing(world: World) -> None:
    assert board_of(world).unfinished() == ["no order confirmed"]


def test_a_day_whose_only_order_was_cancelled_is_done(world: World, sku: str) -> None:
    place_order(world, [(sku, 1)], confirmed_at=world.now(), status="CANCELLED")

    board = board_of(world)

    assert board.unfinished() == []
    assert board.as_dict()["verdict"] == "clean"


def test_an_order_is_late_while_the_day_runs_and_lost_only_in_the_verdict(
    world: World, clock: ManualClock, sku: str
) -> None:
    place_order(world, [(sku, 1)])
    clock.advance(3600)
    board = board_of(world)
    console = Console(width=120)
    with console.capture() as captured:
        console.print(draw(board, heading="Trading"))

    assert "late" in captured.get()
    assert "lost" not in captured.get().replace("answer lost", "")
    assert "1 orders lost" in board.faults()
    assert board.truth["orders"]["late"] == 1


def test_a_bad_order_must_have_been_reported_and_alerted(world: World, sku: str) -> None:
    order = place_order(world, [(sku, 1)], spoilage="missing_city", first_spoilage="missing_city")
    world.unreported[order.number] = lambda: None
    before = board_of(world, alerts=NO_ALERTS).unfinished()
    world.unreported.clear()
    after = board_of(world).unfinished()

    assert "1 bad orders never reported" in before
    assert "orders blocked, and no alert sent" in before
    assert not any("reported" in words or "alert" in words for words in after)


@pytest.mark.parametrize("published", [None, replace(PUBLISHED, orders=0)])
def test_the_published_history_must_have_orders(
    world: World, sku: str, published: Published | None
) -> None:
    place_order(world, [(sku, 1)])

    assert "no history with orders published" in board_of(world, published=published).unfinished()


def test_a_sku_that_disagrees_keeps_the_day_from_ending(world: World, sku: str) -> None:
    world.shelves[sku].on_hand += 1

    assert "1 SKUs whose stock disagrees" in board_of(world).unfinished()
