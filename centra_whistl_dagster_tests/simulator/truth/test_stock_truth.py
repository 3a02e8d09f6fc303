"""The scoreboard shows where stock disagrees, and which write offered too much."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from centra_whistl_dagster.simulator.centra.rules import cancel_order
from centra_whistl_dagster.simulator.truth.scoreboard import truth
from centra_whistl_dagster.simulator.truth.stock import audit_stock_write
from centra_whistl_dagster.simulator.whistl.snapshots import take_snapshot
from centra_whistl_dagster.simulator.world.clock import ManualClock
from centra_whistl_dagster.simulator.world.warehouse import goods_in, set_aside, take_unseen
from centra_whistl_dagster.simulator.world.world import CentraOrder, WhistlOrder, World

A_DAY = 86_400

Sell = Callable[..., CentraOrder]
Send = Callable[[CentraOrder], WhistlOrder]


def test_stock_agrees_at_every_step_of_an_order_when_nothing_is_written(
    world: World, clock: ManualClock, sell: Sell, send: Send, complete: Callable[..., None]
) -> None:
    def agrees() -> bool:
        return truth(world)["stock"]["unexplained"] == []

    order = sell()
    steps = [agrees()]
    at_whistl = send(order)
    steps.append(agrees())
    while at_whistl.status != "DESPATCHED":
        clock.run(world, 60)
        steps.append(agrees())
    complete(order, world.sent_parcels[0])
    steps.append(agrees())

    assert all(steps)


def test_what_the_second_channel_takes_and_a_buffer_show_in_the_agreement(
    world: World, skus: list[str]
) -> None:
    free = world.centra_free(skus[0])
    take_unseen(world, skus[0], 3)

    plain = truth(world)["stock"]
    world.shelves[skus[0]].centra_physical -= 5
    with_buffer = truth(world, buffers={skus[0]: 2})["stock"]

    assert plain["unexplained"] == [
        {
            "sku": skus[0],
            "centra_free": free,
            "expected": free - 3,
            "whistl_available": free - 3,
            "sold_not_allocated": 0,
            "buffer": 0,
        }
    ]
    assert plain["agreeing"] == plain["skus"] - 1
    assert with_buffer["unexplained"] == []


def test_a_sku_on_one_side_only_is_no_disagreement(world: World, skus: list[str]) -> None:
    world.items[skus[0]].is_known_to_whistl = False
    world.items[skus[1]].is_active_in_centra = False
    for sku in skus[:2]:
        world.shelves[sku].centra_physical += 100

    assert truth(world)["stock"]["agreeing"] == truth(world)["stock"]["skus"] == 198


# ---- the audit of stock writes: each test reads a snapshot, lets things happen, and writes from it
@pytest.fixture
def available(world: World, skus: list[str]) -> int:
    """What the snapshot just read says of the first SKU."""
    snapshot = take_snapshot(world)
    assert snapshot is not None
    world.audit.read_snapshot_id = snapshot.snapshot_id
    return world.whistl_available(skus[0])


def resurrected(world: World) -> int:
    return truth(world)["stock"]["resurrected_units"]


def test_a_right_write_offers_nothing_that_does_not_exist(
    world: World, available: int, sell: Sell, skus: list[str]
) -> None:
    sell()

    assert audit_stock_write(world, skus[0], available) == 0
    assert resurrected(world) == 0
    assert audit_stock_write(world, skus[0], available + 2) == 2


def test_a_snapshot_written_without_rolling_it_forward_brings_sold_stock_back(
    world: World,
    available: int,
    clock: ManualClock,
    sell: Sell,
    send: Send,
    skus: list[str],
    complete: Callable[..., None],
) -> None:
    order = sell()
    send(order)
    clock.run(world, A_DAY)
    complete(order, world.sent_parcels[0])

    assert audit_stock_write(world, skus[0], available) == 2
    assert audit_stock_write(world, skus[0], available - 2) == 0
    assert resurrected(world) == 2
    assert truth(world)["stock"]["resurrected_skus"] == [skus[0]]


def test_units_of_a_box_not_yet_completed_count_once(
    world: World, clock: ManualClock, sell: Sell, send: Send, skus: list[str]
) -> None:
    send(sell())
    clock.run(world, A_DAY)
    in_building = world.whistl_available(skus[0])

    assert audit_stock_write(world, skus[0], in_building + 2) == 0
    assert audit_stock_write(world, skus[0], in_building + 3) == 1


@pytest.mark.parametrize("move", [take_unseen, set_aside])
def test_what_left_since_the_snapshot_is_nobodys_fault_but_what_left_before_is(
    world: World, available: int, skus: list[str], move: Callable[[World, str, int], int]
) -> None:
    move(world, skus[0], 4)
    unknowable = audit_stock_write(world, skus[0], available)
    snapshot = take_snapshot(world)
    assert snapshot is not None
    world.audit.read_snapshot_id = snapshot.snapshot_id

    assert unknowable == 0
    assert audit_stock_write(world, skus[0], available) == 4


def test_a_cancellation_just_made_need_not_be_known_but_an_old_one_must(
    world: World, clock: ManualClock, sell: Sell, send: Send, skus: list[str]
) -> None:
    order = sell()
    send(order)
    clock.run(world, 120)
    cancel_order(world, order)
    kept = world.whistl_available(skus[0]) + 2
    at_once = audit_stock_write(world, skus[0], kept)
    clock.advance(timedelta(minutes=5).total_seconds())

    assert at_once == 0
    assert audit_stock_write(world, skus[0], kept) == 2


def test_new_goods_may_be_offered_at_once(world: World, available: int, skus: list[str]) -> None:
    goods_in(world, skus[0], 10)

    assert audit_stock_write(world, skus[0], available + 10) == 0
    assert audit_stock_write(world, skus[0], available + 11) == 1


def test_units_sold_that_the_building_lacks_are_oversold(
    world: World, clock: ManualClock, sell: Sell, send: Send, skus: list[str]
) -> None:
    take_unseen(world, skus[0], world.whistl_available(skus[0]) - 1)
    send(sell())
    clock.run(world, 3600)

    stock = truth(world)["stock"]

    assert (stock["oversold_units"], stock["oversold_skus"]) == (1, [skus[0]])
