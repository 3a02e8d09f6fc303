"""A link that looks active and carries nothing, or half, is found (docs/reliability.md)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.domain.tally import Fate
from centra_whistl_dagster.domain.volume import WEEKS_READ, Judgement
from centra_whistl_dagster.ledger.tables import despatches, orders
from centra_whistl_dagster.workflows.orders import intake
from centra_whistl_dagster.workflows.orders.balance import compare_with_centra
from centra_whistl_dagster.workflows.upkeep.volumes import volume_of_despatches, volume_of_orders

if TYPE_CHECKING:
    from centra_whistl_dagster.centra.client import UnreadableOrder
    from centra_whistl_dagster.domain.orders.order import Order
    from centra_whistl_dagster.ledger.engine import Transaction
    from centra_whistl_dagster.workflows.link import Link
    from centra_whistl_dagster_tests.workflows.conftest import Desk

AN_HOUR = 3_600.0


# ---- Centra's list
def test_a_list_of_centras_that_lacks_what_its_counter_has_is_found(desk: Desk) -> None:
    placed = desk.order_some(3)
    numbers = tuple(order.number for order in placed)
    desk.switch(centra_unlisted_orders=numbers)
    desk.wait(600)
    intake.take_in_orders(desk.link)

    empty = compare_with_centra(desk.link)
    desk.switch(centra_unlisted_orders=())
    whole = compare_with_centra(desk.link)

    assert desk.counts() == {}
    assert (empty.in_centra, empty.unlisted, empty.is_even) == (0, 3, False)
    assert (whole.unlisted, whole.missing) == (0, numbers)


def test_orders_known_here_that_centras_list_leaves_out_are_found_though_each_can_be_read(
    desk: Desk,
) -> None:
    placed = desk.order_some(3)
    desk.relay_orders()
    desk.wait(600)
    desk.switch(centra_unlisted_orders=tuple(order.number for order in placed[:2]))

    seen = compare_with_centra(desk.link)

    assert (seen.missing, seen.extra) == ((), ())
    assert (seen.unlisted, seen.is_even) == (2, False)


def test_an_order_that_cannot_be_read_in_the_list_is_not_missing_from_it(desk: Desk) -> None:
    placed = desk.order_some(3)
    desk.relay_orders()
    desk.wait(600)
    placed[0].updated_at = datetime(2300, 1, 1, tzinfo=UTC)

    seen = compare_with_centra(desk.link)

    assert (seen.in_centra, seen.unlisted) == (2, 0)


def test_an_order_that_ends_between_the_list_and_the_counter_is_no_difference(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.order_some(3)
    desk.relay_orders()
    desk.wait(600)
    counts = iter([4, 3])
    monkeypatch.setattr(desk.link.centra, "count_open_orders", lambda _before: next(counts))

    assert compare_with_centra(desk.link).is_even


def test_half_of_the_orders_dropped_on_the_way_are_named(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed = desk.order_some(8)
    dropped = {order.number for order in placed[::2]}
    take_in = intake.take_in

    def drops_half(tx: Transaction, link: Link, record: Order | UnreadableOrder) -> Fate:
        return Fate.UNCHANGED if record.number in dropped else take_in(tx, link, record)

    monkeypatch.setattr(intake, "take_in", drops_half)
    intake.take_in_orders(desk.link)
    desk.wait(600)

    seen = compare_with_centra(desk.link)

    assert set(seen.missing) == dropped
    assert not seen.is_even


# ---- Whistl
def test_an_order_that_whistl_answered_and_did_not_store_is_reported_within_the_hour(
    desk: Desk,
) -> None:
    order = desk.order()
    desk.relay_orders()
    assert desk.state(order) == OrderState.SUBMITTED
    desk.world.whistl_orders.pop(desk.world.whistl_number(order))

    desk.wait(AN_HOUR)
    desk.relay_despatches()

    assert desk.problems(str(order.number)) == ["unknown_whistl_status"]
    assert "Ask Whistl whether it will be sent" in desk.messages()[0]


# ---- our clock
@pytest.mark.parametrize("ahead", [0.0, 300.0, 86_400.0, -7_200.0])
def test_how_far_our_clock_is_from_centras_is_known(desk: Desk, ahead: float) -> None:
    desk.switch(centra_clock_behind_seconds=ahead)

    shown = desk.link.centra.clock_ahead()

    assert shown is not None
    assert abs(shown.total_seconds() - ahead) < 2


# ---- fewer than usual
def has_traded(desk: Desk, *, until_hours_ago: float, kept: float = 1.0) -> None:
    """Fill the ledger with the arrivals of ten weeks: ten orders and despatches an hour.

    `kept` is the share of each hour's arrivals that came in the last four days, in which each
    despatch was corrected.
    """
    now = desk.clock()
    moments = []
    for hour in range(1, (WEEKS_READ + 1) * 168):
        share = kept if hour < 96 else 1.0
        at = now - timedelta(hours=hour)
        moments += [at + timedelta(minutes=6 * n) for n in range(round(10 * share))]
    seen = [at for at in moments if now - at >= timedelta(hours=until_hours_ago)]
    with desk.link.ledger.transaction() as tx:
        tx.connection.execute(
            sa.insert(orders),
            [
                {
                    "centra_id": f"id-{n}",
                    "number": n,
                    "whistl_number": f"C{n}",
                    "state": OrderState.COMPLETED,
                    "state_since": at,
                    "centra_status": "SHIPPED",
                    "ordered_at": at,
                    "centra_updated_at": at,
                    "first_seen_at": at,
                    "content_hash": "",
                    "shipping_option": "",
                    "country": "GB",
                    "postcode_area": "",
                    "currency": "GBP",
                    "grand_total": 1,
                }
                for n, at in enumerate(seen)
            ],
        )
        tx.connection.execute(
            sa.insert(despatches),
            [
                {
                    "despatch_id": f"D{n}",
                    "version": version,
                    "sequence": 2 * n + version,
                    "root_id": f"D{n}",
                    "whistl_number": f"C{n}",
                    "despatched_at": at,
                    "is_order_complete": True,
                    "received_at": at + timedelta(seconds=version),
                    "state": "applied",
                    "body": "",
                }
                for n, at in enumerate(seen)
                for version in ((1, 2) if now - at < timedelta(days=4) else (1,))
            ],
        )


def volumes(desk: Desk) -> list[Judgement]:
    return [volume_of_orders(desk.link), volume_of_despatches(desk.link)]


def test_a_ledger_that_has_seen_nothing_yet_is_not_judged(desk: Desk) -> None:
    assert [(seen.is_judged, seen.is_usual) for seen in volumes(desk)] == [(False, True)] * 2


def test_usual_trade_is_judged_and_alarms_nobody(desk: Desk) -> None:
    has_traded(desk, until_hours_ago=0)

    assert [(seen.is_judged, seen.is_usual) for seen in volumes(desk)] == [(True, True)] * 2


def test_orders_and_despatches_that_stop_are_missed(desk: Desk) -> None:
    """Whatever the reason: an empty list and an empty count, a token of another store, no shop."""
    has_traded(desk, until_hours_ago=2)

    for seen in volumes(desk):
        assert seen.is_silent
        assert seen.expected_in_silence == pytest.approx(20, abs=2)


def test_half_of_the_arrivals_lost_is_missed(desk: Desk) -> None:
    has_traded(desk, until_hours_ago=0, kept=0.5)

    for seen in volumes(desk):
        assert (seen.is_silent, seen.is_reduced) == (False, True)
        # A correction of a despatch is no arrival, or loss would hide behind it.
        assert seen.arrived_in_loss == pytest.approx(seen.expected_in_loss / 2, rel=0.1)
