from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from centra_whistl_dagster.domain.stock.availability import Convention
from centra_whistl_dagster.domain.stock.snapshot_rows import read_rows, set_aside

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


def test_a_number_that_a_column_cannot_hold_stops_its_own_row_alone() -> None:
    read = read_rows([[row("A"), row("X", on_hand=2**31), row("B")]], CONTRACT, most_units=100_000)

    assert read.skus == ("A", "B")
    assert "from 0 to 100,000" in read.bad[0].message


def test_units_on_order_are_read_where_whistl_says_them() -> None:
    read = read_rows(
        [[row("A", on_order=7), row("B", on_order=None), row("C", on_order=-3)]], CONTRACT
    )

    assert read.on_order.tolist() == [7, -1, -1]
    assert read.bad == ()


def test_rows_that_are_set_aside_are_bad_ones_and_the_others_stay() -> None:
    read = read_rows([[row("A"), row("B", allocated=2), row("C")]], CONTRACT)

    left = set_aside(read, np.array([False, True, False]), "only {allocated} are allocated")

    assert left.skus == ("A", "C")
    assert left.stock.available.tolist() == [8, 8]
    assert left.rows == 3
    assert [(each.sku, each.message) for each in left.bad] == [("B", "only 2 are allocated")]
