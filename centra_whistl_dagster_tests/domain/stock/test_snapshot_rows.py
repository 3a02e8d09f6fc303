from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from centra_whistl_dagster.domain.stock.availability import Convention
from centra_whistl_dagster.domain.stock.snapshot_rows import against, read_rows

CONTRACT = Convention()


def row(
    sku: Any, on_hand: Any = 12, allocated: Any = 3, quarantined: Any = 1, **more: Any
) -> dict[str, Any]:
    figures = {"on_hand": on_hand, "allocated": allocated, "quarantined": quarantined}
    if all(type(each) is int for each in figures.values()):
        figures["available"] = on_hand - allocated - quarantined
    return {"sku": sku, **figures, "on_order": 5, **more}


def test_rows_become_columns_page_by_page() -> None:
    read = read_rows([[row("A"), row("B", 5, 9, 0)], [row("C")]], CONTRACT)

    assert read.skus == ("A", "B", "C")
    assert read.stock.available.tolist() == [8, -4, 8]
    assert (read.rows, read.bad) == (3, ())


@pytest.mark.parametrize(
    ("case", "bad", "field"),
    [
        ("not a number", row("X", on_hand=float("nan")), "on_hand"),
        ("a fraction", row("X", on_hand=1.5), "on_hand"),
        ("text", row("X", on_hand="12"), "on_hand"),
        ("yes", row("X", on_hand=True), "on_hand"),
        ("nothing", row("X", on_hand=None), "on_hand"),
        ("below none", row("X", on_hand=-1), "on_hand"),
        ("more than 64 bits hold", row("X", on_hand=10**30), "on_hand"),
        ("less than 64 bits hold", row("X", available=-(10**30)), "available"),
        ("more than any warehouse holds", row("X", on_hand=10**9 + 5), "on_hand"),
        ("absent", {"sku": "X", "on_hand": 3}, "allocated"),
        ("available is text", row("X", available="8"), "available"),
        ("contradicting itself", row("X", available=9), "available"),
        ("no SKU", row(None), "sku"),
        ("a blank SKU", row("  "), "sku"),
        ("half a character", row("TEE\ud83d"), "sku"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_row_that_cannot_be_used_is_set_aside_and_the_others_are_read(
    case: str, bad: dict[str, Any], field: str
) -> None:
    read = read_rows([[row("A"), bad, row("B")]], CONTRACT)

    assert read.skus == ("A", "B")
    assert read.rows == 3
    assert [each.field for each in read.bad] == [field]


def test_a_sku_named_twice_with_different_figures_is_not_used() -> None:
    read = read_rows([[row("A"), row("B")], [row("A", 99)]], CONTRACT)

    assert read.skus == ("B",)
    assert "named twice" in read.bad[0].message


def test_a_page_that_came_twice_counts_as_bad_rows_and_changes_no_figure() -> None:
    page = [row("A"), row("B")]

    read = read_rows([page, page], CONTRACT)

    assert read.skus == ("A", "B")
    assert (read.rows, len(read.bad)) == (4, 2)


def test_a_snapshot_without_rows_is_read() -> None:
    read = read_rows([], CONTRACT)

    assert (read.skus, read.rows) == ((), 0)


json_values = st.none() | st.booleans() | st.integers(-5, 50) | st.floats() | st.text(max_size=3)


@settings(deadline=None, derandomize=True, max_examples=150)
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["sku", "on_hand", "allocated", "quarantined", "available", "x"]),
            json_values,
        ),
        max_size=8,
    )
)
def test_whatever_a_row_holds_it_is_used_or_set_aside(rows: list[dict[str, Any]]) -> None:
    read = read_rows([rows], CONTRACT)

    assert read.rows == len(rows)
    stock = read.stock
    assert (stock.available == stock.on_hand - stock.allocated - stock.quarantined).all()
    assert (stock.on_hand >= 0).all()
    assert json.dumps([each.message for each in read.bad])


def test_a_snapshot_is_measured_over_the_skus_that_both_name() -> None:
    measured = against(
        taken_at=datetime(2026, 6, 1, tzinfo=UTC),
        rows_before=5,
        is_in_both=np.array([True, True, True, False, True]),
        available_before=np.array([10, 5, 0, 50, -2]),
        available_now=np.array([4, 0, 7, 0, -9]),
    )

    assert (measured.rows, measured.still_named) == (5, 4)
    assert (measured.in_stock, measured.zeroed) == (2, 1)
    assert (measured.units_before, measured.units_now) == (15, 11)


def test_units_that_our_own_orders_took_are_not_a_drop() -> None:
    measured = against(
        taken_at=datetime(2026, 6, 1, tzinfo=UTC),
        rows_before=2,
        is_in_both=np.array([True, True]),
        available_before=np.array([10, 5]),
        available_now=np.array([0, 0]),
        ours_taken=np.array([10, 2]),
    )

    assert (measured.zeroed, measured.units_now) == (0, 12)
