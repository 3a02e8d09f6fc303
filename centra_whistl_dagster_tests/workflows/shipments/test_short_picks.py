"""Units that the warehouse could not find: told, counted, and closed once they are dealt with."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from centra_whistl_dagster.domain.orders.despatches import Despatch, Parcel, ShortLine
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import order_contents
from centra_whistl_dagster.simulator.centra.rules import cancel_units
from centra_whistl_dagster.simulator.world.world import CentraOrder
from centra_whistl_dagster.workflows.orders import intake
from centra_whistl_dagster.workflows.shipments import despatches

if TYPE_CHECKING:
    from centra_whistl_dagster_tests.workflows.conftest import Desk

COMPLETED = OrderState.COMPLETED


def test_units_the_warehouse_could_not_find_are_told_and_the_rest_completes_the_order(
    desk: Desk, accepted: CentraOrder, say: Callable[..., Despatch], box: Callable[..., Parcel]
) -> None:
    first, second = desk.skus[:2]
    say(accepted, box(1, (1, first, 1), (2, second, 1)), is_order_complete=False)
    desk.relay_despatches()
    missing = ShortLine(line_number=1, sku=first, quantity=1, reason="not found")
    say(accepted, short_lines=(missing,))
    desk.relay_despatches()

    assert desk.problems(str(accepted.number)) == ["short_pick"]
    assert desk.units_in_centra(accepted) == {1: 1, 2: 1}
    assert desk.state(accepted) == COMPLETED


def not_found(desk: Desk, order: CentraOrder) -> dict[int, int]:
    with desk.link.ledger.reading() as tx:
        lines = order_contents.lines(tx, order.order_id)
    return {line.line_number: line.not_found for line in lines}


def test_units_missing_from_one_line_in_two_messages_add_up(
    desk: Desk, accepted: CentraOrder, say: Callable[..., Despatch], box: Callable[..., Parcel]
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
    desk: Desk, accepted: CentraOrder, say: Callable[..., Despatch], box: Callable[..., Parcel]
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
    desk: Desk, accepted: CentraOrder, say: Callable[..., Despatch], box: Callable[..., Parcel]
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
