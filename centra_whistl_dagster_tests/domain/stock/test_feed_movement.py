"""What a snapshot's movement is, net of what explains it."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np

from centra_whistl_dagster.domain.stock.feed_movement import (
    Compared,
    Count,
    Measure,
    below_ours,
    measure,
)


def compared(count: int, **columns: Any) -> Compared:
    """SKUs that both snapshots name, at rest but for what is said."""
    known: dict[str, Any] = {
        field.name: np.zeros(count, np.int64) for field in fields(Compared)
    } | {
        "in_now": np.ones(count, bool),
        "in_before": np.ones(count, bool),
        "in_shop": np.zeros(count, bool),
        "on_order_now": np.full(count, -1),
        "on_order_before": np.full(count, -1),
    }
    return Compared(**known | {name: np.array(values) for name, values in columns.items()})


def hits(of: Compared) -> dict[str, tuple[int, int]]:
    """Measures with hits."""
    return {str(name): (count.hits, count.of) for name, count in measure(of).items() if count.hits}


def test_units_that_our_own_orders_took_are_not_a_fall() -> None:
    sold = compared(2, available_before=[10, 5], available_now=[0, 0], taken=[10, 2])

    assert hits(sold) == {"fallen_units": (3, 15)}


def test_where_our_own_orders_are_many_as_many_skus_may_fall_without_them() -> None:
    busy = compared(4, available_before=[9] * 4, available_now=[8, 8, 8, 8], taken=[1, 1, 0, 0])
    quiet = compared(4, available_before=[9] * 4, available_now=[8, 8, 8, 8], taken=[0, 0, 0, 0])

    assert Measure.FALLEN_SKUS not in hits(busy)
    assert hits(quiet)["fallen_skus"] == (4, 4)


def test_goods_in_that_was_on_order_is_not_a_rise() -> None:
    columns: dict[str, Any] = {"available_before": [10, 10], "available_now": [40, 40]}
    announced = compared(2, **columns, on_order_before=[30, 30], on_order_now=[0, 10])

    assert hits(announced) == {
        "risen_skus": (1, 2),
        "leapt": (1, 2),
        "risen_units": (10, 20),
    }


def test_more_on_order_explains_no_rise() -> None:
    grown = compared(
        1, available_before=[10], available_now=[100], on_order_before=[3], on_order_now=[30]
    )

    assert hits(grown)["risen_units"] == (90, 10)


def test_units_back_that_our_orders_took_lately_are_counted_apart() -> None:
    back = compared(3, available_before=[4, 4, 4], available_now=[6, 50, 5], taken_lately=[2, 2, 0])

    assert measure(back)[Measure.UNDONE] == Count(hits=1, of=2)


def test_movements_of_our_own_orders_that_the_snapshot_lacks_are_counted() -> None:
    still = compared(
        3,
        available_before=[4, 4, 4],
        available_now=[4, 3, 4],
        on_hand_before=[9, 9, 9],
        on_hand_now=[9, 9, 8],
        taken=[1, 1, 0],
        left=[0, 1, 1],
    )

    assert measure(still)[Measure.UNMOVED] == Count(hits=2, of=4)


def test_rows_with_fewer_units_allocated_than_ours_are_named() -> None:
    rows = compared(3, allocated_now=[2, 0, 5], reserved=[2, 1, 3])

    assert below_ours(rows).tolist() == [False, True, False]
    assert measure(rows)[Measure.UNALLOCATED] == Count(hits=1, of=3)


def test_allocated_units_are_counted_net_of_our_own_orders() -> None:
    rows = compared(2, allocated_before=[10, 10], allocated_now=[12, 25], taken=[2, 3], left=[0, 1])

    assert measure(rows)[Measure.ALLOCATED_UNITS] == Count(hits=13, of=20)


def test_a_sku_that_the_last_snapshot_lacks_is_compared_with_the_shop() -> None:
    first = compared(
        3,
        in_before=[False] * 3,
        in_shop=[True, True, False],
        shop_free=[8, 3, 0],
        available_now=[0, 4, 9],
    )

    assert hits(first) == {
        "zeroed": (1, 2),
        "plunged": (1, 2),
        "fallen_units": (8, 11),
        "risen_units": (1, 11),
    }


def test_skus_with_stock_that_nothing_named_before_are_counted() -> None:
    some_new = compared(
        3,
        in_before=[True, False, False],
        available_before=[5, 0, 0],
        available_now=[5, 9, 0],
    )

    assert measure(some_new)[Measure.NEW_SKUS] == Count(hits=1, of=1)
