"""What the shop offers exists, and what is sold stays sold: judged in the simulated building."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
import sqlalchemy as sa

from centra_whistl_dagster.centra.client import (
    CentraClient,
    CentraStockLevel,
    UnreadableStockLevel,
)
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger.engine import LeaseTaken
from centra_whistl_dagster.ledger.tables import stock_writes
from centra_whistl_dagster.simulator.centra.permissions import ALL_PERMISSIONS
from centra_whistl_dagster.simulator.centra.rules import cancel_order, cancel_units
from centra_whistl_dagster.simulator.people.shoppers import ADA
from centra_whistl_dagster.simulator.whistl.snapshots import take_snapshot
from centra_whistl_dagster.simulator.wire.fault_rules import FaultKind
from centra_whistl_dagster.simulator.world.settings import CentraToken
from centra_whistl_dagster.simulator.world.warehouse import cancel as cancel_at_whistl
from centra_whistl_dagster.simulator.world.warehouse import goods_in, set_aside, take_unseen
from centra_whistl_dagster.simulator.world.world import CentraOrder
from centra_whistl_dagster.transport import (
    AccessDenied,
    ContractBroken,
    IntegrationError,
    OutcomeUnknown,
)
from centra_whistl_dagster.workflows.due import parcels_due
from centra_whistl_dagster.workflows.exceptions.step_failures import note_failure, note_success
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders import intake, statuses
from centra_whistl_dagster.workflows.reference.refresh import refresh_reference
from centra_whistl_dagster.workflows.shipments import completion, despatches
from centra_whistl_dagster.workflows.shipments.completion import CENTRA_STOCK_LEASE
from centra_whistl_dagster.workflows.stock import sync
from centra_whistl_dagster.workflows.stock.centra_levels import read_centra_levels
from centra_whistl_dagster.workflows.stock.reconciliation import NothingToReconcile
from centra_whistl_dagster.workflows.stock.snapshots import read_latest_snapshot
from centra_whistl_dagster_tests.workflows.conftest import Desk


def publish_new_snapshot(desk: Desk) -> None:
    desk.clock.advance(1)
    with desk.world.lock:
        take_snapshot(desk.world)
    desk.clock.advance(1)


def assert_the_shop_is_right(desk: Desk) -> None:
    stock = desk.truth()["stock"]
    assert stock["unexplained"] == []
    assert stock["agreeing"] == stock["skus"] > 0
    assert stock["resurrected_units"] == 0


def lines_written(desk: Desk) -> int:
    return desk.effects()["centra stock lines written"]


# ---- agreement
def test_stock_that_left_unseen_and_goods_that_came_in_reach_the_shop(desk: Desk) -> None:
    sold, found, damaged = desk.skus[:3]
    take_unseen(desk.world, sold, 3)
    goods_in(desk.world, found, 30)
    set_aside(desk.world, damaged, 2)
    publish_new_snapshot(desk)

    desk.sync_stock()

    assert lines_written(desk) == 3
    assert_the_shop_is_right(desk)


STAGES = ("RECEIVED", "ALLOCATED", "PICKING", "PACKED", "DESPATCHED")


@pytest.mark.parametrize("is_known", [True, False], ids=["statuses known", "statuses not read"])
@pytest.mark.parametrize("stage", STAGES)
def test_an_order_is_deducted_once_wherever_it_is_when_stock_is_written(
    desk: Desk, stage: str, is_known: bool
) -> None:
    order = desk.order((desk.skus[0], 2))
    desk.relay_orders()
    for _ in range(400):
        if desk.world.whistl_orders[f"C{order.number}"].status == stage:
            break
        desk.wait(1)
    if is_known:
        statuses.follow_order_statuses(desk.link)
    take_unseen(desk.world, desk.skus[0], 1)
    publish_new_snapshot(desk)

    desk.sync_stock()

    assert_the_shop_is_right(desk)


def test_orders_that_were_never_sent_to_whistl_stay_deducted(desk: Desk) -> None:
    blocked = desk.order((desk.skus[0], 2), address={**ADA, "zipCode": "YO1 7H"})
    waiting = desk.order((desk.skus[0], 3), is_on_hold=True)
    desk.relay_orders()
    publish_new_snapshot(desk)

    desk.sync_stock()

    assert [desk.state(order) for order in (blocked, waiting)] == [
        OrderState.BLOCKED,
        OrderState.WAITING,
    ]
    assert_the_shop_is_right(desk)


def test_a_shipment_completed_after_the_snapshot_does_not_bring_its_units_back(desk: Desk) -> None:
    order = desk.order((desk.skus[0], 2))
    desk.relay_orders()
    publish_new_snapshot(desk)
    read_latest_snapshot(desk.link)
    desk.wait(400)
    desk.relay_despatches()
    assert desk.state(order) == OrderState.COMPLETED
    read_centra_levels(desk.link)

    sync.publish_stock(desk.link)

    assert desk.truth()["stock"]["resurrected_units"] == 0


def test_units_of_an_order_that_whistl_cancelled_by_itself_are_not_sold_twice(desk: Desk) -> None:
    order = desk.order((desk.skus[0], 2))
    desk.relay_orders()
    desk.wait(10)
    statuses.follow_order_statuses(desk.link)
    assert desk.row(order).allocated_at is not None
    with desk.world.lock:
        cancel_at_whistl(desk.world, desk.world.whistl_orders[f"C{order.number}"])
    publish_new_snapshot(desk)

    desk.sync_stock()

    assert_the_shop_is_right(desk)


def test_a_cancellation_is_free_for_the_shop_once_whistl_has_freed_it(desk: Desk) -> None:
    order = desk.order((desk.skus[0], 2))
    desk.relay(2, every=5)
    desk.wait(1)
    order.is_locked = False
    cancel_order(desk.world, order)
    desk.relay(2, every=5)
    assert desk.state(order) == OrderState.CANCELLED
    publish_new_snapshot(desk)

    desk.sync_stock()

    assert_the_shop_is_right(desk)


@pytest.mark.parametrize("cancelled", [1, 2], ids=["a unit", "a line"])
def test_a_unit_cancelled_in_the_shop_while_it_is_picked_is_not_offered_again(
    desk: Desk, cancelled: int
) -> None:
    order = desk.order((desk.skus[0], 2), (desk.skus[1], 1))
    desk.relay(2, every=5)
    assert desk.row(order).allocated_at is not None
    order.is_locked = False
    cancel_units(desk.world, order, order.lines[0], cancelled)
    intake.take_in_orders(desk.link, is_sweep=True)
    publish_new_snapshot(desk)

    desk.sync_stock()

    sku = desk.skus[0]
    assert desk.world.centra_free(sku) == desk.world.whistl_available(sku)
    assert desk.truth()["stock"]["resurrected_units"] == 0


def test_an_order_in_doubt_is_not_sold_a_second_time(desk: Desk) -> None:
    desk.fault("whistl", "create_order", FaultKind.LOSE_ANSWER_AFTER, nth=1)
    order = desk.order((desk.skus[0], 2))
    desk.relay_orders()
    desk.wait(10)
    publish_new_snapshot(desk)

    desk.sync_stock()

    assert desk.state(order) == OrderState.IN_DOUBT
    assert desk.truth()["stock"]["resurrected_units"] == 0


def test_a_second_sync_with_nothing_new_writes_nothing_to_either_system(desk: Desk) -> None:
    take_unseen(desk.world, desk.skus[0], 3)
    desk.order()
    desk.relay(rounds=8)
    publish_new_snapshot(desk)
    desk.sync_stock()
    before = desk.effects()
    mutations = desk.world.calls["centra mutation"]

    for _ in range(2):
        publish_new_snapshot(desk)
        desk.relay()
        desk.sync_stock()

    assert desk.effects() == before
    assert desk.world.calls["centra mutation"] == mutations


# ---- single SKUs of a good feed
def test_a_sku_of_which_whistl_promised_more_than_it_holds_has_an_exception_until_goods_come(
    desk: Desk,
) -> None:
    sku = desk.skus[0]
    take_unseen(desk.world, sku, desk.world.whistl_available(sku))
    set_aside(desk.world, sku, 2)
    publish_new_snapshot(desk)

    desk.sync_stock()
    problems, messages, free = desk.problems(sku), desk.messages(), desk.world.centra_free(sku)
    goods_in(desk.world, sku, 10)
    publish_new_snapshot(desk)
    desk.sync_stock()

    assert problems == ["negative_available", "oversold"]
    assert any("shows 2 more of" in message for message in messages)
    assert free == 0
    assert desk.problems(sku) == []


class CentraThatGarbles:
    """Centra, some of whose rows of stock cannot be read."""

    def __init__(self, client: CentraClient, *skus: str) -> None:
        self._client, self._skus = client, skus

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def stock_levels(
        self, unreadable: list[UnreadableStockLevel], *, takes_hours: bool = False
    ) -> Iterator[CentraStockLevel]:
        for level in self._client.stock_levels(takes_hours=takes_hours):
            if level.sku in self._skus:
                unreadable.append(
                    UnreadableStockLevel(name=level.sku, field="physicalQuantity", detail="is null")
                )
            else:
                yield level


def garbling(desk: Desk, *skus: str) -> Link:
    """Return the link with a Centra whose rows of these SKUs cannot be read."""
    garbled = cast("CentraClient", CentraThatGarbles(desk.link.centra, *skus))
    return dataclasses.replace(desk.link, centra=garbled)


def oversell_all(desk: Desk, sku: str) -> None:
    """Let Whistl promise more of a SKU than it holds."""
    take_unseen(desk.world, sku, desk.world.whistl_available(sku))
    set_aside(desk.world, sku, 2)
    publish_new_snapshot(desk)


@pytest.mark.parametrize("side", ["whistl", "centra"])
def test_an_oversold_sku_that_cannot_be_read_keeps_its_exceptions_until_it_is_read_again(
    desk: Desk, side: str
) -> None:
    refresh_reference(desk.link)
    sku, whole = desk.skus[0], desk.link
    oversell_all(desk, sku)
    desk.sync_stock()
    before = desk.problems(sku)

    if side == "whistl":
        desk.switch(snapshot_fault="no_number")
    else:
        desk.link = garbling(desk, sku)
    for _ in range(2):
        publish_new_snapshot(desk)
        desk.sync_stock()
    meanwhile = desk.problems(sku)
    desk.link = whole
    desk.switch(snapshot_fault=None)
    goods_in(desk.world, sku, 10)
    publish_new_snapshot(desk)
    desk.sync_stock()

    assert before == ["negative_available", "oversold"]
    kind = "sku_absent_from_snapshot" if side == "whistl" else "unreadable_record"
    assert meanwhile == sorted([*before, kind])
    assert desk.problems() == []
    assert_the_shop_is_right(desk)


def test_an_oversold_sku_that_neither_system_has_any_more_has_no_exception(desk: Desk) -> None:
    sku = desk.skus[0]
    oversell_all(desk, sku)
    desk.sync_stock()
    desk.world.items[sku].is_known_to_whistl = False
    desk.world.items[sku].is_active_in_centra = False
    publish_new_snapshot(desk)

    desk.sync_stock()

    assert desk.problems(sku) == ["sku_absent_from_snapshot"]


def test_many_rows_of_centras_stock_that_cannot_be_read_open_a_limited_number_of_exceptions(
    desk: Desk,
) -> None:
    whole = desk.link
    desk.link = garbling(desk, *desk.skus[:25])
    publish_new_snapshot(desk)

    desk.sync_stock()
    problems, messages = desk.problems(), desk.messages()
    desk.link = whole
    desk.sync_stock()

    assert problems == ["unreadable_record"] * 20
    assert all("25 rows cannot be read" in message for message in messages)
    assert desk.problems() == []


# ---- what Centra makes of a write
def oversell(desk: Desk, sku: str, units: int) -> CentraOrder:
    """Sell all but one of a SKU in the shop, and then lose some of it in the building."""
    order = desk.order((sku, desk.world.centra_free(sku) - 1), is_on_hold=True)
    desk.relay_orders()
    set_aside(desk.world, sku, units)
    publish_new_snapshot(desk)
    return order


@pytest.mark.parametrize("answer", ["clamp", "error"])
def test_more_sold_than_exists_is_an_exception_whatever_centra_does_until_goods_come(
    desk: Desk, answer: str
) -> None:
    desk.switch(centra_stock_below_allocated=answer)
    sku, other = desk.skus[:2]
    take_unseen(desk.world, other, 2)
    oversell(desk, sku, 4)

    desk.sync_stock()
    problems, for_sale = desk.problems(sku), desk.world.centra_free(sku)
    written = lines_written(desk)
    desk.sync_stock()
    again = lines_written(desk)
    goods_in(desk.world, sku, 20)
    publish_new_snapshot(desk)
    desk.sync_stock()

    assert problems == ["oversold", "stock_write_not_taken"]
    assert for_sale == 0
    assert again == written
    assert desk.world.centra_free(other) == desk.world.whistl_available(other)
    assert desk.problems(sku) == []
    assert_the_shop_is_right(desk)


@pytest.mark.parametrize("answer", ["take", "clamp", "error"])
def test_units_lost_of_a_sku_that_is_sold_out_are_taken_off_once_before_a_cancellation_frees_them(
    desk: Desk, answer: str
) -> None:
    desk.switch(centra_stock_below_allocated=answer)
    sku = desk.skus[0]
    order = desk.order((sku, 2), is_on_hold=True)
    desk.order((sku, desk.world.centra_free(sku)), is_on_hold=True)
    desk.relay_orders()
    set_aside(desk.world, sku, 2)
    publish_new_snapshot(desk)

    desk.sync_stock()
    first = desk.world.calls["centra setStock"]
    desk.sync_stock()
    second = desk.world.calls["centra setStock"]
    cancel_order(desk.world, order)

    assert first > 0
    assert second == first
    if answer == "take":
        assert desk.world.centra_free(sku) == 0


def test_a_clamped_quantity_is_resolved_when_the_orders_that_caused_it_are_gone(desk: Desk) -> None:
    sku = desk.skus[0]
    order = oversell(desk, sku, 4)
    desk.sync_stock()
    problems = desk.problems(sku)
    desk.wait(1)
    cancel_order(desk.world, order)
    desk.relay_orders()
    publish_new_snapshot(desk)

    desk.sync_stock()
    desk.sync_stock()

    assert "oversold" in problems
    assert desk.problems(sku) == []
    assert_the_shop_is_right(desk)


@pytest.mark.parametrize("applies_good_lines", [True, False])
def test_a_sku_that_centra_refuses_does_not_stop_its_batch(
    desk: Desk, applies_good_lines: bool
) -> None:
    desk.switch(centra_applies_good_stock_lines=applies_good_lines)
    for sku in desk.skus[:6]:
        take_unseen(desk.world, sku, 2)
    refused = desk.skus[3]
    publish_new_snapshot(desk)
    read_latest_snapshot(desk.link)
    read_centra_levels(desk.link)
    kept = desk.world.items.pop(refused)

    tally = sync.publish_stock(desk.link)
    problems = desk.problems(refused)
    desk.world.items[refused] = kept
    desk.sync_stock()

    assert (tally.written, tally.failed["refused"]) == (5, 1)
    assert tally.is_balanced
    assert problems == ["stock_write_refused"]
    assert desk.problems() == []
    assert_the_shop_is_right(desk)


def test_lines_that_centra_drops_silently_are_found_by_reading_back_and_written_again(
    desk: Desk,
) -> None:
    desk.switch(centra_several_sizes_bug=True)
    for sku in desk.skus[:3]:
        take_unseen(desk.world, sku, 2)
    publish_new_snapshot(desk)

    desk.sync_stock()
    problems = desk.problems()
    desk.sync_stock()
    desk.sync_stock()

    assert problems == ["stock_write_not_taken"] * 2
    assert desk.problems() == []
    assert_the_shop_is_right(desk)


@pytest.mark.parametrize(
    "kind",
    [
        FaultKind.LOSE_ANSWER_AFTER,
        FaultKind.ERROR_500_AFTER,
        FaultKind.ERROR_503_BEFORE,
        FaultKind.HTML_200,
        FaultKind.RATE_LIMITED,
    ],
)
def test_a_lost_answer_to_a_stock_write_is_put_right_by_the_next_sync(
    desk: Desk, kind: FaultKind
) -> None:
    take_unseen(desk.world, desk.skus[0], 3)
    publish_new_snapshot(desk)
    desk.fault("centra", "setStock", kind, nth=1)

    desk.sync_stock()
    desk.sync_stock()

    assert_the_shop_is_right(desk)


def outcomes(desk: Desk) -> list[str | None]:
    """What came of each quantity sent, oldest first."""
    query = sa.select(stock_writes.c.outcome).order_by(stock_writes.c.id)
    with desk.link.ledger.reading() as tx:
        return list(tx.execute(query).scalars())


def test_a_write_that_could_not_be_read_back_is_not_counted_as_unsent(desk: Desk) -> None:
    take_unseen(desk.world, desk.skus[0], 3)
    publish_new_snapshot(desk)
    read_latest_snapshot(desk.link)
    read_centra_levels(desk.link)
    watched = WatchedCentra(
        desk, after_write=lambda: desk.fault("centra", "StockLevels", FaultKind.HTML_200)
    )

    with pytest.raises(ContractBroken):
        sync.publish_stock(watched.beside(desk.link))

    assert lines_written(desk) == 1
    assert outcomes(desk) == ["unknown"]


# ---- writes that get no usable answer
def sync_as_a_step(desk: Desk) -> None:
    """Sync stock as Dagster's step does: its failure and its success are remembered."""
    try:
        desk.sync_stock()
    except IntegrationError as error:
        note_failure(desk.link.settings, "centra/stock_updates", error, now=desk.clock)
    else:
        note_success(desk.link.ledger, "centra/stock_updates")


@pytest.mark.parametrize("kind", [FaultKind.ERROR_500_AFTER, FaultKind.ERROR_503_BEFORE])
def test_writes_that_get_no_usable_answer_open_an_exception_that_closes_with_the_first_answer(
    desk: Desk, kind: FaultKind
) -> None:
    take_unseen(desk.world, desk.skus[0], 3)
    publish_new_snapshot(desk)
    desk.fault("centra", "setStock", kind)

    for _ in range(2):
        desk.clock.advance(60)
        sync_as_a_step(desk)
        # So that the figure is still to be written, whatever Centra did.
        desk.world.shelves[desk.skus[0]].centra_physical += 1
    problems = desk.problems()
    desk.world.faults.clear()
    sync_as_a_step(desk)

    assert problems == ["system_unreachable"]
    assert desk.problems() == []
    assert_the_shop_is_right(desk)


class CentraThatChokesOn:
    """Centra, which fails on every batch that holds one SKU."""

    def __init__(self, client: CentraClient, sku: str, error: Exception) -> None:
        self._client, self._sku, self._error = client, sku, error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def set_physical_stock(self, levels: Any, description: str) -> Any:
        if self._sku in dict(levels):
            raise self._error
        return self._client.set_physical_stock(levels, description)


def test_a_batch_that_fails_in_one_sync_after_another_is_an_error_at_the_fourth(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "SKUS_OF_A_BATCH", 1)
    good, bad = desk.skus[:2]
    lost = OutcomeUnknown(system="Centra", operation="SetStock", detail="refused (HTTP 200)")
    choking = cast("CentraClient", CentraThatChokesOn(desk.link.centra, bad, lost))
    whole = desk.link
    desk.link = dataclasses.replace(whole, centra=choking)

    def sync_with_sales() -> None:
        for sku in (good, bad):
            take_unseen(desk.world, sku, 1)
        publish_new_snapshot(desk)
        desk.sync_stock()

    for _ in range(3):
        sync_with_sales()
    with pytest.raises(OutcomeUnknown):
        sync_with_sales()
    assert outcomes(desk).count("unknown") == 4
    assert outcomes(desk).count("written") > 4
    desk.link = whole
    sync_with_sales()
    desk.link = dataclasses.replace(whole, centra=choking)
    for _ in range(3):
        sync_with_sales()


def test_a_refusal_to_read_a_batch_back_is_reported(desk: Desk) -> None:
    take_unseen(desk.world, desk.skus[0], 3)
    publish_new_snapshot(desk)
    read_latest_snapshot(desk.link)
    read_centra_levels(desk.link)
    watched = WatchedCentra(desk, after_write=lambda: take_away(desk, "Warehouse.stock:read"))

    with pytest.raises(AccessDenied):
        sync.publish_stock(watched.beside(desk.link))

    assert lines_written(desk) == 1
    assert outcomes(desk) == ["unknown"]


class WatchedCentra:
    """Centra, whose writes are counted and may be slow."""

    def __init__(
        self,
        desk: Desk,
        *,
        seconds: float = 0.0,
        after_write: Callable[[], object] = lambda: None,
    ) -> None:
        self._client, self._clock, self._seconds = desk.link.centra, desk.clock, seconds
        self._after_write = after_write
        self.writes = 0

    def beside(self, link: Link) -> Link:
        """Return the link with this Centra in place of its own."""
        return dataclasses.replace(link, centra=cast("CentraClient", self))

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._client, name)
        if name not in {"set_physical_stock", "create_shipment"}:
            return member

        def watched(*args: Any, **members: Any) -> Any:
            self.writes += 1
            self._clock.advance(self._seconds)
            answer = member(*args, **members)
            self._after_write()
            return answer

        return watched


def take_away(desk: Desk, permission: str) -> None:
    desk.world.settings.centra_tokens[desk.environment["CENTRA_TOKEN"]] = CentraToken(
        permissions=ALL_PERMISSIONS - {permission}
    )


def give_another_token(desk: Desk) -> None:
    desk.world.settings.centra_tokens["another-token"] = CentraToken()
    desk.reopen(CENTRA_TOKEN="another-token")


@pytest.mark.parametrize("beside_data", [False, True], ids=["alone", "beside null data"])
def test_a_token_that_may_not_write_stock_ends_the_sync_and_is_not_tried_on_every_batch(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, beside_data: bool
) -> None:
    desk.switch(centra_null_data_beside_errors=beside_data)
    monkeypatch.setattr(sync, "SKUS_OF_A_BATCH", 1)
    for sku in desk.skus[:3]:
        take_unseen(desk.world, sku, 2)
    publish_new_snapshot(desk)
    take_away(desk, "StockChange:write")
    watched = WatchedCentra(desk)
    desk.link = watched.beside(desk.link)

    desk.sync_stock()
    desk.sync_stock()
    asked, problems = watched.writes, desk.problems()
    give_another_token(desk)
    desk.sync_stock()

    assert asked == 1
    assert problems == ["credentials_refused"]
    assert_the_shop_is_right(desk)
    assert desk.problems() == []


def test_a_token_that_may_not_write_shipments_ends_the_round_and_is_not_tried_on_every_parcel(
    desk: Desk,
) -> None:
    placed = [desk.order((sku, 1)) for sku in desk.skus[:3]]
    desk.relay_orders()
    desk.wait(5_000)
    take_away(desk, "Shipment:write")
    watched = WatchedCentra(desk)
    desk.link = watched.beside(desk.link)

    desk.live_on(4)
    asked, problems, due = watched.writes, desk.problems(), parcels_due(desk.link).total
    messages = desk.messages()
    give_another_token(desk)
    desk.relay_despatches()

    assert asked == 1
    assert problems == ["credentials_refused"]
    assert "Shipment:write" in messages[0]
    assert due == 0
    assert desk.problems() == []
    assert [len(order.shipments) for order in placed] == [1, 1, 1]


# ---- never at the same time
def test_stock_and_shipments_are_never_written_at_the_same_time(desk: Desk) -> None:
    publish_new_snapshot(desk)
    read_latest_snapshot(desk.link)
    read_centra_levels(desk.link)
    someone = desk.link.ledger.lease(CENTRA_STOCK_LEASE, holder="another", seconds=300)

    with someone:
        with pytest.raises(LeaseTaken):
            sync.publish_stock(desk.link)
        with pytest.raises(LeaseTaken):
            completion.complete_shipments(desk.link)

    assert lines_written(desk) == 0
    sync.publish_stock(desk.link)


@pytest.mark.parametrize(("seconds", "written"), [(200, 3), (400, 1)], ids=["in time", "too slow"])
def test_stock_goes_on_being_written_only_while_no_shipment_can_be_completed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, seconds: float, written: int
) -> None:
    monkeypatch.setattr(sync, "SKUS_OF_A_BATCH", 1)
    for sku in desk.skus[:3]:
        take_unseen(desk.world, sku, 2)
    publish_new_snapshot(desk)
    read_latest_snapshot(desk.link)
    read_centra_levels(desk.link)
    slow = WatchedCentra(desk, seconds=seconds).beside(desk.link)

    with contextlib.suppress(LeaseTaken):
        sync.publish_stock(slow)

    assert lines_written(desk) == written


@pytest.mark.parametrize(("seconds", "written"), [(200, 3), (400, 1)], ids=["in time", "too slow"])
def test_shipments_go_on_being_completed_only_while_no_stock_can_be_written(
    desk: Desk, seconds: float, written: int
) -> None:
    placed = [desk.order((sku, 1)) for sku in desk.skus[:3]]
    desk.relay_orders()
    desk.wait(5_000)
    statuses.follow_order_statuses(desk.link)
    despatches.pull_despatches(desk.link)
    despatches.apply_despatches(desk.link)
    slow = WatchedCentra(desk, seconds=seconds).beside(desk.link)

    with contextlib.suppress(LeaseTaken):
        completion.complete_shipments(slow)

    assert sum(len(order.shipments) for order in placed) == written
    assert desk.counts()[OrderState.COMPLETED] == written


def test_before_anything_was_read_nothing_is_written(desk: Desk) -> None:
    with pytest.raises(NothingToReconcile, match="no usable stock snapshot"):
        sync.publish_stock(desk.link)

    assert lines_written(desk) == 0


def test_a_unit_the_picker_cannot_find_is_not_sold_again(desk: Desk) -> None:
    desk.switch(short_line_share=1.0)
    order = desk.order((desk.skus[0], 2))
    desk.relay_orders()
    desk.wait(10)
    statuses.follow_order_statuses(desk.link)
    while desk.world.whistl_orders[f"C{order.number}"].status == "ALLOCATED":
        desk.wait(1)
    publish_new_snapshot(desk)

    desk.sync_stock()

    assert desk.world.whistl_orders[f"C{order.number}"].lines[1]["cancelled"] == 1
    assert_the_shop_is_right(desk)


def test_a_refused_level_is_over_once_it_is_known_that_centra_does_not_have_the_sku(
    desk: Desk,
) -> None:
    sku = desk.skus[3]
    take_unseen(desk.world, sku, 2)
    publish_new_snapshot(desk)
    read_latest_snapshot(desk.link)
    read_centra_levels(desk.link)
    del desk.world.items[sku]
    sync.publish_stock(desk.link)
    refused = desk.problems(sku)

    read_centra_levels(desk.link)
    sync.publish_stock(desk.link)

    assert refused == ["stock_write_refused"]
    assert "stock_write_refused" not in desk.problems(sku)
