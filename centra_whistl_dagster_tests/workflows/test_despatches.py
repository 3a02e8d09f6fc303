"""Whatever way Whistl tells of a parcel, Centra ends with one true shipment for it.

Judged by what left the simulated building and by what the simulated Centra holds.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from centra_whistl_dagster.domain.despatches import Despatch, Parcel, ParcelLine, ShortLine
from centra_whistl_dagster.domain.states import OrderState
from centra_whistl_dagster.ledger import despatches as inbox
from centra_whistl_dagster.ledger import order_contents
from centra_whistl_dagster.simulator.centra_rules import (
    add_shipment,
    cancel_units,
    in_no_shipment,
    ship,
)
from centra_whistl_dagster.simulator.fault_rules import FaultKind
from centra_whistl_dagster.simulator.truth import is_drained
from centra_whistl_dagster.simulator.world import CentraOrder
from centra_whistl_dagster.whistl.records import DespatchPage, UnreadableDespatch
from centra_whistl_dagster.workflows import despatches, intake, shipments
from centra_whistl_dagster.workflows.due import parcels_due

COMPLETED = OrderState.COMPLETED
A_DAY = 5_000.0
"""Long enough, in this quick world, for an order to leave and for every correction to come."""


def order_some(desk, count: int = 8) -> list[CentraOrder]:
    return [desk.order((desk.skus[n], 2), (desk.skus[n + 1], 1)) for n in range(count)]


def leave_the_building(desk, placed: list[CentraOrder]) -> None:
    """Let orders be sent and leave, and nobody here hear of it yet."""
    desk.relay_orders()
    assert [desk.at_whistl(order) for order in placed] == [1] * len(placed)
    desk.wait(A_DAY)
    assert is_drained(desk.world)


def live_on(desk, rounds: int = 12) -> None:
    for _ in range(rounds):
        desk.relay_despatches()
        desk.wait(60)


def assert_every_parcel_is_right(desk) -> None:
    told = desk.truth()["shipments"]
    assert told["wrong_examples"] == []
    assert told["parcels"] > 0
    assert told["parcels_completed"] == told["parcels"]


# ---- the mishaps of a feed
MISHAPS = [
    {},
    {"duplicate_despatch_share": 1.0},
    {"out_of_order_despatch_share": 0.5},
    {"corrected_tracking_share": 1.0},
    {"null_tracking_share": 1.0},
    {"no_tracking_share": 1.0},
    {"despatch_without_carrier_share": 1.0},
    {"short_line_share": 1.0},
    {
        "duplicate_despatch_share": 0.5,
        "out_of_order_despatch_share": 0.5,
        "corrected_tracking_share": 0.3,
        "no_tracking_share": 0.3,
        "despatch_without_carrier_share": 0.3,
        "short_line_share": 0.3,
    },
]


@pytest.mark.parametrize("mishaps", MISHAPS, ids=lambda mishaps: " ".join(mishaps) or "none")
def test_every_parcel_becomes_one_right_shipment(desk, mishaps: dict[str, float]) -> None:
    desk.switch(**mishaps)
    desk.world.settings.several_parcels_share = 0.5
    placed = order_some(desk)

    desk.relay(rounds=8)
    desk.wait(A_DAY)
    live_on(desk, 3)

    assert_every_parcel_is_right(desk)
    assert desk.counts() == {COMPLETED: len(placed)}
    parcels = desk.truth()["shipments"]["parcels"]
    assert desk.effects()["centra shipments created"] == parcels
    assert desk.effects()["centra mails sent"] == parcels
    still_open = {"tracking_corrected", "short_pick"}
    assert set(desk.problems()) <= still_open


def test_a_second_round_with_nothing_new_writes_nothing(desk) -> None:
    leave_the_building(desk, order_some(desk, 3))
    live_on(desk, 2)
    before = desk.effects()

    live_on(desk, 2)

    assert desk.effects() == before


@pytest.mark.parametrize(
    ("switch", "what"),
    [("despatch_without_carrier_share", "carrier"), ("no_tracking_share", "tracking number")],
)
def test_a_parcel_nobody_can_follow_is_told_and_not_written_until_it_is_corrected(
    desk, switch: str, what: str
) -> None:
    desk.switch(**{switch: 1.0, "despatch_correction_seconds": 1e9})
    order = desk.order()
    leave_the_building_and_do_not_wait_for_corrections(desk, order)

    live_on(desk, 2)

    assert order.shipments == []
    assert desk.problems() == ["despatch_without_carrier"]
    assert what in desk.messages()[0]
    assert desk.state(order) == OrderState.DESPATCHED


def leave_the_building_and_do_not_wait_for_corrections(desk, order: CentraOrder) -> None:
    desk.relay_orders()
    desk.wait(A_DAY)
    assert desk.world.whistl_orders[f"C{order.number}"].status == "DESPATCHED"


def test_a_correction_after_centra_was_told_is_told_to_who_can_tell_the_customer(desk) -> None:
    desk.switch(corrected_tracking_share=1.0, despatch_correction_seconds=1e6)
    order = desk.order()
    leave_the_building_and_do_not_wait_for_corrections(desk, order)
    live_on(desk, 2)
    first_label = order.shipments[0].info["trackingNumber"]
    desk.wait(1e6 / desk.world.settings.speed)

    live_on(desk, 2)

    assert [shipment.info["trackingNumber"] for shipment in order.shipments] == [first_label]
    assert desk.problems() == ["tracking_corrected"]
    assert first_label in desk.messages()[0]


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
    desk, kind: FaultKind
) -> None:
    placed = order_some(desk, 3)
    leave_the_building(desk, placed)
    desk.fault("centra", "createShipment", kind, nth=2)

    live_on(desk, 3)

    assert_every_parcel_is_right(desk)
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
    desk, is_done: bool
) -> None:
    order = desk.order()
    leave_the_building(desk, [order])
    living = desk.link
    dying = dataclasses.replace(living, centra=CentraThatOutlivesUs(living.centra, is_done=is_done))
    despatches.pull_despatches(dying)
    despatches.apply_despatches(dying)
    with pytest.raises(Died):
        shipments.complete_shipments(dying)

    shipments.complete_shipments(living)
    at_once = len(order.shipments)
    desk.wait(100)
    live_on(desk, 2)

    assert at_once == int(is_done)
    assert len(order.shipments) == 1
    assert desk.effects()["centra mails sent"] == 1
    assert_every_parcel_is_right(desk)
    assert desk.state(order) == COMPLETED


# ---- Centra has, or had, a shipment already
@pytest.mark.parametrize("settings", [{"centra_direct_to_shipment": True}], indirect=True)
@pytest.mark.parametrize("several", [0.0, 1.0], ids=["one parcel", "several parcels"])
def test_the_shipment_that_the_store_makes_by_itself_is_completed_and_no_other_made(
    desk, several: float
) -> None:
    desk.world.settings.several_parcels_share = several
    placed = order_some(desk)

    desk.relay(rounds=8)
    live_on(desk, 3)

    assert [order.status for order in placed] == ["SHIPPED"] * len(placed)
    assert [len(order.shipments) for order in placed] == [1] * len(placed)
    assert_every_parcel_is_right(desk)
    assert desk.counts() == {COMPLETED: len(placed)}
    assert desk.problems() == []
    notes = [order.shipments[0].additional_message or "" for order in placed]
    assert all(note.startswith("Further parcels: ") == bool(several) for note in notes)


@pytest.mark.parametrize("settings", [{"centra_direct_to_shipment": True}], indirect=True)
def test_a_lost_answer_about_a_shipment_for_several_parcels_is_settled_for_all_of_them(
    desk,
) -> None:
    desk.world.settings.several_parcels_share = 1.0
    placed = order_some(desk, 4)
    leave_the_building(desk, placed)
    desk.fault("centra", "completeShipment", FaultKind.LOSE_ANSWER_AFTER)

    live_on(desk, 3)

    assert desk.counts() == {COMPLETED: 4}
    assert desk.effects()["centra mails sent"] == 4
    assert_every_parcel_is_right(desk)


@pytest.mark.parametrize("settings", [{"centra_direct_to_shipment": True}], indirect=True)
def test_a_lost_answer_for_several_parcels_is_looked_up_before_any_of_them_is_sent_again(
    desk,
) -> None:
    desk.world.settings.several_parcels_share = 1.0
    order = desk.order((desk.skus[0], 2), (desk.skus[1], 1))
    leave_the_building(desk, [order])
    desk.fault("centra", "completeShipment", FaultKind.LOSE_ANSWER_AFTER, nth=1)

    desk.relay_despatches()
    asked = desk.world.calls["centra completeShipment"]
    live_on(desk, 3)

    assert asked == 1
    assert desk.world.calls["centra completeShipment"] == 1
    assert desk.problems() == []
    assert desk.counts() == {COMPLETED: 1}


def test_a_shipment_made_by_hand_for_the_same_parcel_is_taken_for_it(desk) -> None:
    order = desk.order()
    leave_the_building(desk, [order])
    label = desk.world.despatches[0]["parcels"][0]
    made = add_shipment(desk.world, order, in_no_shipment(order), is_good_to_go=True, is_paid=True)
    made.info = {
        "carrier": label["carrier_name"],
        "trackingNumber": label["courier_tracking_number"],
    }
    ship(desk.world, order, made, desk.clock(), send_email=True)

    live_on(desk, 2)

    assert desk.state(order) == COMPLETED
    assert order.shipments == [made]
    assert desk.effects()["centra mails sent"] == 1


def test_a_shipment_made_by_hand_for_one_of_two_parcels_of_one_label_stands_for_that_one_alone(
    desk, accepted: CentraOrder, say
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

    assert units_in_centra(accepted) == {1: 2, 2: 1}
    assert len(accepted.shipments) == 2
    assert desk.state(accepted) == COMPLETED
    assert desk.problems() == []


def test_a_shipment_made_by_hand_for_something_else_is_told_and_not_doubled(desk) -> None:
    order = desk.order()
    leave_the_building(desk, [order])
    made = add_shipment(desk.world, order, in_no_shipment(order), is_good_to_go=True, is_paid=True)
    made.info = {"carrier": "A van", "trackingNumber": "by hand"}
    ship(desk.world, order, made, desk.clock(), send_email=True)

    live_on(desk, 2)

    assert order.shipments == [made]
    assert desk.problems() == ["shipment_refused"]
    assert desk.state(order) == OrderState.DESPATCHED


def test_a_parcel_that_centra_refuses_goes_by_itself_once_the_cause_is_gone(desk) -> None:
    order, other = desk.order(), desk.order()
    leave_the_building(desk, [order, other])
    order.is_on_hold = True

    live_on(desk, 3)
    refused = (list(order.shipments), desk.problems(), desk.state(other))
    mutations = desk.world.calls["centra createShipment"]
    order.is_on_hold = False
    desk.wait(2_000)
    live_on(desk, 2)

    assert refused == ([], ["shipment_refused"], COMPLETED)
    assert mutations == 2
    assert desk.state(order) == COMPLETED
    assert desk.problems() == []


class WhistlThatSays:
    """Whistl's despatch feed, with one page made up."""

    def __init__(self, *unreadable: UnreadableDespatch, despatches: tuple[Despatch, ...]) -> None:
        self._page = DespatchPage(
            despatches=despatches,
            unreadable=unreadable,
            next_after_sequence=1,
            has_more=False,
        )

    def despatches_after(self, _sequence: int, *, limit: int) -> DespatchPage:
        assert limit
        return self._page


def test_a_message_that_could_not_be_read_is_told_until_it_is_read(desk, say) -> None:
    whole = say(None, box(1, (1, desk.skus[0], 1)))
    broken = UnreadableDespatch(despatch_id=whole.despatch_id, field="parcels", detail="no list")
    other = dataclasses.replace(broken, despatch_id="D-OTHER")
    for told in (
        WhistlThatSays(broken, other, despatches=()),
        WhistlThatSays(despatches=(whole,)),
    ):
        link: Any = dataclasses.replace(desk.link, whistl=told)
        despatches.pull_despatches(link, is_sweep=True)

    assert desk.problems(whole.despatch_id) == []
    assert desk.problems("D-OTHER") == ["unreadable_record"]


# ---- messages that cannot be right, told by hand
def box(number: int, *lines: tuple[int, str, int], label: str = "", carrier: str = "DPD") -> Parcel:
    return Parcel(
        parcel_number=number,
        carrier_name=carrier,
        carrier_code="SIM-RMT",
        delivery_method="TRK48",
        service_name="Tracked",
        courier_tracking_number=label or f"SM{number}",
        whistl_tracking_number="",
        tracking_url="",
        lines=tuple(ParcelLine(line_number=n, sku=sku, quantity=q) for n, sku, q in lines),
    )


@pytest.fixture
def say(desk) -> Callable[..., Despatch]:
    """Let Whistl say that boxes of an order have left; other messages may say otherwise later."""
    numbers: Iterator[int] = itertools.count(1)

    def message(order: CentraOrder | None, *boxes: Parcel, **members: Any) -> Despatch:
        sequence = next(numbers)
        told = Despatch(
            **{
                "despatch_id": f"D-{sequence}",
                "sequence": sequence,
                "version": 1,
                "supersedes": None,
                "order_number": f"C{order.number}" if order else "C999999",
                "despatched_at": desk.clock() - timedelta(seconds=30),
                "is_order_complete": True,
                "parcels": boxes,
                **members,
            }
        )
        with desk.link.ledger.transaction() as tx:
            inbox.receive(tx, told, now=desk.clock())
        return told

    return message


def units_in_centra(order: CentraOrder) -> dict[int, int]:
    """Units shipped by line number."""
    shipped: dict[int, int] = {}
    for number, line in enumerate(order.lines, start=1):
        shipped[number] = line.shipped
    return shipped


@pytest.fixture
def accepted(desk) -> CentraOrder:
    """An order of two and one units that Whistl has, in a building where nothing happens."""
    desk.world.settings.speed = 1e-6
    order = desk.order((desk.skus[0], 2), (desk.skus[1], 1))
    desk.relay_orders()
    return order


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ([(1, 0, 3)], "above the 2 ordered"),
        ([(1, 1, 1)], "not in the order"),
        ([(3, 0, 1)], "not in the order"),
        ([(1, 0, 0)], "has 0 of"),
        ([(1, 0, -1)], "has -1 of"),
        ([], "holds nothing"),
    ],
)
def test_a_parcel_that_cannot_be_right_is_told_and_neither_written_nor_in_anybodys_way(
    desk, accepted: CentraOrder, say, lines: list[tuple[int, int, int]], fault: str
) -> None:
    healthy = desk.order((desk.skus[2], 1))
    desk.relay_orders()
    wrong = say(accepted, box(1, *((n, desk.skus[sku], q) for n, sku, q in lines)))
    say(healthy, box(1, (1, desk.skus[2], 1)))

    tally = despatches.apply_despatches(desk.link)
    shipments.complete_shipments(desk.link)

    assert tally.is_balanced
    assert units_in_centra(accepted) == {1: 0, 2: 0}
    assert units_in_centra(healthy) == {1: 1}
    assert desk.problems(wrong.despatch_id) == ["despatch_differs"]
    assert fault in desk.messages()[0]
    assert desk.state(accepted) == OrderState.DESPATCHED
    assert desk.state(healthy) == COMPLETED


def test_a_correction_of_a_parcel_that_could_not_be_right_closes_its_exception(
    desk, accepted: CentraOrder, say
) -> None:
    first, second = desk.skus[:2]
    wrong = say(accepted, box(1, (1, first, 3)), box(2, (2, second, 1), carrier=""))
    despatches.apply_despatches(desk.link)
    problems = desk.problems()
    say(
        accepted,
        box(1, (1, first, 2), (2, second, 1)),
        version=2,
        supersedes=wrong.despatch_id,
    )

    despatches.apply_despatches(desk.link)
    shipments.complete_shipments(desk.link)

    assert problems == ["despatch_differs", "despatch_without_carrier"]
    assert desk.problems() == []
    assert units_in_centra(accepted) == {1: 2, 2: 1}
    assert len(accepted.shipments) == 1
    assert desk.state(accepted) == COMPLETED


def test_one_good_parcel_does_not_close_the_exception_of_another(
    desk, accepted: CentraOrder, say
) -> None:
    first, second = desk.skus[:2]
    say(accepted, box(1, (1, first, 2), carrier=""), box(2, (2, second, 1)))

    despatches.apply_despatches(desk.link)
    shipments.complete_shipments(desk.link)

    assert desk.problems() == ["despatch_without_carrier"]
    assert units_in_centra(accepted) == {1: 0, 2: 1}
    assert desk.state(accepted) == OrderState.DESPATCHED


def test_a_line_named_twice_in_one_parcel_is_added_up(desk, accepted: CentraOrder, say) -> None:
    first, second = desk.skus[:2]
    say(accepted, box(1, (1, first, 1), (1, first, 1), (2, second, 1)))

    despatches.apply_despatches(desk.link)
    shipments.complete_shipments(desk.link)

    assert units_in_centra(accepted) == {1: 2, 2: 1}
    assert desk.state(accepted) == COMPLETED


def test_a_parcel_number_used_twice_in_one_message_is_told(
    desk, accepted: CentraOrder, say
) -> None:
    first, second = desk.skus[:2]
    say(accepted, box(1, (1, first, 2)), box(1, (2, second, 1), label="SM2"))

    despatches.apply_despatches(desk.link)
    shipments.complete_shipments(desk.link)

    assert desk.problems() == ["despatch_differs"]
    assert units_in_centra(accepted) == {1: 2, 2: 0}
    assert desk.state(accepted) == OrderState.DESPATCHED


def test_a_despatch_of_an_order_nobody_sent_is_kept_and_told_once(desk, say) -> None:
    say(None, box(1, (1, desk.skus[0], 1)))

    for _ in range(3):
        despatches.apply_despatches(desk.link)
        desk.wait(60)

    assert desk.problems() == ["despatch_unmatched"]


def test_a_despatch_that_overtakes_the_answer_to_its_order_waits_for_it_quietly(desk, say) -> None:
    desk.world.settings.speed = 1e-6
    desk.fault("whistl", "create_order", FaultKind.LOSE_ANSWER_AFTER, nth=1)
    order = desk.order((desk.skus[0], 2))
    desk.relay_orders()
    say(order, box(1, (1, desk.skus[0], 2)))
    despatches.apply_despatches(desk.link)
    too_early = (desk.state(order), desk.problems(), parcels_due(desk.link).to_match)
    desk.wait(60)

    desk.relay_orders()
    in_time = parcels_due(desk.link).to_match
    despatches.apply_despatches(desk.link)
    shipments.complete_shipments(desk.link)

    assert too_early == (OrderState.IN_DOUBT, [], 0)
    assert in_time == 1
    assert desk.state(order) == COMPLETED
    assert parcels_due(desk.link).total == 0


def test_an_order_is_not_closed_before_the_earlier_of_its_messages_has_come(
    desk, accepted: CentraOrder, say
) -> None:
    first, second = desk.skus[:2]
    say(accepted, box(1, (2, second, 1), label="SM-LATER"))
    desk.relay_despatches()
    early = desk.state(accepted)
    say(accepted, box(1, (1, first, 2), label="SM-EARLIER"), is_order_complete=False)
    desk.relay_despatches()

    assert early == OrderState.DESPATCHED
    assert desk.state(accepted) == COMPLETED
    assert units_in_centra(accepted) == {1: 2, 2: 1}


def test_units_the_warehouse_could_not_find_are_told_and_the_rest_completes_the_order(
    desk, accepted: CentraOrder, say
) -> None:
    first, second = desk.skus[:2]
    say(accepted, box(1, (1, first, 1), (2, second, 1)), is_order_complete=False)
    desk.relay_despatches()
    missing = ShortLine(line_number=1, sku=first, quantity=1, reason="not found")
    say(accepted, short_lines=(missing,))
    desk.relay_despatches()

    assert desk.problems(str(accepted.number)) == ["short_pick"]
    assert units_in_centra(accepted) == {1: 1, 2: 1}
    assert desk.state(accepted) == COMPLETED


def not_found(desk, order: CentraOrder) -> dict[int, int]:
    with desk.link.ledger.reading() as tx:
        lines = order_contents.lines(tx, order.order_id)
    return {line.line_number: line.not_found for line in lines}


def test_units_missing_from_one_line_in_two_messages_add_up(
    desk, accepted: CentraOrder, say
) -> None:
    first, second = desk.skus[:2]
    missing = ShortLine(line_number=1, sku=first, quantity=1, reason="not found")
    say(accepted, short_lines=(missing,), is_order_complete=False)
    desk.relay_despatches()
    say(accepted, box(1, (2, second, 1)), short_lines=(missing,))
    desk.relay_despatches()

    assert not_found(desk, accepted) == {1: 2, 2: 0}
    assert desk.state(accepted) == COMPLETED


def test_a_correction_that_found_the_units_after_all_waits_for_their_parcel(
    desk, accepted: CentraOrder, say
) -> None:
    first, second = desk.skus[:2]
    missing = ShortLine(line_number=1, sku=first, quantity=1, reason="not found")
    wrong = say(accepted, box(1, (1, first, 1), (2, second, 1)), short_lines=(missing,))
    despatches.apply_despatches(desk.link)
    told = (not_found(desk, accepted), desk.problems())
    say(
        accepted,
        box(1, (1, first, 1), (2, second, 1)),
        version=2,
        supersedes=wrong.despatch_id,
    )

    desk.relay_despatches()

    assert told == ({1: 1, 2: 0}, ["short_pick"])
    assert not_found(desk, accepted) == {1: 0, 2: 0}
    assert desk.problems() == []
    assert desk.state(accepted) == OrderState.DESPATCHED


def test_a_short_pick_is_closed_once_the_units_are_cancelled_in_centra(
    desk, accepted: CentraOrder, say
) -> None:
    first, second = desk.skus[:2]
    missing = ShortLine(line_number=1, sku=first, quantity=1, reason="not found")
    say(accepted, box(1, (1, first, 1), (2, second, 1)), short_lines=(missing,))
    desk.relay_despatches()
    intake.take_in_orders(desk.link, is_sweep=True)
    before = desk.problems()
    accepted.is_locked = False
    cancel_units(desk.world, accepted, accepted.lines[0], 1)
    assert accepted.status == "SHIPPED"

    intake.take_in_orders(desk.link, is_sweep=True)

    assert before == ["short_pick"]
    assert desk.problems() == []
    assert desk.state(accepted) == COMPLETED


def test_a_correction_waits_until_it_is_known_whether_centra_has_the_parcel(
    desk, accepted: CentraOrder, say
) -> None:
    first, second = desk.skus[:2]
    whole = [(1, first, 2), (2, second, 1)]
    wrong = say(accepted, box(1, *whole, label="SM-OLD"))
    despatches.apply_despatches(desk.link)
    desk.fault("centra", "createShipment", FaultKind.ERROR_503_BEFORE, nth=1)
    shipments.complete_shipments(desk.link)
    say(
        accepted,
        box(1, *whole, label="SM-NEW"),
        version=2,
        supersedes=wrong.despatch_id,
    )
    despatches.apply_despatches(desk.link)
    desk.wait(20)
    shipments.complete_shipments(desk.link)
    despatches.apply_despatches(desk.link)
    desk.wait(20)
    shipments.complete_shipments(desk.link)

    # Told of the old one or the new one: either is told apart, never both.
    assert len(accepted.shipments) == 1
    sent = accepted.shipments[0].info["trackingNumber"]
    assert (sent, desk.problems()) in [("SM-NEW", []), ("SM-OLD", ["tracking_corrected"])]
    assert desk.state(accepted) == COMPLETED


@pytest.mark.parametrize("arrival", list(itertools.permutations(range(3))))
def test_a_chain_of_corrections_ends_in_its_last_in_whatever_order_it_comes(
    desk, accepted: CentraOrder, arrival: tuple[int, ...]
) -> None:
    first, second = desk.skus[:2]
    wrong, better, right = ([(1, first, 1)], [(2, second, 1)], [(1, first, 2), (2, second, 1)])
    chain = [
        Despatch(
            despatch_id=f"D-{version}",
            sequence=version,
            version=version,
            supersedes=f"D-{version - 1}" if version > 1 else None,
            order_number=f"C{accepted.number}",
            despatched_at=desk.clock(),
            is_order_complete=True,
            parcels=(box(1, *lines, label=f"SM-{version}"),),
        )
        for version, lines in enumerate((wrong, better, right), start=1)
    ]
    for place in arrival:
        with desk.link.ledger.transaction() as tx:
            inbox.receive(tx, chain[place], now=desk.clock())
        despatches.apply_despatches(desk.link)

    shipments.complete_shipments(desk.link)

    assert [each.info["trackingNumber"] for each in accepted.shipments] == ["SM-3"]
    assert units_in_centra(accepted) == {1: 2, 2: 1}
    assert desk.problems() == []
    assert desk.state(accepted) == COMPLETED


@pytest.mark.parametrize("is_told_between", [False, True])
def test_messages_in_any_order_end_in_the_same_true_state(desk, is_told_between: bool) -> None:
    desk.world.settings.speed = 1e-6
    first, second = desk.skus[:2]
    orders_of_arrival = list(itertools.permutations(range(4)))
    placed = [desk.order((first, 2), (second, 1)) for _ in orders_of_arrival]
    desk.relay_orders()
    ends = set()
    for order, arrival in zip(placed, orders_of_arrival, strict=True):
        number = f"C{order.number}"
        half = {"order_number": number, "despatched_at": desk.clock(), "version": 1}
        part = Despatch(
            **half,
            despatch_id=f"P{number}",
            sequence=1,
            supersedes=None,
            is_order_complete=False,
            parcels=(box(1, (1, first, 1), label=f"A{number}"),),
        )
        corrected = dataclasses.replace(
            part,
            despatch_id=f"Q{number}",
            sequence=3,
            version=2,
            supersedes=part.despatch_id,
            parcels=(box(1, (1, first, 1), label=f"B{number}"),),
        )
        rest = dataclasses.replace(
            part,
            despatch_id=f"R{number}",
            sequence=2,
            is_order_complete=True,
            parcels=(
                box(1, (1, first, 1), label=f"C{number}"),
                box(2, (2, second, 1), label=f"D{number}"),
            ),
        )
        messages = [part, rest, corrected, rest]
        for place in arrival:
            with desk.link.ledger.transaction() as tx:
                inbox.receive(tx, messages[place], now=desk.clock())
            despatches.apply_despatches(desk.link)
            if is_told_between:
                shipments.complete_shipments(desk.link)
        shipments.complete_shipments(desk.link)
        labels = sorted(shipment.info["trackingNumber"][0] for shipment in order.shipments)
        ends.add((desk.state(order), tuple(units_in_centra(order).values()), *labels))

    untold = {(COMPLETED, (2, 1), "B", "C", "D")}
    told_early = {(COMPLETED, (2, 1), "A", "C", "D")}
    assert ends == (untold | told_early if is_told_between else untold)
