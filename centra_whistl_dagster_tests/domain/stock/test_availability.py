from __future__ import annotations

import numpy as np
import pytest

from centra_whistl_dagster.domain.stock.availability import (
    CentraStock,
    Convention,
    LineStanding,
    OurUnits,
    WarehouseStock,
    adds_up,
    in_contract_terms,
    reconcile,
    units_of_line,
)

NO_ORDERS = OurUnits(held=0, left=0, reserved=0, in_flight=0, blocked=0)


def row(on_hand: int, allocated: int, quarantined: int, available: int) -> WarehouseStock:
    return WarehouseStock(
        on_hand=on_hand, allocated=allocated, quarantined=quarantined, available=available
    )


def line(**changes: int) -> LineStanding:
    nothing = {
        "wanted": 3, "completed": 0, "sent": 0, "taken": 0, "despatched": 0, "is_blocked": 0,
    }  # fmt: skip
    return LineStanding(**{**nothing, **changes})


@pytest.mark.parametrize(
    ("case", "standing", "expected"),
    [
        ("not sent yet", line(), (0, 0, 0, 3, 0)),
        ("blocked", line(is_blocked=1), (0, 0, 0, 0, 3)),
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

    got = (units.held, units.left, units.reserved, units.in_flight, units.blocked)
    assert got == expected


def test_the_shop_shows_what_is_available_less_what_whistl_was_not_told_and_the_buffer() -> None:
    ours = OurUnits(held=7, left=0, reserved=5, in_flight=4, blocked=1)

    steps = reconcile(row(120, 14, 2, 104), ours, CentraStock(physical=115, allocated=12), 3)

    assert steps.physical - 12 == 104 - 5 - 3
    assert (steps.physical, steps.change, steps.needs_write) == (108, -7, True)


def test_the_same_sum_by_what_is_in_the_building() -> None:
    ours = OurUnits(held=7, left=0, reserved=5, in_flight=4, blocked=1)
    shipped_not_completed, other_channels, buffer = 7 - 5, 14 - 5, 3

    steps = reconcile(row(120, 14, 2, 104), ours, CentraStock(physical=115, allocated=12), buffer)

    assert steps.physical == 120 - 2 - other_channels + shipped_not_completed - buffer


def test_more_sold_than_there_is_is_oversold_and_written_as_it_is() -> None:
    ours = OurUnits(held=2, left=0, reserved=2, in_flight=5, blocked=0)

    steps = reconcile(row(5, 3, 0, 2), ours, CentraStock(physical=9, allocated=7), 4)

    assert (steps.oversold, steps.physical, steps.buffer_used) == (3, 4, 0)


def test_a_buffer_alone_oversells_nothing_and_stops_at_nothing_for_sale() -> None:
    ours = OurUnits(held=2, left=0, reserved=2, in_flight=0, blocked=0)

    steps = reconcile(row(5, 2, 0, 3), ours, CentraStock(physical=5, allocated=2), 10)

    assert (steps.oversold, steps.buffer_used, steps.physical) == (0, 3, 2)


def test_negative_availability_never_writes_a_negative_quantity() -> None:
    steps = reconcile(row(7, 15, 0, -8), NO_ORDERS, CentraStock(physical=5, allocated=0), 0)

    assert (steps.physical, steps.needs_write) == (0, True)


def test_a_quantity_that_centra_lifted_to_its_allocated_is_not_written_again_and_again() -> None:
    ours = OurUnits(held=0, left=0, reserved=0, in_flight=7, blocked=0)

    steps = reconcile(row(5, 0, 0, 5), ours, CentraStock(physical=7, allocated=7), 0)

    assert steps.oversold == 2
    assert not steps.needs_write


def test_a_column_gives_what_each_number_gives() -> None:
    numbers = np.random.default_rng(3).integers(0, 30, (9, 500))
    on_hand, allocated, quarantined, held, left, in_flight, physical, sold, buffer = numbers

    def steps(at: int | slice) -> object:
        return reconcile(
            WarehouseStock(
                on_hand=on_hand[at],
                allocated=allocated[at],
                quarantined=quarantined[at],
                available=(on_hand - allocated - quarantined)[at],
            ),
            OurUnits(held=held[at], left=left[at], reserved=0, in_flight=in_flight[at], blocked=0),
            CentraStock(physical=physical[at], allocated=sold[at]),
            buffer[at],
        )

    whole = steps(slice(None))
    for name in ("physical", "oversold", "buffer_used", "needs_write", "change"):
        assert [getattr(steps(at), name) for at in range(500)] == getattr(whole, name).tolist()


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
    assert in_contract_terms(reported, convention) == expected


def test_a_row_that_contradicts_itself_is_found() -> None:
    assert not adds_up(row(120, 14, 2, 105), Convention())
    assert not adds_up(row(7, 15, 0, 0), Convention())
    assert not adds_up(row(7, 0, 0, 9), Convention(allocated_includes_shipped=True))
