"""What a message cannot rightly say is told to a person, and stands in no other parcel's way."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from centra_whistl_dagster.domain.orders.despatches import Despatch, Parcel
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.simulator.wire.fault_rules import FaultKind
from centra_whistl_dagster.simulator.world.world import CentraOrder
from centra_whistl_dagster.workflows.due import parcels_due
from centra_whistl_dagster.workflows.shipments import completion, despatches

if TYPE_CHECKING:
    from centra_whistl_dagster_tests.workflows.conftest import Desk

COMPLETED = OrderState.COMPLETED


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
    desk: Desk,
    accepted: CentraOrder,
    say: Callable[..., Despatch],
    lines: list[tuple[int, int, int]],
    fault: str,
    box: Callable[..., Parcel],
) -> None:
    healthy = desk.order((desk.skus[2], 1))
    desk.relay_orders()
    wrong = say(accepted, box(1, *((n, desk.skus[sku], q) for n, sku, q in lines)))
    say(healthy, box(1, (1, desk.skus[2], 1)))

    tally = despatches.apply_despatches(desk.link)
    completion.complete_shipments(desk.link)

    assert tally.is_balanced
    assert desk.units_in_centra(accepted) == {1: 0, 2: 0}
    assert desk.units_in_centra(healthy) == {1: 1}
    assert desk.problems(wrong.despatch_id) == ["despatch_differs"]
    assert fault in desk.messages()[0]
    assert desk.state(accepted) == OrderState.DESPATCHED
    assert desk.state(healthy) == COMPLETED


def test_one_good_parcel_does_not_close_the_exception_of_another(
    desk: Desk, accepted: CentraOrder, say: Callable[..., Despatch], box: Callable[..., Parcel]
) -> None:
    first, second = desk.skus[:2]
    say(accepted, box(1, (1, first, 2), carrier=""), box(2, (2, second, 1)))

    despatches.apply_despatches(desk.link)
    completion.complete_shipments(desk.link)

    assert desk.problems() == ["despatch_without_carrier"]
    assert desk.units_in_centra(accepted) == {1: 0, 2: 1}
    assert desk.state(accepted) == OrderState.DESPATCHED


def test_a_line_named_twice_in_one_parcel_is_added_up(
    desk: Desk, accepted: CentraOrder, say: Callable[..., Despatch], box: Callable[..., Parcel]
) -> None:
    first, second = desk.skus[:2]
    say(accepted, box(1, (1, first, 1), (1, first, 1), (2, second, 1)))

    despatches.apply_despatches(desk.link)
    completion.complete_shipments(desk.link)

    assert desk.units_in_centra(accepted) == {1: 2, 2: 1}
    assert desk.state(accepted) == COMPLETED


def test_a_parcel_number_used_twice_in_one_message_is_told(
    desk: Desk, accepted: CentraOrder, say: Callable[..., Despatch], box: Callable[..., Parcel]
) -> None:
    first, second = desk.skus[:2]
    say(accepted, box(1, (1, first, 2)), box(1, (2, second, 1), label="SM2"))

    despatches.apply_despatches(desk.link)
    completion.complete_shipments(desk.link)

    assert desk.problems() == ["despatch_differs"]
    assert desk.units_in_centra(accepted) == {1: 2, 2: 0}
    assert desk.state(accepted) == OrderState.DESPATCHED


def test_a_despatch_of_an_order_nobody_sent_is_kept_and_told_once(
    desk: Desk, say: Callable[..., Despatch], box: Callable[..., Parcel]
) -> None:
    say(None, box(1, (1, desk.skus[0], 1)))

    for _ in range(3):
        despatches.apply_despatches(desk.link)
        desk.wait(60)

    assert desk.problems() == ["despatch_unmatched"]


def test_a_despatch_that_overtakes_the_answer_to_its_order_waits_for_it_quietly(
    desk: Desk, say: Callable[..., Despatch], box: Callable[..., Parcel]
) -> None:
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
    completion.complete_shipments(desk.link)

    assert too_early == (OrderState.IN_DOUBT, [], 0)
    assert in_time == 1
    assert desk.state(order) == COMPLETED
    assert parcels_due(desk.link).total == 0


def test_an_order_is_not_closed_before_the_earlier_of_its_messages_has_come(
    desk: Desk, accepted: CentraOrder, say: Callable[..., Despatch], box: Callable[..., Parcel]
) -> None:
    first, second = desk.skus[:2]
    say(accepted, box(1, (2, second, 1), label="SM-LATER"))
    desk.relay_despatches()
    early = desk.state(accepted)
    say(accepted, box(1, (1, first, 2), label="SM-EARLIER"), is_order_complete=False)
    desk.relay_despatches()

    assert early == OrderState.DESPATCHED
    assert desk.state(accepted) == COMPLETED
    assert desk.units_in_centra(accepted) == {1: 2, 2: 1}


def test_despatches_of_orders_sent_under_an_earlier_prefix_are_applied(
    desk: Desk, accepted: CentraOrder, say: Callable[..., Despatch], box: Callable[..., Parcel]
) -> None:
    first, second = desk.skus[:2]
    desk.reopen(ORDER_NUMBER_PREFIX="UK-")
    say(accepted, box(1, (1, first, 2), (2, second, 1)))
    say(None, box(1, (1, first, 1)))

    despatches.apply_despatches(desk.link)
    completion.complete_shipments(desk.link)

    assert desk.state(accepted) == COMPLETED
    assert desk.problems() == []
