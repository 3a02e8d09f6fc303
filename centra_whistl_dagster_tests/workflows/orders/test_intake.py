"""What is confirmed in Centra comes in, whatever its dates, gaps and neighbours."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from centra_whistl_dagster.centra.client import CentraClient, UnreadableOrder
from centra_whistl_dagster.domain.orders.order import Order
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.domain.tally import Fate
from centra_whistl_dagster.ledger import state
from centra_whistl_dagster.simulator.centra.rules import cancel_order, touch
from centra_whistl_dagster.simulator.people.shoppers import ADA
from centra_whistl_dagster.simulator.wire.fault_rules import FaultKind
from centra_whistl_dagster.simulator.world.world import CentraOrder
from centra_whistl_dagster.transport import AccessDenied, IntegrationError, NotSent
from centra_whistl_dagster.workflows.orders import balance, intake
from centra_whistl_dagster.workflows.orders.readings import apply_reading

if TYPE_CHECKING:
    from centra_whistl_dagster_tests.workflows.conftest import Desk

RECEIVED, WAITING = OrderState.RECEIVED, OrderState.WAITING


def watermark(desk: Desk) -> str | None:
    with desk.link.ledger.reading() as tx:
        return state.read(tx, state.CENTRA_ORDERS)


def hide_for_now(desk: Desk, order: CentraOrder) -> CentraOrder:
    """Let no list of Centra's show an order, as a write that is not visible yet."""
    desk.switch(centra_hidden_orders=(order.number,))
    return order


def show_everything(desk: Desk) -> None:
    desk.switch(centra_hidden_orders=())


# ---- reading by date
def test_a_second_reading_changes_nothing_and_counts_everything(desk: Desk) -> None:
    desk.order()
    desk.order(is_on_hold=True)
    first = intake.take_in_orders(desk.link)
    desk.wait(1)

    second = intake.take_in_orders(desk.link)

    assert (first.read, first.written) == (2, 2)
    assert (second.read, second.written, second.unchanged) == (2, 0, 2)
    assert first.is_balanced
    assert second.is_balanced
    assert intake.look_for_news(desk.link).orders == 0


def test_orders_with_one_time_stamp_are_all_taken_in_across_page_borders(desk: Desk) -> None:
    placed = [desk.order((desk.skus[n % 40], 1)) for n in range(230)]

    tally = intake.take_in_orders(desk.link)

    assert (tally.read, tally.written) == (230, 230)
    assert desk.counts() == {RECEIVED: 230}
    assert len({order.updated_at for order in placed}) == 1


def test_an_order_that_becomes_visible_after_a_younger_one_is_found_by_the_overlap(
    desk: Desk,
) -> None:
    late = hide_for_now(desk, desk.order())
    desk.wait(90)
    young = desk.order()
    intake.take_in_orders(desk.link)
    before = desk.counts()
    show_everything(desk)

    intake.take_in_orders(desk.link)

    assert before == {RECEIVED: 1}
    assert (desk.state(young), desk.state(late)) == (RECEIVED, RECEIVED)


def test_an_order_that_becomes_visible_long_after_is_found_by_the_sweep(desk: Desk) -> None:
    late = hide_for_now(desk, desk.order())
    desk.wait(600)
    desk.order()
    intake.take_in_orders(desk.link)
    show_everything(desk)

    intake.take_in_orders(desk.link)
    by_date = desk.counts()
    intake.take_in_orders(desk.link, is_sweep=True)

    assert by_date == {RECEIVED: 1}
    assert desk.state(late) == RECEIVED


def test_the_watermark_is_centras_own_time_and_never_goes_back(desk: Desk) -> None:
    desk.order()
    intake.take_in_orders(desk.link)
    first = watermark(desk)
    desk.wait(5000)

    intake.take_in_orders(desk.link)
    intake.take_in_orders(desk.link, is_sweep=True)

    assert first is not None
    assert watermark(desk) == first


def test_one_date_in_the_future_does_not_hide_what_changes_until_then(desk: Desk) -> None:
    odd = desk.order()
    odd.updated_at = desk.clock() + timedelta(days=1)

    intake.take_in_orders(desk.link)

    assert datetime.fromisoformat(watermark(desk) or "") == desk.clock()


def test_a_reading_older_than_what_is_known_changes_nothing(desk: Desk) -> None:
    order = desk.order()
    (early,) = desk.link.centra.orders([order.order_id])
    desk.wait(60)
    order.is_on_hold = True
    touch(desk.world, order)
    intake.take_in_orders(desk.link)
    known = desk.row(order)

    with desk.link.ledger.transaction() as tx:
        outcome = apply_reading(tx, desk.link, early)

    assert outcome == Fate.UNCHANGED
    assert desk.row(order) == known
    assert known.state == WAITING


# ---- odd records
def test_an_order_of_which_everything_is_null_is_blocked_with_reasons_and_stops_nothing(
    desk: Desk,
) -> None:
    empty = desk.order()
    empty.address = dict.fromkeys(ADA)
    empty.customer = None
    empty.shipping_option = None
    empty.lines[0].has_product_size = False
    healthy = desk.order()

    desk.relay_orders()

    assert desk.state(empty) == OrderState.BLOCKED
    assert {"sku_missing", "shipping_option_missing"} <= set(desk.problems())
    assert desk.at_whistl(healthy) == 1


@pytest.mark.parametrize("field", ["shippingAddress", "shippingPriceGroup", "grandTotal", "lines"])
def test_an_order_of_which_a_field_always_fails_is_named_until_it_can_be_read_and_the_others_go(
    desk: Desk, field: str
) -> None:
    broken, *healthy = desk.order_some(5)
    desk.switch(centra_failing_fields={broken.number: field})
    desk.relay_orders()
    while_broken = (desk.problems(), [desk.at_whistl(order) for order in (broken, *healthy)])
    messages = desk.messages()
    news_while_broken = intake.look_for_news(desk.link).orders
    desk.wait(150)
    news_later = intake.look_for_news(desk.link).orders
    desk.switch(centra_failing_fields={})

    desk.relay_orders()

    assert while_broken == (["unreadable_record"], [0, 1, 1, 1, 1])
    assert str(broken.number) in messages[0]
    assert field in messages[0]
    assert (news_while_broken, news_later) == (0, 1)
    assert desk.at_whistl(broken) == 1
    assert desk.problems() == []


def test_an_order_that_cannot_be_read_any_more_is_named_though_whistl_shows_it_well(
    desk: Desk,
) -> None:
    order = desk.order()
    desk.make_ready(order)
    desk.wait(1)
    touch(desk.world, order)
    desk.switch(centra_failing_fields={order.number: "shippingAddress"})

    intake.take_in_orders(desk.link)
    desk.relay_despatches()

    assert desk.problems(str(order.number)) == ["unreadable_record"]


def test_a_missing_permission_still_refuses_the_whole_answer(desk: Desk) -> None:
    desk.order()
    token = desk.world.settings.centra_tokens[desk.environment["CENTRA_TOKEN"]]
    desk.world.settings.centra_tokens["limited"] = dataclasses.replace(
        token, permissions=token.permissions - {"Order.shippingAddress:read"}
    )
    desk.reopen(CENTRA_TOKEN="limited")

    with pytest.raises(AccessDenied, match="missing_permission"):
        intake.take_in_orders(desk.link)

    assert desk.counts() == {}


# ---- lists that change while they are read
class CentraThatChangesBetweenPages:
    """Centra, in which something happens after the first page of orders was read."""

    def __init__(self, client: CentraClient, happens: Callable[[], None]) -> None:
        self._client, self._happens = client, happens

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def orders_changed_since(self, since: datetime | None) -> Iterator[Order | UnreadableOrder]:
        for place, order in enumerate(self._client.orders_changed_since(since), start=1):
            if place == 100:
                self._happens()
            yield order


def test_orders_that_leave_the_list_while_it_is_read_hide_none_of_the_others(desk: Desk) -> None:
    placed = []
    for n in range(130):
        placed.append(desk.order((desk.skus[n % 40], 1)))
        desk.wait(3)

    def lock_some() -> None:
        for order in placed[:20]:
            order.is_locked = True

    whole = desk.link
    changing = CentraThatChangesBetweenPages(whole.centra, lock_some)
    tally = intake.take_in_orders(dataclasses.replace(whole, centra=cast("Any", changing)))

    assert tally.read == 130
    assert desk.counts() == {RECEIVED: 130}


def test_the_watermark_moves_only_once_everything_it_covers_is_kept(desk: Desk) -> None:
    for n in range(130):
        desk.order((desk.skus[n % 40], 1))
        desk.wait(3)
    with pytest.raises(InterruptedError):
        intake.take_in_orders(desk.link_that_crashes(after=1))
    after_the_crash = (desk.counts(), watermark(desk))

    desk.wait(1000)
    intake.take_in_orders(desk.link)

    assert after_the_crash == ({RECEIVED: 100}, None)
    assert desk.counts() == {RECEIVED: 130}


# ---- Centra is not there, or does not know us
def test_a_wrong_token_is_told_with_what_to_do_and_nothing_is_lost(desk: Desk) -> None:
    first = desk.order()
    intake.take_in_orders(desk.link)
    before = watermark(desk)
    desk.wait(60)
    second = desk.order()
    good = desk.environment["CENTRA_TOKEN"]
    desk.reopen(CENTRA_TOKEN="expired")

    with pytest.raises(AccessDenied, match=r"API Tokens"):
        intake.take_in_orders(desk.link)
    with pytest.raises(AccessDenied):
        intake.look_for_news(desk.link)
    stayed = watermark(desk)
    desk.reopen(CENTRA_TOKEN=good)
    desk.relay_orders()

    assert stayed == before
    assert [desk.at_whistl(order) for order in (first, second)] == [1, 1]


def test_an_unreachable_centra_is_told_plainly_and_nothing_is_lost(desk: Desk) -> None:
    order = desk.order()
    good = desk.environment["CENTRA_BASE_URL"]
    desk.reopen(CENTRA_BASE_URL="http://127.0.0.1:9/centra")  # the discard port: nobody listens

    with pytest.raises(NotSent, match="no connection could be made"):
        intake.take_in_orders(desk.link)
    desk.reopen(CENTRA_BASE_URL=good)
    desk.relay_orders()

    assert desk.at_whistl(order) == 1


def test_a_reading_that_breaks_off_on_its_second_page_leaves_the_ledger_as_it_was(
    desk: Desk,
) -> None:
    for n in range(130):
        desk.order((desk.skus[n % 40], 1))
    desk.fault("centra", "WholeOrders", FaultKind.HTML_200, nth=2)
    desk.fault("centra", "WholeOrders", FaultKind.HTML_200, nth=3)

    with pytest.raises(IntegrationError):
        intake.take_in_orders(desk.link)
    after_the_failure = (desk.counts(), watermark(desk))
    desk.world.faults.clear()
    intake.take_in_orders(desk.link)

    assert after_the_failure == ({}, None)
    assert desk.counts() == {RECEIVED: 130}


# ---- silent failure
def test_the_count_of_open_orders_agrees_with_centras_and_shows_what_is_missing(desk: Desk) -> None:
    placed = [desk.order() for _ in range(5)]
    desk.relay_orders()
    cancel_order(desk.world, placed[0])
    desk.wait(1)
    desk.relay_orders()
    desk.wait(300)
    even = balance.compare_with_centra(desk.link)
    for _ in range(3):
        desk.order(is_locked=True)  # locked by somebody: confirmed, and never handed to us
    desk.wait(150)
    odd = balance.compare_with_centra(desk.link)

    assert even.is_even
    assert (even.in_centra, even.in_ledger) == (4, 4)
    assert not odd.is_even
    assert (odd.in_centra, odd.in_ledger) == (7, 4)
    assert len(odd.missing) == 3


def test_an_order_that_stays_blocked_does_not_hide_that_another_is_missing(desk: Desk) -> None:
    blocked = desk.order(address={**ADA, "zipCode": "YO1 7H"})
    desk.relay_orders()
    missing = desk.order(is_locked=True)
    for _ in range(5):
        desk.wait(60)
        touch(desk.world, blocked)
        desk.relay_orders()

    seen = balance.compare_with_centra(desk.link)

    assert (seen.in_centra, seen.in_ledger) == (2, 1)
    assert seen.missing == (missing.number,)
    assert seen.extra == ()
    assert timedelta(0) < desk.clock() - desk.row(blocked).state_since
