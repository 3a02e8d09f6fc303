"""A parcel is told to Centra once, whatever becomes of the answer and whoever told it before."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import pytest

from centra_whistl_dagster.domain.orders.despatches import Despatch, Parcel
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.simulator.centra.rules import add_shipment, in_no_shipment, ship
from centra_whistl_dagster.simulator.wire.fault_rules import FaultKind
from centra_whistl_dagster.simulator.world.world import CentraOrder
from centra_whistl_dagster.workflows.shipments import completion, despatches

if TYPE_CHECKING:
    from centra_whistl_dagster_tests.workflows.conftest import Desk

COMPLETED = OrderState.COMPLETED


# ---- the answer of Centra is lost
@pytest.mark.parametrize(
    "kind",
    [
        FaultKind.LOSE_ANSWER_AFTER,
        FaultKind.ERROR_500_AFTER,
        FaultKind.EMPTY_200,
        FaultKind.TRUNCATE,
        FaultKind.ERROR_503_BEFORE,
        FaultKind.RATE_LIMITED,
        FaultKind.HTML_200,
    ],
)
def test_a_lost_answer_of_centra_makes_neither_two_shipments_nor_none(
    desk: Desk, kind: FaultKind
) -> None:
    placed = desk.order_some(3)
    desk.leave_the_building(placed)
    desk.fault("centra", "createShipment", kind, nth=2)

    desk.live_on(3)

    desk.assert_every_parcel_is_right()
    assert [len(order.shipments) for order in placed] == [1, 1, 1]
    assert desk.effects()["centra mails sent"] == 3
    assert desk.counts() == {COMPLETED: 3}


class Died(Exception):
    """The process ended here."""


class CentraThatOutlivesUs:
    """Centra, whose caller dies around a call."""

    def __init__(self, client: Any, *, is_done: bool) -> None:
        self._client, self._is_done = client, is_done

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def create_shipment(self, draft: Any) -> Any:
        if self._is_done:
            self._client.create_shipment(draft)
        raise Died


@pytest.mark.parametrize("is_done", [False, True], ids=["before the call", "after the call"])
def test_a_process_that_dies_at_the_call_makes_neither_two_shipments_nor_none(
    desk: Desk, is_done: bool
) -> None:
    order = desk.order()
    desk.leave_the_building([order])
    living = desk.link
    dying = dataclasses.replace(
        living, centra=cast("Any", CentraThatOutlivesUs(living.centra, is_done=is_done))
    )
    despatches.pull_despatches(dying)
    despatches.apply_despatches(dying)
    with pytest.raises(Died):
        completion.complete_shipments(dying)

    completion.complete_shipments(living)
    at_once = len(order.shipments)
    desk.wait(100)
    desk.live_on(2)

    assert at_once == int(is_done)
    assert len(order.shipments) == 1
    assert desk.effects()["centra mails sent"] == 1
    desk.assert_every_parcel_is_right()
    assert desk.state(order) == COMPLETED


# ---- Centra has, or had, a shipment already
@pytest.mark.parametrize("settings", [{"centra_direct_to_shipment": True}], indirect=True)
@pytest.mark.parametrize("several", [0.0, 1.0], ids=["one parcel", "several parcels"])
def test_the_shipment_that_the_store_makes_by_itself_is_completed_and_no_other_made(
    desk: Desk, several: float
) -> None:
    desk.world.settings.several_parcels_share = several
    placed = desk.order_some()

    desk.relay(rounds=8)
    desk.live_on(3)

    assert [order.status for order in placed] == ["SHIPPED"] * len(placed)
    assert [len(order.shipments) for order in placed] == [1] * len(placed)
    desk.assert_every_parcel_is_right()
    assert desk.counts() == {COMPLETED: len(placed)}
    assert desk.problems() == []
    notes = [order.shipments[0].additional_message or "" for order in placed]
    assert all(note.startswith("Further parcels: ") == bool(several) for note in notes)


@pytest.mark.parametrize("settings", [{"centra_direct_to_shipment": True}], indirect=True)
def test_a_lost_answer_about_a_shipment_for_several_parcels_is_settled_for_all_of_them(
    desk: Desk,
) -> None:
    desk.world.settings.several_parcels_share = 1.0
    placed = desk.order_some(4)
    desk.leave_the_building(placed)
    desk.fault("centra", "completeShipment", FaultKind.LOSE_ANSWER_AFTER)

    desk.live_on(3)

    assert desk.counts() == {COMPLETED: 4}
    assert desk.effects()["centra mails sent"] == 4
    desk.assert_every_parcel_is_right()


@pytest.mark.parametrize("settings", [{"centra_direct_to_shipment": True}], indirect=True)
def test_a_lost_answer_for_several_parcels_is_looked_up_before_any_of_them_is_sent_again(
    desk: Desk,
) -> None:
    desk.world.settings.several_parcels_share = 1.0
    order = desk.order((desk.skus[0], 2), (desk.skus[1], 1))
    desk.leave_the_building([order])
    desk.fault("centra", "completeShipment", FaultKind.LOSE_ANSWER_AFTER, nth=1)

    desk.relay_despatches()
    asked = desk.world.calls["centra completeShipment"]
    desk.live_on(3)

    assert asked == 1
    assert desk.world.calls["centra completeShipment"] == 1
    assert desk.problems() == []
    assert desk.counts() == {COMPLETED: 1}


def test_a_shipment_made_by_hand_for_the_same_parcel_is_taken_for_it(desk: Desk) -> None:
    order = desk.order()
    desk.leave_the_building([order])
    label = desk.world.despatches[0]["parcels"][0]
    made = add_shipment(desk.world, order, in_no_shipment(order), is_good_to_go=True, is_paid=True)
    made.info = {
        "carrier": label["carrier_name"],
        "trackingNumber": label["courier_tracking_number"],
    }
    ship(desk.world, order, made, desk.clock(), send_email=True)

    desk.live_on(2)

    assert desk.state(order) == COMPLETED
    assert order.shipments == [made]
    assert desk.effects()["centra mails sent"] == 1


def test_a_shipment_made_by_hand_for_one_of_two_parcels_of_one_label_stands_for_that_one_alone(
    desk: Desk, accepted: CentraOrder, say: Callable[..., Despatch], box: Callable[..., Parcel]
) -> None:
    first, second = desk.skus[:2]
    say(
        accepted,
        box(1, (1, first, 2), label="SM-ONE"),
        box(2, (2, second, 1), label="SM-ONE"),
    )
    lines = {accepted.lines[1].line_id: 1}
    made = add_shipment(desk.world, accepted, lines, is_good_to_go=True, is_paid=True)
    made.info = {"carrier": "DPD", "trackingNumber": "SM-ONE"}
    ship(desk.world, accepted, made, desk.clock(), send_email=True)

    desk.relay_despatches()

    assert desk.units_in_centra(accepted) == {1: 2, 2: 1}
    assert len(accepted.shipments) == 2
    assert desk.state(accepted) == COMPLETED
    assert desk.problems() == []


def test_a_shipment_made_by_hand_for_something_else_is_told_and_not_doubled(desk: Desk) -> None:
    order = desk.order()
    desk.leave_the_building([order])
    made = add_shipment(desk.world, order, in_no_shipment(order), is_good_to_go=True, is_paid=True)
    made.info = {"carrier": "A van", "trackingNumber": "by hand"}
    ship(desk.world, order, made, desk.clock(), send_email=True)

    desk.live_on(2)

    assert order.shipments == [made]
    assert desk.problems() == ["already_shipped"]
    assert made.number in desk.messages()[0]
    assert desk.world.calls["centra createShipment"] == 0
    assert desk.state(order) == COMPLETED


def test_a_parcel_that_centra_refuses_goes_by_itself_once_the_cause_is_gone(desk: Desk) -> None:
    order, other = desk.order(), desk.order()
    desk.leave_the_building([order, other])
    order.is_on_hold = True

    desk.live_on(4)
    refused = (list(order.shipments), desk.problems(), desk.state(other))
    mutations = desk.world.calls["centra createShipment"]
    order.is_on_hold = False
    desk.wait(2_000)
    desk.live_on(2)

    assert refused == ([], ["shipment_refused"], COMPLETED)
    assert mutations == 5
    assert desk.state(order) == COMPLETED
    assert desk.problems() == []
