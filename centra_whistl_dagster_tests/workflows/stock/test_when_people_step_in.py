"""Nothing that is sold goes on sale again, whatever people do in Centra or at Whistl.

Judged in the simulated building: what the shop offers must exist.
"""

from __future__ import annotations

import pytest

from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.simulator.centra.rules import (
    add_shipment,
    cancel_order,
    cancel_units,
    in_no_shipment,
    ship,
    touch,
)
from centra_whistl_dagster.simulator.whistl.snapshots import take_snapshot
from centra_whistl_dagster.simulator.world import warehouse
from centra_whistl_dagster.simulator.world.warehouse import goods_in, take_unseen
from centra_whistl_dagster.simulator.world.world import CentraOrder
from centra_whistl_dagster.workflows.orders import intake, statuses
from centra_whistl_dagster.workflows.reference.refresh import refresh_reference
from centra_whistl_dagster.workflows.shipments import completion, despatches
from centra_whistl_dagster.workflows.stock import sync
from centra_whistl_dagster.workflows.stock.centra_levels import last_levels, read_centra_levels
from centra_whistl_dagster.workflows.stock.new_orders import with_new_orders
from centra_whistl_dagster.workflows.stock.reconciliation import reconcile_levels, usable_snapshot
from centra_whistl_dagster.workflows.stock.snapshots import read_latest_snapshot
from centra_whistl_dagster_tests.workflows.conftest import Desk


def publish_new_snapshot(desk: Desk) -> None:
    desk.clock.advance(1)
    with desk.world.lock:
        take_snapshot(desk.world)
    desk.clock.advance(1)


def sync_with_new_snapshot(desk: Desk) -> None:
    publish_new_snapshot(desk)
    desk.sync_stock()


def assert_no_more_is_offered_than_exists(desk: Desk) -> None:
    assert desk.truth()["stock"]["resurrected_units"] == 0


def assert_the_shop_is_right(desk: Desk) -> None:
    stock = desk.truth()["stock"]
    assert stock["unexplained"] == []
    assert stock["resurrected_units"] == 0


def ship_by_hand(desk: Desk, order: CentraOrder, units: dict[int, int] | None = None) -> None:
    """Let somebody in the office ship an order, or some of it, in Centra."""
    with desk.world.lock:
        order.is_locked = False
        made = add_shipment(
            desk.world,
            order,
            units or in_no_shipment(order),
            is_good_to_go=True,
            is_paid=True,
        )
        ship(desk.world, order, made, desk.clock(), send_email=False)


def in_status(desk: Desk, status: str, units: int = 6) -> CentraOrder:
    """Return an order of the first SKU that Whistl has in a status, as known here."""
    order = desk.order((desk.skus[0], units))
    desk.relay_orders()
    desk.wait_for(order, status)
    statuses.follow_order_statuses(desk.link)
    return order


def missing_by_last_levels(desk: Desk) -> int:
    """Units of the first SKU that our orders lack in Centra, without reading a level again."""
    known = last_levels(desk.link)
    assert known is not None
    levels = with_new_orders(desk.link, known.frame)
    found = reconcile_levels(desk.link, usable_snapshot(desk.link), levels, within_minutes=None)
    return int(found.catalogue.steps.missing[found.skus.index(desk.skus[0])])


# ---- shipped by hand in Centra
@pytest.mark.parametrize("status", ["RECEIVED", "ALLOCATED", "PICKING", "PACKED"])
@pytest.mark.parametrize("units", [6, 2], ids=["whole", "in part"])
def test_units_shipped_by_hand_are_not_sold_again_while_whistl_still_has_them(
    desk: Desk, status: str, units: int
) -> None:
    order = in_status(desk, status)
    ship_by_hand(desk, order, {order.lines[0].line_id: units})

    for _ in range(3):
        sync_with_new_snapshot(desk)

    assert_no_more_is_offered_than_exists(desk)


def test_new_orders_do_not_hide_that_others_were_shipped_by_hand(desk: Desk) -> None:
    order = in_status(desk, "ALLOCATED")
    ship_by_hand(desk, order)
    desk.order((desk.skus[0], 6))  # nobody has read it here: Centra allocates as much as before

    sync_with_new_snapshot(desk)

    assert_no_more_is_offered_than_exists(desk)


def test_units_shipped_by_hand_are_free_of_nobody_once_they_have_left_whistl(desk: Desk) -> None:
    order = in_status(desk, "PACKED")
    ship_by_hand(desk, order)
    sync_with_new_snapshot(desk)
    desk.relay(rounds=8, every=60)

    sync_with_new_snapshot(desk)

    assert desk.state(order) is OrderState.COMPLETED
    assert_the_shop_is_right(desk)


def test_a_shipment_by_hand_that_leaves_no_trace_on_the_order_is_seen_in_what_centra_allocates(
    desk: Desk,
) -> None:
    desk.switch(centra_shipments_touch_updated_at=False)
    order = in_status(desk, "ALLOCATED")
    sync_with_new_snapshot(desk)
    ship_by_hand(desk, order)

    for _ in range(2):
        sync_with_new_snapshot(desk)

    assert_no_more_is_offered_than_exists(desk)


@pytest.mark.parametrize("is_sent", [True, False])
def test_an_order_that_came_after_a_level_was_read_does_not_hide_a_shipment_by_hand(
    desk: Desk, *, is_sent: bool
) -> None:
    desk.switch(centra_shipments_touch_updated_at=False)
    order = in_status(desk, "ALLOCATED")
    ship_by_hand(desk, order)
    sync_with_new_snapshot(desk)
    before = missing_by_last_levels(desk)
    desk.order((desk.skus[0], 2))
    desk.wait(1)
    intake.take_in_orders(desk.link)
    desk.wait(1)
    if is_sent:
        desk.relay_orders()
        publish_new_snapshot(desk)
        read_latest_snapshot(desk.link)

    assert (before, missing_by_last_levels(desk)) == (6, 6)


def test_a_parcel_of_ours_and_a_shipment_by_hand_each_count_once(desk: Desk) -> None:
    desk.world.settings.several_parcels_share = 1.0
    order = in_status(desk, "PART_DESPATCHED")
    desk.relay_despatches()
    shipped = order.lines[0].shipped
    assert 0 < shipped < 6
    ship_by_hand(desk, order)
    sync_with_new_snapshot(desk)
    assert_no_more_is_offered_than_exists(desk)

    desk.relay(rounds=8, every=60)
    sync_with_new_snapshot(desk)

    assert_the_shop_is_right(desk)


# ---- stopped and resumed
def test_an_order_resumed_after_a_part_had_left_does_not_put_its_rest_on_sale_twice(
    desk: Desk,
) -> None:
    desk.world.settings.several_parcels_share = 1.0
    desk.switch(rest_cancelled_share=1.0)
    sku = desk.skus[0]
    order = in_status(desk, "PART_DESPATCHED")
    desk.relay_despatches()
    desk.wait_for(order, "CANCELLED")
    desk.relay_despatches()
    order.is_locked = False
    order.status = "CANCELLED"
    touch(desk.world, order)
    desk.relay(rounds=2)
    order.status = "PROCESSING"
    touch(desk.world, order)
    desk.relay(rounds=2)

    for _ in range(2):
        sync_with_new_snapshot(desk)

    assert desk.world.centra_free(sku) <= desk.world.whistl_available(sku)
    assert_no_more_is_offered_than_exists(desk)


@pytest.mark.parametrize("is_resumed", [False, True], ids=["stopped", "resumed"])
def test_units_that_whistl_gave_back_just_before_the_snapshot_are_not_counted_as_set_aside(
    desk: Desk, is_resumed: bool
) -> None:
    order = in_status(desk, "ALLOCATED")
    with desk.world.lock:
        warehouse.cancel(desk.world, desk.held(order))
    publish_new_snapshot(desk)
    desk.clock.advance(20)
    statuses.follow_order_statuses(desk.link)
    if is_resumed:
        order.is_locked = False
        order.address = {**(order.address or {}), "zipCode": "YO1 7HH"}
        touch(desk.world, order)
        desk.relay_orders()

    desk.sync_stock()

    assert_no_more_is_offered_than_exists(desk)


# ---- Whistl gives back what it had set aside
@pytest.mark.parametrize("gives_back", [True, False])
def test_an_order_held_after_allocation_is_not_sold_twice_and_raises_no_false_alarm(
    desk: Desk, gives_back: bool
) -> None:
    sku = desk.skus[0]
    take_unseen(desk.world, sku, desk.world.whistl_available(sku) - 6)
    sync_with_new_snapshot(desk)
    order = in_status(desk, "ALLOCATED")
    desk.switch(hold_seconds=None)
    with desk.world.lock:
        warehouse.hold_by_hand(desk.world, desk.held(order), gives_back=gives_back)
    publish_new_snapshot(desk)

    desk.sync_stock()

    assert_no_more_is_offered_than_exists(desk)
    assert "oversold" not in desk.problems()
    assert "held_at_whistl" in desk.problems()

    with desk.world.lock:
        warehouse.release_by_hand(desk.world, desk.held(order))
    desk.wait_for(order, "ALLOCATED")
    sync_with_new_snapshot(desk)

    assert_the_shop_is_right(desk)


@pytest.mark.parametrize("is_owed", [True, False], ids=["still owed", "cancelled"])
def test_a_unit_lost_at_picking_since_the_snapshot_is_not_sold(desk: Desk, is_owed: bool) -> None:
    desk.switch(short_line_share=1.0)
    order = desk.order((desk.skus[0], 2))
    desk.relay_orders()
    publish_new_snapshot(desk)
    read_latest_snapshot(desk.link)
    desk.wait_for(order, "PACKED")
    statuses.follow_order_statuses(desk.link)
    order.is_locked = False
    if not is_owed:
        cancel_units(desk.world, order, order.lines[0], 1)
    read_centra_levels(desk.link)

    sync.publish_stock(desk.link)

    sku, world = desk.skus[0], desk.world
    assert world.centra_free(sku) <= world.whistl_available(sku) - world.unsent_units(sku)


def test_statuses_that_lag_behind_the_stock_raise_no_false_alarm(desk: Desk) -> None:
    sku = desk.skus[0]
    desk.switch(whistl_status_lag_seconds=30.0)
    take_unseen(desk.world, sku, desk.world.whistl_available(sku) - 2)
    sync_with_new_snapshot(desk)
    order = desk.order((sku, 2))
    desk.relay_orders()
    desk.wait_for(order, "ALLOCATED")

    sync_with_new_snapshot(desk)

    assert desk.problems() == []
    assert_no_more_is_offered_than_exists(desk)
    desk.clock.advance(60)
    sync_with_new_snapshot(desk)
    assert_the_shop_is_right(desk)


# ---- sold without stock
def test_goods_that_come_in_for_pre_orders_are_not_offered_to_others(desk: Desk) -> None:
    sku = desk.skus[0]
    take_unseen(desk.world, sku, desk.world.whistl_available(sku))
    sync_with_new_snapshot(desk)
    for _ in range(5):
        order = desk.order((sku, 1))
        order.lines[0].demand = 1
    desk.relay_orders()
    sync_with_new_snapshot(desk)
    before = desk.problems()
    goods_in(desk.world, sku, 5)

    sync_with_new_snapshot(desk)

    assert "oversold" not in before, "a pre-order is sold without stock on purpose"
    assert desk.world.centra_free(sku) == 0
    goods_in(desk.world, sku, 40)
    sync_with_new_snapshot(desk)
    assert desk.world.centra_free(sku) > 0
    assert_the_shop_is_right(desk)


def test_a_shop_whose_pre_orders_are_allocated_by_hand_sells_none_of_them_twice(desk: Desk) -> None:
    sku = desk.skus[0]
    take_unseen(desk.world, sku, desk.world.whistl_available(sku))
    sync_with_new_snapshot(desk)
    order = desk.order((sku, 5))
    order.lines[0].demand = 5
    goods_in(desk.world, sku, 45)
    desk.relay_orders()
    sync_with_new_snapshot(desk)
    assert desk.world.centra_free(sku) > 0
    assert_the_shop_is_right(desk)
    with desk.world.lock:
        order.lines[0].demand = 0
        desk.world.shelves[sku].centra_physical += 5

    sync_with_new_snapshot(desk)

    assert desk.world.centra_free(sku) > 0
    assert_the_shop_is_right(desk)


# ---- between reading levels and writing
def test_parcels_completed_after_levels_were_read_raise_no_alarm(desk: Desk) -> None:
    sku = desk.skus[0]
    take_unseen(desk.world, sku, desk.world.whistl_available(sku) - 2)
    sync_with_new_snapshot(desk)
    order = desk.order((sku, 2))
    desk.relay_orders()
    desk.leave_the_building([order])
    publish_new_snapshot(desk)
    read_latest_snapshot(desk.link)
    read_centra_levels(desk.link)
    statuses.follow_order_statuses(desk.link)
    despatches.pull_despatches(desk.link)
    despatches.apply_despatches(desk.link)
    completion.complete_shipments(desk.link)
    assert desk.state(order) is OrderState.COMPLETED

    sync.publish_stock(desk.link)

    assert desk.problems() == []
    assert_the_shop_is_right(desk)


def test_units_cancelled_after_levels_were_read_are_not_offered_while_they_are_picked(
    desk: Desk,
) -> None:
    order = in_status(desk, "PICKING")
    take_unseen(desk.world, desk.skus[0], 1)
    publish_new_snapshot(desk)
    read_latest_snapshot(desk.link)
    read_centra_levels(desk.link)
    order.is_locked = False
    cancel_order(desk.world, order)

    sync.publish_stock(desk.link)

    sku = desk.skus[0]
    assert desk.world.centra_free(sku) <= desk.world.whistl_available(sku)


# ---- SKUs
def test_two_sizes_with_one_sku_sell_nothing_and_merchandising_hears(desk: Desk) -> None:
    sync_with_new_snapshot(desk)
    first, second = desk.skus[:2]
    desk.world.items[second].shown_sku = first

    sync_with_new_snapshot(desk)

    assert [desk.world.centra_free(sku) for sku in (first, second)] == [0, 0]
    assert desk.problems(first) == ["sku_on_several_sizes"]
    desk.world.items[second].shown_sku = None
    sync_with_new_snapshot(desk)
    assert "sku_on_several_sizes" not in desk.problems()
    assert_the_shop_is_right(desk)


def leave_out(desk: Desk, sku: str) -> None:
    """Publish a complete snapshot that does not list a SKU of which there is none left."""
    publish_new_snapshot(desk)
    newest = list(desk.world.snapshots.values())[-1]
    newest.rows = [row for row in newest.rows if row["sku"] != sku]
    newest.item_count = len(newest.rows)


def test_a_sku_that_whistl_does_not_list_any_more_stays_and_its_sales_are_reported(
    desk: Desk,
) -> None:
    sku = desk.skus[0]
    sync_with_new_snapshot(desk)
    before = desk.world.centra_free(sku)
    leave_out(desk, sku)
    desk.sync_stock()
    quiet = desk.problems(sku)
    desk.order((sku, 1))
    desk.relay_orders()

    leave_out(desk, sku)
    desk.sync_stock()

    assert desk.world.centra_free(sku) == before - 1
    assert quiet == ["sku_absent_from_snapshot"]
    assert desk.problems(sku) == ["absent_sku_sells", "sku_absent_from_snapshot"]
    sync_with_new_snapshot(desk)
    assert desk.problems(sku) == []


def test_where_absent_means_none_a_sku_goes_off_sale_after_so_many_complete_snapshots(
    desk: Desk,
) -> None:
    policy = desk.config / "policy.toml"
    text = policy.read_text()
    setting = 'absent_sku = "unchanged"'
    assert setting in text
    policy.write_text(text.replace(setting, 'absent_sku = "zero after 2 complete snapshots"'))
    desk.reopen()
    sku = desk.skus[0]
    sync_with_new_snapshot(desk)
    take_unseen(desk.world, sku, desk.world.whistl_available(sku))

    free = []
    for _ in range(2):
        leave_out(desk, sku)
        desk.sync_stock()
        desk.sync_stock()
        free.append(desk.world.centra_free(sku))

    assert free[0] > 0
    assert free[1] == 0
    goods_in(desk.world, sku, 4)
    sync_with_new_snapshot(desk)
    assert_the_shop_is_right(desk)


def test_a_size_without_a_row_of_stock_in_centra_gets_one_with_its_first_quantity(
    desk: Desk,
) -> None:
    sku = desk.skus[0]
    desk.world.shelves[sku].centra_physical = 0
    desk.switch(centra_lacks_stock_rows=(sku,))
    refresh_reference(desk.link)

    sync_with_new_snapshot(desk)

    assert desk.world.centra_free(sku) == desk.world.whistl_available(sku) > 0
    assert_the_shop_is_right(desk)


def test_a_row_of_stock_that_centra_does_not_make_is_reported(desk: Desk) -> None:
    sku = desk.skus[0]
    desk.world.shelves[sku].centra_physical = 0
    desk.switch(centra_lacks_stock_rows=(sku,), centra_makes_stock_rows=False)
    refresh_reference(desk.link)

    sync_with_new_snapshot(desk)

    assert desk.problems(sku) == ["stock_write_not_taken"]
