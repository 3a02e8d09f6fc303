"""Corrections of a message end in the last one, in whatever order they and the parcels come."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from centra_whistl_dagster.domain.orders.despatches import Despatch, Parcel
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import despatches as inbox
from centra_whistl_dagster.simulator.wire.fault_rules import FaultKind
from centra_whistl_dagster.simulator.world.world import CentraOrder
from centra_whistl_dagster.workflows.shipments import completion, despatches

if TYPE_CHECKING:
    from centra_whistl_dagster_tests.workflows.conftest import Desk

COMPLETED = OrderState.COMPLETED


def test_a_correction_of_a_parcel_that_could_not_be_right_closes_its_exception(
    desk: Desk, accepted: CentraOrder, say: Callable[..., Despatch], box: Callable[..., Parcel]
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
    completion.complete_shipments(desk.link)

    assert problems == ["despatch_differs", "despatch_without_carrier"]
    assert desk.problems() == []
    assert desk.units_in_centra(accepted) == {1: 2, 2: 1}
    assert len(accepted.shipments) == 1
    assert desk.state(accepted) == COMPLETED


def test_a_correction_waits_until_it_is_known_whether_centra_has_the_parcel(
    desk: Desk, accepted: CentraOrder, say: Callable[..., Despatch], box: Callable[..., Parcel]
) -> None:
    first, second = desk.skus[:2]
    whole = [(1, first, 2), (2, second, 1)]
    wrong = say(accepted, box(1, *whole, label="SM-OLD"))
    despatches.apply_despatches(desk.link)
    desk.fault("centra", "createShipment", FaultKind.ERROR_503_BEFORE, nth=1)
    completion.complete_shipments(desk.link)
    say(
        accepted,
        box(1, *whole, label="SM-NEW"),
        version=2,
        supersedes=wrong.despatch_id,
    )
    despatches.apply_despatches(desk.link)
    desk.wait(20)
    completion.complete_shipments(desk.link)
    despatches.apply_despatches(desk.link)
    desk.wait(20)
    completion.complete_shipments(desk.link)

    # Told of the old one or the new one: either is told apart, never both.
    assert len(accepted.shipments) == 1
    sent = accepted.shipments[0].info["trackingNumber"]
    assert (sent, desk.problems()) in [("SM-NEW", []), ("SM-OLD", ["tracking_corrected"])]
    assert desk.state(accepted) == COMPLETED


@pytest.mark.parametrize("arrival", list(itertools.permutations(range(3))))
def test_a_chain_of_corrections_ends_in_its_last_in_whatever_order_it_comes(
    desk: Desk, accepted: CentraOrder, arrival: tuple[int, ...], box: Callable[..., Parcel]
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
            inbox.receive(tx, chain[place])
        despatches.apply_despatches(desk.link)

    completion.complete_shipments(desk.link)

    assert [each.info["trackingNumber"] for each in accepted.shipments] == ["SM-3"]
    assert desk.units_in_centra(accepted) == {1: 2, 2: 1}
    assert desk.problems() == []
    assert desk.state(accepted) == COMPLETED


@pytest.mark.parametrize("is_about_another_order", [False, True])
def test_what_was_wrong_with_a_parcel_is_over_once_the_forerunner_of_its_message_moves_it(
    desk: Desk,
    accepted: CentraOrder,
    say: Callable[..., Despatch],
    box: Callable[..., Parcel],
    is_about_another_order: bool,
) -> None:
    first, second = desk.skus[:2]
    other = desk.order((first, 2), (second, 1))
    desk.relay_orders()
    whole = [(1, first, 2), (2, second, 1)]
    accepted.lines[0].demand = 2
    say(accepted, box(1, *whole), version=3, supersedes="D-EARLIER", sequence=9)
    desk.relay_despatches()
    blocked = desk.problems("D-EARLIER")
    accepted.lines[0].demand = 0
    say(
        other if is_about_another_order else accepted,
        box(1, *whole, label="SM-EARLIER"),
        despatch_id="D-EARLIER",
        version=2,
        supersedes="D-FIRST",
        sequence=8,
    )

    for _ in range(30):
        desk.relay_despatches()
        desk.wait(60)

    assert blocked == ["stock_not_allocated"]
    assert desk.state(accepted) == COMPLETED
    assert desk.problems() == (["corrects_another_order"] if is_about_another_order else [])


@pytest.mark.parametrize("last", [1, 2])
def test_a_chain_that_centra_was_sent_before_its_forerunners_came_is_sent_once(
    desk: Desk,
    accepted: CentraOrder,
    say: Callable[..., Despatch],
    box: Callable[..., Parcel],
    last: int,
) -> None:
    first, second = desk.skus[:2]
    whole = box(1, (1, first, 2), (2, second, 1))
    chain = {version: f"D-{version}" for version in (3, *([2, 1] if last == 1 else [1, 2]))}
    for version, despatch_id in chain.items():
        say(
            accepted,
            whole,
            despatch_id=despatch_id,
            version=version,
            sequence=version,
            supersedes=chain.get(version - 1),
        )
        desk.relay_despatches()

    assert len(accepted.shipments) == 1
    assert desk.state(accepted) == COMPLETED
    assert desk.problems() == []


@pytest.mark.parametrize("is_told_between", [False, True])
def test_messages_in_any_order_end_in_the_same_true_state(
    desk: Desk, is_told_between: bool, box: Callable[..., Parcel]
) -> None:
    desk.world.settings.speed = 1e-6
    first, second = desk.skus[:2]
    orders_of_arrival = list(itertools.permutations(range(4)))
    placed = [desk.order((first, 2), (second, 1)) for _ in orders_of_arrival]
    desk.relay_orders()
    ends = set()
    for order, arrival in zip(placed, orders_of_arrival, strict=True):
        number = f"C{order.number}"
        half: dict[str, Any] = {"order_number": number, "despatched_at": desk.clock(), "version": 1}
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
                inbox.receive(tx, messages[place])
            despatches.apply_despatches(desk.link)
            if is_told_between:
                completion.complete_shipments(desk.link)
        completion.complete_shipments(desk.link)
        labels = sorted(shipment.info["trackingNumber"][0] for shipment in order.shipments)
        ends.add((desk.state(order), tuple(desk.units_in_centra(order).values()), *labels))

    untold = {(COMPLETED, (2, 1), "B", "C", "D")}
    told_early = {(COMPLETED, (2, 1), "A", "C", "D")}
    assert ends == (untold | told_early if is_told_between else untold)
