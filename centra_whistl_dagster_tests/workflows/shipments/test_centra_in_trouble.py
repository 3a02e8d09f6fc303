"""What Centra refuses, warns of or hides ends in a completed parcel or in somebody's exception."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import pytest

from centra_whistl_dagster.centra.client import CentraClient
from centra_whistl_dagster.domain.effects import OWNER_HEARS_AFTER
from centra_whistl_dagster.domain.orders.despatches import Despatch, Parcel
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.domain.orders.whistl_catalogue import ServiceCode
from centra_whistl_dagster.ledger import catalogues, exception_news, standings
from centra_whistl_dagster.ledger import despatches as inbox
from centra_whistl_dagster.ledger.rows import ParcelRow
from centra_whistl_dagster.ledger.states import ParcelState
from centra_whistl_dagster.simulator.centra.permissions import ALL_PERMISSIONS
from centra_whistl_dagster.simulator.centra.rules import (
    add_shipment,
    cancel_order,
    cancel_units,
    in_no_shipment,
    ship,
)
from centra_whistl_dagster.simulator.wire.fault_rules import FaultKind
from centra_whistl_dagster.simulator.world.settings import CentraToken
from centra_whistl_dagster.simulator.world.world import CentraOrder
from centra_whistl_dagster.workflows.access import (
    CallGroup,
    allow_again,
    end_refusals_of_former_tokens,
)
from centra_whistl_dagster.workflows.due import orders_due, parcels_due
from centra_whistl_dagster.workflows.exceptions.closing import CannotClose, close_by_hand
from centra_whistl_dagster.workflows.reference import refresh
from centra_whistl_dagster.workflows.shipments import completion, despatches

if TYPE_CHECKING:
    from centra_whistl_dagster_tests.workflows.conftest import Desk

Say: TypeAlias = Callable[..., Despatch]
Pack: TypeAlias = Callable[..., Parcel]
Leave: TypeAlias = Callable[..., None]

COMPLETED = OrderState.COMPLETED


@pytest.fixture
def leave(desk: Desk, say: Say, box: Pack) -> Any:
    """Let all units of an order leave in one untracked or tracked box each."""

    def left(order: CentraOrder, *labels: str) -> None:
        boxes = [
            box(number, (number, line.sku, line.quantity), label=label)
            for number, (line, label) in enumerate(zip(order.lines, labels, strict=True), start=1)
        ]
        say(order, *boxes)
        despatches.apply_despatches(desk.link)

    return left


def parcels(desk: Desk, order: CentraOrder) -> list[ParcelRow]:
    with desk.link.ledger.reading() as tx:
        return inbox.parcels_of_order(tx, order.order_id)


def untracked_service(desk: Desk) -> ServiceCode:
    """Have Whistl offer a service without tracking numbers."""
    refresh.refresh_reference(desk.link)
    with desk.link.ledger.transaction() as tx:
        services = list(catalogues.services(tx).values())
        untracked = dataclasses.replace(services[0], is_tracked=False)
        catalogues.replace_services(tx, [untracked, *services[1:]])
    return untracked.code


def rounds(desk: Desk, *seconds: float) -> None:
    """Complete what is due now and after each of these waits."""
    completion.complete_shipments(desk.link)
    for wait in seconds:
        desk.wait(wait)
        completion.complete_shipments(desk.link)


class WatchedCentra:
    """Centra, and how often each of the client's methods was called."""

    def __init__(self, client: CentraClient) -> None:
        self._client = client
        self.calls = Counter[str]()

    def __getattr__(self, name: str) -> Any:
        self.calls[name] += 1
        return getattr(self._client, name)


def watch(desk: Desk) -> WatchedCentra:
    centra = WatchedCentra(desk.link.centra)
    desk.link = dataclasses.replace(desk.link, centra=cast("Any", centra))
    return centra


# ---- money
@pytest.mark.parametrize("unpaid", ["refuse", "allow"], ids=["centra refuses", "centra allows"])
def test_a_parcel_whose_payment_is_refused_is_neither_completed_nor_mailed(
    desk: Desk, accepted: CentraOrder, leave: Leave, unpaid: str
) -> None:
    desk.reopen(CENTRA_CAPTURES_PAYMENT="yes")
    desk.switch(centra_capture_succeeds=False, centra_complete_unreleased=unpaid)
    leave(accepted, "T1", "T2")

    rounds(desk, 30, 120, 600, 3600, 3600)
    refused = (
        desk.problems(),
        desk.effects()["centra mails sent"],
        [one.shipped_at for one in accepted.shipments],
    )
    asked = desk.world.calls["centra captureShipment"]
    for shipment in accepted.shipments:
        shipment.is_paid = True
    rounds(desk, 3600, 3600)

    assert refused == (["payment_not_captured"] * 2, 0, [None, None])
    assert asked == 2 * (OWNER_HEARS_AFTER - 1)
    assert [one.shipped_at is not None for one in accepted.shipments] == [True, True]
    assert desk.effects()["centra mails sent"] == 2
    assert desk.problems() == []
    assert desk.state(accepted) == COMPLETED


def test_a_payment_refusal_that_passes_is_tried_again_without_a_second_shipment(
    desk: Desk, accepted: CentraOrder, leave: Leave
) -> None:
    desk.reopen(CENTRA_CAPTURES_PAYMENT="yes")
    desk.switch(centra_capture_succeeds=False)
    leave(accepted, "T1", "T2")
    completion.complete_shipments(desk.link)
    desk.switch(centra_capture_succeeds=True)

    rounds(desk, 10)

    assert [one.is_captured for one in accepted.shipments] == [True, True]
    assert desk.state(accepted) == COMPLETED
    assert desk.problems() == []


def test_attempts_that_failed_for_another_reason_leave_a_payment_all_its_captures(
    desk: Desk, accepted: CentraOrder, say: Say, box: Pack
) -> None:
    desk.reopen(CENTRA_CAPTURES_PAYMENT="yes")
    first, second = accepted.lines
    say(accepted, box(1, (1, first.sku, 2), (2, second.sku, 1)))
    despatches.apply_despatches(desk.link)
    accepted.is_on_hold = True
    rounds(desk, 30, 120, 600, 3600)
    (parcel,) = parcels(desk, accepted)
    refused = desk.problems()
    accepted.is_on_hold = False
    desk.switch(centra_capture_succeeds=False)
    rounds(desk, 3600)
    desk.switch(centra_capture_succeeds=True)

    rounds(desk, 3600)

    assert parcel.attempts > OWNER_HEARS_AFTER
    assert refused == ["shipment_refused"]
    assert desk.world.calls["centra captureShipment"] == 1
    assert [one.is_captured for one in accepted.shipments] == [True]
    assert desk.state(accepted) == COMPLETED
    assert desk.problems() == []


def test_an_unpaid_shipment_that_somebody_completed_stays_with_finance_until_they_close_it(
    desk: Desk, accepted: CentraOrder, leave: Leave
) -> None:
    desk.reopen(CENTRA_CAPTURES_PAYMENT="yes")
    desk.switch(centra_capture_succeeds=False, centra_complete_unreleased="allow")
    leave(accepted, "T1", "T2")
    rounds(desk, 30)
    for shipment, label in zip(accepted.shipments, ("T1", "T2"), strict=True):
        shipment.info = {"carrier": "DPD", "trackingNumber": label}
        ship(desk.world, accepted, shipment, desk.clock(), send_email=True)

    rounds(desk, 3600, 3600)

    assert desk.problems() == ["shipped_unpaid"] * 2
    assert desk.state(accepted) == COMPLETED


def test_a_captured_parcel_is_completed_and_mailed_at_once(
    desk: Desk, accepted: CentraOrder, leave: Leave
) -> None:
    desk.reopen(CENTRA_CAPTURES_PAYMENT="yes")
    leave(accepted, "T1", "T2")

    completion.complete_shipments(desk.link)

    assert desk.state(accepted) == COMPLETED
    assert desk.effects()["centra mails sent"] == 2


def test_a_warning_reaches_finance_without_centras_sentence(
    desk: Desk, accepted: CentraOrder, leave: Leave
) -> None:
    desk.switch(centra_shipment_warning="Ada Lovelace of 12 High Street still owes 3.95")
    leave(accepted, "T1", "T2")

    completion.complete_shipments(desk.link)

    assert desk.problems() == ["shipment_warning"] * 2
    assert not any("Ada" in message or "High" in message for message in desk.messages())
    assert desk.state(accepted) == COMPLETED


def test_mails_stay_switched_off_when_they_are(
    desk: Desk, accepted: CentraOrder, leave: Leave
) -> None:
    desk.reopen(SEND_SHIPPING_EMAIL="no")
    leave(accepted, "T1", "T2")

    completion.complete_shipments(desk.link)

    assert desk.state(accepted) == COMPLETED
    assert desk.effects()["centra mails sent"] == 0


def test_an_answer_whose_shipment_is_not_shipped_is_not_a_completion(
    desk: Desk, accepted: CentraOrder, leave: Leave
) -> None:
    desk.switch(centra_ships_on_create=False)
    leave(accepted, "T1", "T2")

    completion.complete_shipments(desk.link)

    assert [one.shipped_at is not None for one in accepted.shipments] == [True, True]
    assert len(accepted.shipments) == 2
    assert desk.effects()["centra mails sent"] == 2


# ---- lost answers and clocks
@pytest.mark.parametrize("ahead", [-30.0, 5.0])
def test_an_untracked_parcel_whose_answer_was_lost_is_shipped_once_whatever_whistls_clock_shows(
    desk: Desk, say: Say, box: Pack, ahead: float
) -> None:
    order = desk.order((desk.skus[0], 2))
    desk.world.settings.speed = 1e-6
    desk.relay_orders()
    code = untracked_service(desk)
    untracked = dataclasses.replace(
        box(1, (1, desk.skus[0], 1)),
        courier_tracking_number="",
        carrier_code=code.carrier_code,
        delivery_method=code.delivery_method,
    )
    left_at = desk.clock() + timedelta(seconds=ahead)
    say(order, untracked, is_order_complete=False, despatched_at=left_at)
    despatches.apply_despatches(desk.link)
    desk.fault("centra", "createShipment", FaultKind.LOSE_ANSWER_AFTER, nth=1)

    rounds(desk, 20, 60, 600)

    assert len(order.shipments) == 1
    assert desk.effects()["centra mails sent"] == 1
    assert [parcel.state for parcel in parcels(desk, order)] == [ParcelState.COMPLETED]


def test_a_clock_of_centra_that_is_behind_refuses_no_parcel(
    desk: Desk, accepted: CentraOrder, say: Say, box: Pack
) -> None:
    desk.switch(centra_clock_behind_seconds=10.0)
    first, second = accepted.lines
    whole = box(1, (1, first.sku, 2), (2, second.sku, 1))
    say(accepted, whole, despatched_at=desk.clock() + timedelta(seconds=5))
    despatches.apply_despatches(desk.link)

    completion.complete_shipments(desk.link)

    assert desk.world.calls["centra createShipment"] == 1
    assert desk.state(accepted) == COMPLETED


def test_two_equal_parcels_make_two_shipments_although_the_first_answer_was_lost(
    desk: Desk, say: Say, box: Pack
) -> None:
    desk.world.settings.speed = 1e-6
    order = desk.order((desk.skus[0], 2))
    desk.relay_orders()
    sku = desk.skus[0]
    say(order, box(1, (1, sku, 1), label="ONE"), box(2, (1, sku, 1), label="ONE"))
    despatches.apply_despatches(desk.link)
    desk.fault("centra", "createShipment", FaultKind.LOSE_ANSWER_AFTER, nth=1)

    rounds(desk, 20, 60)

    assert [list(one.lines.values()) for one in order.shipments] == [[1], [1]]
    assert desk.effects()["centra mails sent"] == 2
    assert len({parcel.centra_shipment_id for parcel in parcels(desk, order)}) == 2
    assert desk.state(order) == COMPLETED


class SlowCentra:
    """Centra, whose answer to the first shipment comes after another attempt was claimed."""

    def __init__(self, client: Any, meanwhile: Any) -> None:
        self._client, self._meanwhile = client, meanwhile

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def create_shipment(self, draft: Any) -> Any:
        answer = self._client.create_shipment(draft)
        self._meanwhile()
        return answer


def test_a_late_answer_to_an_older_attempt_settles_no_newer_one(
    desk: Desk, accepted: CentraOrder, say: Say, box: Pack
) -> None:
    first, second = accepted.lines
    say(accepted, box(1, (1, first.sku, 2), (2, second.sku, 1)))
    despatches.apply_despatches(desk.link)

    def claim_anew() -> None:
        (row,) = parcels(desk, accepted)
        with desk.link.ledger.transaction() as tx:
            inbox.move_parcel(tx, row, ParcelState.SENDING, attempts=row.attempts + 1)

    slow = dataclasses.replace(
        desk.link, centra=cast("Any", SlowCentra(desk.link.centra, claim_anew))
    )
    completion.complete_shipments(slow)

    (row,) = parcels(desk, accepted)
    assert (row.state, row.attempts, row.centra_shipment_id) == (ParcelState.SENDING, 2, None)
    assert desk.problems() == ["already_shipped"]


# ---- refusals: attempts, back-off, owner
def test_a_parcel_that_keeps_failing_is_tried_less_and_less_and_reaches_its_owner(
    desk: Desk, accepted: CentraOrder, leave: Leave
) -> None:
    accepted.is_on_hold = True
    leave(accepted, "T1", "T2")
    heard = []

    for _ in range(27 * 4):
        completion.complete_shipments(desk.link)
        heard.append(desk.problems())
        desk.wait(15)

    assert desk.world.calls["centra createShipment"] <= 14
    assert heard[1] == []
    assert heard[-1] == ["shipment_refused"] * 2


def test_a_centra_that_never_answers_a_create_is_asked_less_and_less_and_its_owner_hears(
    desk: Desk, accepted: CentraOrder, leave: Leave
) -> None:
    leave(accepted, "T1", "T2")
    desk.fault("centra", "createShipment", FaultKind.ERROR_503_BEFORE)

    for _ in range(27 * 4):
        completion.complete_shipments(desk.link)
        desk.wait(15)

    assert desk.problems() == ["shipment_unanswered"] * 2
    assert desk.world.calls["centra createShipment"] == 0
    assert {4, 5, 6, 7} >= {parcel.attempts for parcel in parcels(desk, accepted)}


def test_a_refusal_that_passes_delays_a_parcel_by_seconds(
    desk: Desk, accepted: CentraOrder, leave: Leave
) -> None:
    accepted.is_on_hold = True
    leave(accepted, "T1", "T2")
    completion.complete_shipments(desk.link)
    accepted.is_on_hold = False

    rounds(desk, 6)

    assert desk.state(accepted) == COMPLETED


def test_a_parcel_that_succeeds_closes_no_refusal_of_another_of_its_message(
    desk: Desk, accepted: CentraOrder, leave: Leave
) -> None:
    accepted.lines[0].demand = 2
    leave(accepted, "T1", "T2")

    rounds(desk)
    half = desk.problems()
    accepted.lines[0].demand = 0
    rounds(desk, 100)

    assert half == ["stock_not_allocated"]
    assert desk.problems() == []
    assert desk.state(accepted) == COMPLETED


@pytest.mark.parametrize("beside_data", [False, True], ids=["alone", "beside null data"])
def test_a_missing_permission_is_final_until_the_token_changes_or_a_person_says_so(
    desk: Desk, accepted: CentraOrder, leave: Leave, beside_data: bool
) -> None:
    desk.switch(centra_null_data_beside_errors=beside_data)
    token = desk.environment["CENTRA_TOKEN"]
    tokens = desk.world.settings.centra_tokens
    tokens[token] = CentraToken(permissions=ALL_PERMISSIONS - {"Shipment:write"})
    leave(accepted, "T1", "T2")
    centra = watch(desk)

    for _ in range(27):
        desk.relay_despatches()
        desk.wait(60)
    denied = (centra.calls["create_shipment"], desk.problems(), parcels_due(desk.link).to_write)
    named = desk.messages()[0]
    tokens[token] = CentraToken()
    with desk.link.ledger.transaction() as tx:
        allow_again(tx, CallGroup.SHIPMENTS)
    desk.relay_despatches()

    assert denied == (1, ["credentials_refused"], 0)
    assert "Shipment:write" in named
    assert token not in named
    assert desk.state(accepted) == COMPLETED
    assert desk.problems() == []


def test_a_token_that_may_not_lock_is_asked_once_and_orders_go_on(desk: Desk) -> None:
    token = desk.environment["CENTRA_TOKEN"]
    desk.world.settings.centra_tokens[token] = CentraToken(
        permissions=ALL_PERMISSIONS - {"Order.isLocked:write"}
    )
    centra = watch(desk)
    placed = []

    for _ in range(5):
        placed.append(desk.order())
        desk.relay_orders()
        desk.wait(60)

    assert centra.calls["lock_orders"] == 1
    assert [desk.at_whistl(order) for order in placed] == [1] * 5
    assert desk.problems() == ["credentials_refused"]
    assert orders_due(desk.link).to_lock == 0


def test_a_refused_permission_cannot_be_closed_by_hand_and_ends_with_a_new_token(
    desk: Desk, accepted: CentraOrder, leave: Leave
) -> None:
    tokens = desk.world.settings.centra_tokens
    tokens[desk.environment["CENTRA_TOKEN"]] = CentraToken(
        permissions=ALL_PERMISSIONS - {"Shipment:write"}
    )
    leave(accepted, "T1", "T2")
    completion.complete_shipments(desk.link)
    with desk.link.ledger.reading() as tx:
        (refused,) = exception_news.listed(tx)
    with pytest.raises(CannotClose, match="token is replaced"):
        close_by_hand(desk.link.ledger, refused.id, who="ada", note="granted")
    end_refusals_of_former_tokens(desk.link)
    still = desk.problems()
    tokens["another-token"] = CentraToken()
    desk.reopen(CENTRA_TOKEN="another-token")

    end_refusals_of_former_tokens(desk.link)

    assert still == ["credentials_refused"]
    assert desk.problems() == [], "even before a parcel is due"
    assert parcels_due(desk.link).to_write == 2


# ---- what people do in Centra
def test_an_exception_about_unreadable_shipments_ends_although_its_parcel_was_corrected(
    desk: Desk, accepted: CentraOrder, say: Say, box: Pack
) -> None:
    first, second = accepted.lines
    whole = box(1, (1, first.sku, 2), (2, second.sku, 1))
    say(accepted, whole, despatch_id="D-1")
    despatches.apply_despatches(desk.link)
    add_shipment(desk.world, accepted, {first.line_id: 1})
    desk.switch(centra_unreadable_shipments_of=(accepted.number,))
    rounds(desk)
    stuck = desk.problems()
    say(accepted, whole, despatch_id="D-1", version=2)
    despatches.apply_despatches(desk.link)
    accepted.shipments.clear()
    desk.switch(centra_unreadable_shipments_of=())

    rounds(desk)

    assert stuck == ["unreadable_record"]
    assert desk.state(accepted) == COMPLETED
    assert desk.problems() == []


def test_what_people_do_in_centra_during_a_long_round_is_seen_before_the_next_parcels(
    desk: Desk, leave: Leave, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(completion, "READ_TOGETHER", 1)
    desk.world.settings.speed = 1e-6
    first, second = (desk.order((desk.skus[0], 1)) for _ in range(2))
    desk.relay_orders()
    leave(first, "T1")
    leave(second, "T2")

    def ship_the_second() -> None:
        if not second.shipments:
            units = in_no_shipment(second)
            made = add_shipment(desk.world, second, units, is_good_to_go=True, is_paid=True)
            made.info = {"carrier": "DPD", "trackingNumber": "T2"}
            ship(desk.world, second, made, desk.clock(), send_email=True)

    slow = SlowCentra(desk.link.centra, ship_the_second)
    completion.complete_shipments(dataclasses.replace(desk.link, centra=cast("Any", slow)))

    assert [len(order.shipments) for order in (first, second)] == [1, 1]
    assert desk.world.calls["centra createShipment"] == 1
    assert [desk.state(order) for order in (first, second)] == [COMPLETED] * 2
    assert desk.problems() == []


@pytest.mark.parametrize("how", ["a time that is none", "a field that fails"])
def test_an_unreadable_shipment_stops_its_own_order_and_no_other(
    desk: Desk, accepted: CentraOrder, leave: Leave, how: str
) -> None:
    other = desk.order((desk.skus[2], 1))
    desk.relay_orders()
    add_shipment(desk.world, accepted, {accepted.lines[0].line_id: 1})
    if how == "a field that fails":
        desk.switch(centra_failing_fields={accepted.number: "shipments"})
    else:
        desk.switch(centra_unreadable_shipments_of=(accepted.number,))
    leave(accepted, "T1", "T2")
    leave(other, "T3")

    rounds(desk)
    stuck = (desk.problems(), desk.state(accepted), desk.state(other))
    accepted.shipments.clear()
    desk.switch(centra_unreadable_shipments_of=(), centra_failing_fields={})
    rounds(desk, 10)

    assert stuck == (["unreadable_record"], OrderState.DESPATCHED, COMPLETED)
    assert desk.state(accepted) == COMPLETED
    assert desk.problems() == []


def test_a_parcel_of_an_order_cancelled_too_late_ends_with_what_to_do(
    desk: Desk, accepted: CentraOrder, leave: Leave
) -> None:
    cancel_order(desk.world, accepted)
    leave(accepted, "T1", "T2")

    rounds(desk, 60, 600)
    mutations = desk.world.calls["centra createShipment"]
    desk.wait(90 * 86_400)
    rounds(desk)

    assert mutations == 0
    assert desk.world.calls["centra createShipment"] == 0
    assert desk.problems() == ["parcel_not_wanted"] * 2
    assert {parcel.state for parcel in parcels(desk, accepted)} == {ParcelState.ENDED}
    assert desk.state(accepted) == COMPLETED, "it left, and nothing more is expected of it"
    assert parcels_due(desk.link).to_write == 0


def test_units_of_which_centra_wants_nothing_are_not_kept_for_a_shipment_that_never_comes(
    desk: Desk, accepted: CentraOrder, leave: Leave
) -> None:
    first, second = accepted.lines
    leave(accepted, "T1", "T2")
    cancel_units(desk.world, accepted, first, 2)
    second.demand = 1

    completion.complete_shipments(desk.link)

    with desk.link.ledger.reading() as tx:
        lines = standings.of_open_lines(tx, taken_at=tx.now + timedelta(days=1))
    assert {line.sku: line.completed for line in lines} == {first.sku: 2, second.sku: 0}


def test_units_cancelled_after_sending_are_reported_and_the_rest_is_shipped_and_mailed(
    desk: Desk, accepted: CentraOrder, say: Say, box: Pack
) -> None:
    first, second = accepted.lines
    cancel_units(desk.world, accepted, first, 1)
    say(accepted, box(1, (1, first.sku, 2), (2, second.sku, 1), label="T1"))
    despatches.apply_despatches(desk.link)

    rounds(desk, 60)

    assert [one.lines for one in accepted.shipments] == [{first.line_id: 1, second.line_id: 1}]
    assert desk.effects()["centra mails sent"] == 1
    assert accepted.status == "SHIPPED"
    assert desk.problems() == ["parcel_not_wanted"]
    assert f"1 of {first.sku}" in desk.messages()[0]
    assert desk.state(accepted) == COMPLETED


def test_of_two_parcels_of_one_round_only_the_units_that_centra_wants_are_sent(
    desk: Desk, accepted: CentraOrder, say: Say, box: Pack
) -> None:
    first, second = accepted.lines
    cancel_units(desk.world, accepted, first, 1)
    say(
        accepted,
        box(1, (1, first.sku, 1), label="T1"),
        box(2, (1, first.sku, 1), label="T2"),
        box(3, (2, second.sku, 1), label="T3"),
    )
    despatches.apply_despatches(desk.link)

    completion.complete_shipments(desk.link)

    assert desk.world.calls["centra createShipment"] == 2
    assert desk.units_in_centra(accepted) == {1: 1, 2: 1}
    assert desk.problems() == ["parcel_not_wanted"]
    assert desk.state(accepted) == COMPLETED


def test_reduced_units_whose_answer_was_lost_are_shipped_once(
    desk: Desk, accepted: CentraOrder, say: Say, box: Pack
) -> None:
    first, second = accepted.lines
    cancel_units(desk.world, accepted, first, 1)
    say(accepted, box(1, (1, first.sku, 2), (2, second.sku, 1), label="T1"))
    despatches.apply_despatches(desk.link)
    desk.fault("centra", "createShipment", FaultKind.LOSE_ANSWER_AFTER, nth=1)

    rounds(desk, 20, 60)

    assert len(accepted.shipments) == 1
    assert desk.problems() == ["parcel_not_wanted"]
    assert desk.state(accepted) == COMPLETED


def test_an_open_shipment_with_other_units_is_reported_until_a_person_deletes_it(
    desk: Desk, accepted: CentraOrder, say: Say, box: Pack
) -> None:
    first, _ = accepted.lines
    made = add_shipment(desk.world, accepted, in_no_shipment(accepted))
    say(accepted, box(1, (1, first.sku, 2), label="T1"))
    despatches.apply_despatches(desk.link)

    rounds(desk, 60)
    stuck = (desk.problems(), desk.world.calls["centra createShipment"])
    accepted.shipments.remove(made)
    rounds(desk, 100)

    assert stuck == (["shipment_differs"], 0)
    assert [one.lines for one in accepted.shipments] == [{first.line_id: 2}]
    assert desk.problems() == []


@pytest.mark.parametrize("marks_paid", ["yes", "no"])
def test_an_open_shipment_is_released_before_it_is_completed(
    desk: Desk, accepted: CentraOrder, leave: Leave, marks_paid: str
) -> None:
    desk.reopen(CENTRA_MARKS_PAID=marks_paid)
    for line in accepted.lines:
        made = add_shipment(desk.world, accepted, {line.line_id: line.quantity})
        made.is_paid = marks_paid == "no"
    leave(accepted, "T1", "T2")

    completion.complete_shipments(desk.link)

    assert len(accepted.shipments) == 2
    assert all(one.shipped_at and one.is_good_to_go and one.is_paid for one in accepted.shipments)
    assert desk.state(accepted) == COMPLETED


@pytest.mark.parametrize("allocates", ["yes", "no"])
def test_units_without_stock_in_centra_are_allocated_only_where_the_brand_says_so(
    desk: Desk, accepted: CentraOrder, leave: Leave, allocates: str
) -> None:
    desk.reopen(CENTRA_ALLOCATES_DEMAND=allocates)
    accepted.lines[0].demand = 1
    leave(accepted, "T1", "T2")

    rounds(desk, 60)

    is_done = allocates == "yes"
    assert desk.world.calls["centra createShipment"] == (2 if is_done else 1)
    assert desk.problems() == ([] if is_done else ["stock_not_allocated"])
    assert (desk.state(accepted) == COMPLETED) is is_done


def test_a_parcel_shipped_by_hand_without_a_label_is_taken_for_it(
    desk: Desk, say: Say, box: Pack
) -> None:
    desk.world.settings.speed = 1e-6
    order = desk.order((desk.skus[0], 2))
    desk.relay_orders()
    made = add_shipment(desk.world, order, in_no_shipment(order), is_good_to_go=True, is_paid=True)
    made.info = {"carrier": "DPD", "trackingNumber": "SM1"}
    ship(desk.world, order, made, desk.clock(), send_email=True)
    say(order, box(1, (1, desk.skus[0], 2)))
    despatches.apply_despatches(desk.link)

    rounds(desk, 60)

    assert order.shipments == [made]
    assert desk.problems() == []
    assert desk.state(order) == COMPLETED
