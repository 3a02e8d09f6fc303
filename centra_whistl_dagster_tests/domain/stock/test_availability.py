from __future__ import annotations

from dataclasses import astuple
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from centra_whistl_dagster.domain.stock.arrays import Ints
from centra_whistl_dagster.domain.stock.availability import (
    CentraStock,
    Convention,
    LineStanding,
    OurUnits,
    Reconciled,
    WarehouseStock,
    adds_up,
    in_contract_terms,
    reconcile,
    units_of_line,
)


def one(units: int) -> Ints:
    """A catalogue of one SKU, or an order of one line."""
    return np.array([units])


def values(*arrays: NDArray[Any]) -> tuple[int | bool, ...]:
    """The only element of each."""
    return tuple(array.item() for array in arrays)


def ours(
    *, held: int = 0, left: int = 0, reserved: int = 0, in_flight: int = 0, blocked: int = 0
) -> OurUnits:
    return OurUnits(
        held=one(held),
        left=one(left),
        reserved=one(reserved),
        in_flight=one(in_flight),
        blocked=one(blocked),
    )


def centra(*, physical: int, allocated: int) -> CentraStock:
    return CentraStock(physical=one(physical), allocated=one(allocated))


def row(on_hand: int, allocated: int, quarantined: int, available: int) -> WarehouseStock:
    return WarehouseStock(
        on_hand=one(on_hand),
        allocated=one(allocated),
        quarantined=one(quarantined),
        available=one(available),
    )


def line(
    *,
    wanted: int = 3,
    completed: int = 0,
    sent: int = 0,
    taken: int = 0,
    despatched: int = 0,
    is_blocked: bool = False,
) -> LineStanding:
    return LineStanding(
        wanted=one(wanted),
        completed=one(completed),
        sent=one(sent),
        taken=one(taken),
        despatched=one(despatched),
        is_blocked=np.array([is_blocked]),
    )


@pytest.mark.parametrize(
    ("case", "standing", "expected"),
    [
        ("not sent yet", line(), (0, 0, 0, 3, 0)),
        ("blocked", line(is_blocked=True), (0, 0, 0, 0, 3)),
        ("sent, not allocated at the snapshot", line(sent=3), (0, 0, 0, 3, 0)),
        ("allocated at the snapshot", line(sent=3, taken=3), (3, 0, 3, 0, 0)),
        ("allocated in part", line(sent=3, taken=2), (2, 0, 2, 1, 0)),
        ("gone, not completed", line(sent=3, taken=3, despatched=3), (3, 0, 0, 0, 0)),
        ("gone and completed", line(sent=3, taken=3, despatched=3, completed=3), (0, 0, 0, 0, 0)),
        ("completed since the snapshot", line(sent=3, completed=3), (0, 3, 0, 0, 0)),
        (
            "one parcel of two completed",
            line(sent=3, taken=3, despatched=1, completed=1),
            (2, 0, 2, 0, 0),
        ),
        (
            "cancelled in Centra, Whistl may still pick it",
            line(wanted=0, sent=3),
            (0, 3, 0, 0, 0),
        ),
        ("cancelled in Centra, allocated", line(wanted=0, sent=3, taken=3), (0, 0, 3, 0, 0)),
        ("cancelled everywhere", line(wanted=0), (0, 0, 0, 0, 0)),
        ("one unit cancelled after it was sent", line(wanted=2, sent=3), (0, 1, 0, 2, 0)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_unit_of_an_order_line_has_one_place(
    case: str, standing: LineStanding, expected: tuple[int, ...]
) -> None:
    units = units_of_line(standing)

    columns = (units.held, units.left, units.reserved, units.in_flight, units.blocked)
    assert values(*columns) == expected


def test_the_shop_shows_what_is_available_less_orders_whistl_does_not_have_yet_and_the_buffer() -> (
    None
):
    units = ours(held=7, reserved=5, in_flight=4, blocked=1)

    steps = reconcile(
        row(120, 14, 2, 104), units, centra(physical=115, allocated=12), buffer=one(3)
    )

    assert steps.physical - 12 == 104 - 5 - 3
    assert values(steps.physical, steps.change, steps.needs_write) == (108, -7, True)


def test_the_same_sum_by_what_is_in_the_building() -> None:
    units = ours(held=7, reserved=5, in_flight=4, blocked=1)
    shipped_not_completed, other_channels, buffer = 7 - 5, 14 - 5, 3

    steps = reconcile(row(120, 14, 2, 104), units, centra(physical=115, allocated=12), one(buffer))

    assert steps.physical == 120 - 2 - other_channels + shipped_not_completed - buffer


def test_more_sold_than_there_is_is_oversold_and_written_as_it_is() -> None:
    units = ours(held=2, reserved=2, in_flight=5)

    steps = reconcile(row(5, 3, 0, 2), units, centra(physical=9, allocated=7), buffer=one(4))

    assert values(steps.oversold, steps.physical, steps.buffer_used) == (3, 4, 0)


def test_a_buffer_alone_oversells_nothing_and_stops_at_nothing_for_sale() -> None:
    units = ours(held=2, reserved=2)

    steps = reconcile(row(5, 2, 0, 3), units, centra(physical=5, allocated=2), buffer=one(10))

    assert values(steps.oversold, steps.buffer_used, steps.physical) == (0, 3, 2)


def test_negative_availability_never_writes_a_negative_quantity() -> None:
    steps = reconcile(row(7, 15, 0, -8), ours(), centra(physical=5, allocated=0), buffer=one(0))

    assert values(steps.physical, steps.needs_write) == (0, True)


def test_a_quantity_that_centra_raised_to_its_allocated_is_not_written_again_and_again() -> None:
    units = ours(in_flight=7)

    steps = reconcile(row(5, 0, 0, 5), units, centra(physical=7, allocated=7), buffer=one(0))

    assert steps.oversold == 2
    assert not steps.needs_write


def test_a_catalogue_gives_what_each_sku_alone_gives() -> None:
    numbers = np.random.default_rng(3).integers(0, 30, (9, 500))
    on_hand, allocated, quarantined, held, left, in_flight, physical, sold, buffer = numbers

    def steps(at: slice) -> Reconciled:
        zero = np.zeros_like(held[at])
        return reconcile(
            WarehouseStock(
                on_hand=on_hand[at],
                allocated=allocated[at],
                quarantined=quarantined[at],
                available=(on_hand - allocated - quarantined)[at],
            ),
            OurUnits(
                held=held[at], left=left[at], reserved=zero, in_flight=in_flight[at], blocked=zero
            ),
            CentraStock(physical=physical[at], allocated=sold[at]),
            buffer[at],
        )

    whole = steps(slice(None))
    for name in ("physical", "oversold", "buffer_used", "needs_write", "change"):
        alone = [getattr(steps(slice(at, at + 1)), name).item() for at in range(500)]
        assert alone == getattr(whole, name).tolist()


@pytest.mark.parametrize(
    ("case", "reported", "convention", "expected"),
    [
        ("the contract's own", row(120, 14, 2, 104), Convention(), row(120, 14, 2, 104)),
        (
            "quarantine outside on hand",
            row(118, 14, 2, 104),
            Convention(on_hand_includes_quarantine=False),
            row(120, 14, 2, 104),
        ),
        (
            "shipped units still counted as allocated",
            row(120, 60, 2, 104),
            Convention(allocated_includes_shipped=True),
            row(120, 14, 2, 104),
        ),
        (
            "shown as none where below none",
            row(7, 15, 0, 0),
            Convention(available_clamped=True),
            row(7, 15, 0, -8),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_another_warehouses_words_come_out_in_the_contracts_meaning(
    case: str, reported: WarehouseStock, convention: Convention, expected: WarehouseStock
) -> None:
    assert adds_up(reported, convention)
    assert astuple(in_contract_terms(reported, convention)) == astuple(expected)


def test_a_row_that_contradicts_itself_is_found() -> None:
    assert not adds_up(row(120, 14, 2, 105), Convention())
    assert not adds_up(row(7, 15, 0, 0), Convention())
    assert not adds_up(row(7, 0, 0, 9), Convention(allocated_includes_shipped=True))
