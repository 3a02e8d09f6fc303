"""What is kept of each SKU's position: a row when it changes, and none when it does not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pandas as pd

from centra_whistl_dagster.workflows.stock.positions import (
    COLUMNS,
    position_changes,
    with_positions,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ORDINARY: dict[str, Any] = {
    "sku": "TEE-S",
    "in_whistl": True,
    "in_centra": True,
    "physical": 9,
    "centra_physical": 9,
    "centra_allocated": 2,
    "buffer_used": 0,
    "oversold": 0,
    "per_hour": 0.5,
}


def steps(*changes: dict[str, Any], unfinished: tuple[str, ...] = ()) -> pd.DataFrame:
    return with_positions(pd.DataFrame([ORDINARY | change for change in changes]), unfinished)


def changes(
    now: pd.DataFrame, before: pd.DataFrame | None, *, is_whole: bool = True
) -> list[dict[str, Any]]:
    found = position_changes(now, before, NOON, is_whole=is_whole)
    assert tuple(found.columns) == COLUMNS
    return [{str(name): value for name, value in row.items()} for row in found.to_dict("records")]


def test_a_sku_of_which_nothing_is_oversold_withheld_or_unwritten_leaves_no_row() -> None:
    assert changes(steps({}), None) == []


def test_a_position_is_kept_once_until_it_changes() -> None:
    first = steps({"buffer_used": 3})
    (row,) = changes(first, None)
    assert (row["withheld_before"], row["withheld_units"]) == (0, 3)
    assert row["demand_in_30_days"] == 360
    assert changes(first, first) == []
    (row,) = changes(steps({"buffer_used": 1}), first)
    assert (row["withheld_before"], row["withheld_units"]) == (3, 1)


def test_a_figure_that_could_not_be_written_waits_until_it_is() -> None:
    waiting = steps({"physical": 4}, unfinished=("TEE-S",))
    (row,) = changes(waiting, None)
    assert (row["unwritten_before"], row["unwritten_units"]) == (0, 5)
    (row,) = changes(steps({"physical": 4, "centra_physical": 4}), waiting)
    assert (row["unwritten_before"], row["unwritten_units"]) == (5, 0)


def test_a_buffer_that_takes_the_last_units_off_sale_is_noticed_both_ways() -> None:
    sold_out = steps({"buffer_used": 1, "physical": 2, "centra_physical": 2})
    (row,) = changes(sold_out, None)
    assert (row["was_sold_out_by_buffer"], row["is_sold_out_by_buffer"]) == (False, True)
    (row,) = changes(steps({"buffer_used": 1}), sold_out)
    assert (row["was_sold_out_by_buffer"], row["is_sold_out_by_buffer"]) == (True, False)


def test_a_sku_that_only_one_system_has_is_neither_oversold_nor_withheld() -> None:
    assert changes(steps({"in_whistl": False, "oversold": 9, "buffer_used": 1}), None) == []


def test_a_sku_that_neither_system_has_any_more_ends_at_nothing() -> None:
    before = steps({"oversold": 2}, {"sku": "TEE-M"})
    only_the_other = steps({"sku": "TEE-M"})
    assert changes(only_the_other, before, is_whole=False) == []
    (row,) = changes(only_the_other, before)
    assert (row["sku"], row["oversold_before"], row["oversold_units"]) == ("TEE-S", 2, 0)


def test_a_sync_kept_before_positions_were_counts_as_nothing() -> None:
    before = pd.DataFrame([ORDINARY])
    (row,) = changes(steps({"oversold": 2}), before)
    assert (row["oversold_before"], row["oversold_units"]) == (0, 2)
    mixed = pd.concat([before.assign(sku="OLD"), steps({})], ignore_index=True)
    (row,) = changes(steps({"sku": "OLD", "oversold": 1}, {}), mixed)
    assert (row["sku"], row["oversold_before"]) == ("OLD", 0)
