"""Demand is counted from snapshot to snapshot, seen and unseen apart, and buffers follow it."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from centra_whistl_dagster.ledger import state
from centra_whistl_dagster.simulator.world.warehouse import take_snapshot, take_unseen
from centra_whistl_dagster.workflows.orders.statuses import follow_order_statuses
from centra_whistl_dagster.workflows.stock import archive
from centra_whistl_dagster.workflows.stock.cadence import decide_stock_pass
from centra_whistl_dagster.workflows.stock.sales_velocity import count_demand, measure_velocity
from centra_whistl_dagster.workflows.stock.snapshots import read_latest_snapshot


def count(desk: Any) -> Any:
    follow_order_statuses(desk.link)
    read_latest_snapshot(desk.link)
    return count_demand(desk.link)


def picture(desk: Any) -> None:
    with desk.world.lock:
        take_snapshot(desk.world)


def of(counted: Any, sku: str, name: str) -> float:
    return float(getattr(counted.observed, name)[counted.skus.index(sku)])


def last_pass(desk: Any) -> pd.DataFrame:
    with desk.link.ledger.reading() as tx:
        kept = json.loads(state.read(tx, state.RECONCILED) or "{}")
    return archive.fetch(desk.link.settings.archive_path, kept["file"]).set_index("sku")


def test_what_the_shop_sells_is_seen_and_what_it_does_not_is_unseen(desk) -> None:
    seen, unseen = desk.skus[0], desk.skus[1]
    count(desk)

    desk.order((seen, 3))
    desk.relay(4)
    with desk.world.lock:
        taken = take_unseen(desk.world, unseen, 5)
    picture(desk)
    counted = count(desk)

    assert taken == 5
    assert round(of(counted, seen, "seen_units")) == 3
    assert of(counted, seen, "unseen_units") == 0
    assert of(counted, unseen, "seen_units") == 0
    assert round(of(counted, unseen, "unseen_units")) == 5


def test_one_snapshot_is_counted_once(desk) -> None:
    count(desk)
    desk.order()
    desk.relay(2)
    picture(desk)

    first = count(desk)
    again = count(desk)

    assert again.until == first.until
    assert (again.observed.seen_units == first.observed.seen_units).all()


def test_a_sku_that_goes_unseen_is_looked_at_more_often_and_held_back(desk) -> None:
    hot, cold = desk.skus[0], desk.skus[1]
    count(desk)
    for _ in range(6):
        with desk.world.lock:
            take_unseen(desk.world, hot, 4)
        desk.wait(120)
        picture(desk)
        count(desk)

    measured = measure_velocity(desk.link, [hot, cold])
    desk.sync_stock()

    assert measured is not None
    assert measured.velocity.unseen_per_hour[0] > measured.velocity.unseen_per_hour[1]
    found = last_pass(desk)
    assert found.loc[hot, "minutes"] < found.loc[cold, "minutes"]
    assert found.loc[hot, "buffer_wanted"] > 0
    assert desk.truth()["stock"]["agreeing"] == desk.truth()["stock"]["skus"]


def test_the_first_pass_is_made_at_once_and_the_next_says_why_it_waits(desk) -> None:
    assert decide_stock_pass(desk.link).does == "full"

    desk.sync_stock()
    decision = decide_stock_pass(desk.link)

    assert decision.does == "none"
    assert "min" in decision.reason
