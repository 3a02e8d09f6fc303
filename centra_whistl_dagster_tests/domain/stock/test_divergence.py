from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from centra_whistl_dagster.domain.stock.arrays import Ints
from centra_whistl_dagster.domain.stock.availability import (
    CentraStock,
    OurUnits,
    Reconciled,
    WarehouseStock,
    reconcile,
)
from centra_whistl_dagster.domain.stock.divergence import LastWrite, explain

few = st.integers(0, 20)


def one(units: int) -> Ints:
    """A catalogue of one SKU."""
    return np.array([units])


def values(*arrays: NDArray[Any]) -> tuple[int | bool, ...]:
    """The only element of each."""
    return tuple(array.item() for array in arrays)


def last_write(*, physical_now: int, not_taken: int) -> LastWrite:
    return LastWrite(
        is_known=np.array([True]), physical_now=one(physical_now), not_taken=one(not_taken)
    )


NEVER_WRITTEN = LastWrite(is_known=np.array([False]), physical_now=one(0), not_taken=one(0))


@settings(max_examples=300)
@given(st.lists(st.tuples(*[few] * 15), min_size=1, max_size=20))
def test_the_causes_add_up_to_each_difference_whatever_the_numbers_are(
    rows: list[tuple[int, ...]],
) -> None:
    (
        on_hand, allocated, quarantined, held, left, reserved, in_flight, blocked,
        physical, centra_allocated, buffer, known, written, not_taken, placed,
    ) = np.array(rows).T  # fmt: skip
    steps = reconcile(
        WarehouseStock(
            on_hand=on_hand,
            allocated=allocated,
            quarantined=quarantined,
            available=on_hand - allocated - quarantined,
        ),
        OurUnits(held=held, left=left, reserved=reserved, in_flight=in_flight, blocked=blocked),
        CentraStock(physical=physical, allocated=centra_allocated),
        buffer,
    )

    why = explain(
        steps,
        LastWrite(is_known=known % 2 == 1, physical_now=written, not_taken=not_taken - 10),
        placed,
    )

    wrong = why.stale + why.clamped + why.unexplained
    free = physical - centra_allocated
    shared = why.floored - why.buffer + wrong
    in_building = why.shipped_not_completed - why.other_channels - why.quarantined
    unsent = why.in_flight + why.blocked + why.unknown_orders
    assert (wrong == why.wrong).all()
    assert (free - (on_hand - held) == in_building - unsent + shared).all()
    assert (physical - on_hand == in_building + shared).all()
    assert (free - steps.warehouse.available == -why.left - unsent + shared).all()


def ten_at_whistl(*, physical: int, allocated: int, in_flight: int) -> Reconciled:
    ten, none = one(10), one(0)
    return reconcile(
        WarehouseStock(on_hand=ten, allocated=none, quarantined=none, available=ten),
        OurUnits(held=none, left=none, reserved=none, in_flight=one(in_flight), blocked=none),
        CentraStock(physical=one(physical), allocated=one(allocated)),
        buffer=none,
    )


def five_too_many() -> Reconciled:
    """Centra holds fifteen of the ten that are there, and no order is under way."""
    return ten_at_whistl(physical=15, allocated=0, in_flight=0)


def test_a_quantity_that_centra_did_not_take_is_another_cause_than_one_that_moved_since() -> None:
    why = explain(five_too_many(), last_write(physical_now=12, not_taken=2))

    assert values(why.stale, why.clamped, why.unexplained) == (2, 2, 1)


def test_a_difference_on_a_sku_never_written_is_unexplained() -> None:
    why = explain(five_too_many(), NEVER_WRITTEN)

    assert values(why.stale, why.clamped, why.unexplained) == (0, 0, 5)


def allocated(units: int, *, in_flight: int) -> Reconciled:
    """Ten in both systems, some allocated in Centra, some known to be on their way to Whistl."""
    return ten_at_whistl(physical=10, allocated=units, in_flight=in_flight)


@pytest.mark.parametrize(
    ("in_centra", "known", "placed", "in_flight", "unknown"),
    [
        (3, 5, 2, 3, 0),  # placed after Centra was asked
        (4, 5, 2, 4, 0),  # one of the two before
        (5, 5, 2, 5, 0),  # both before
        (2, 5, 2, 3, -1),  # one more is missing in Centra than can be new
        (6, 5, 2, 5, 1),  # Centra has one that nobody knows
    ],
)
def test_an_order_placed_while_stock_was_read_is_no_difference_and_others_are(
    in_centra: int, known: int, placed: int, in_flight: int, unknown: int
) -> None:
    why = explain(allocated(in_centra, in_flight=known), NEVER_WRITTEN, one(placed))

    assert values(why.in_flight, why.unknown_orders) == (in_flight, unknown)
