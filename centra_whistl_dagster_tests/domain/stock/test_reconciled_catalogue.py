from __future__ import annotations

from dataclasses import astuple
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from centra_whistl_dagster.domain.stock.arrays import Ints
from centra_whistl_dagster.domain.stock.catalogue import (
    Columns,
    ReconciledCatalogue,
    preview,
    reconcile_columns,
)
from centra_whistl_dagster.domain.stock.divergence import LastWrite
from centra_whistl_dagster.history.alignment import align, columns_of
from centra_whistl_dagster.history.stock_tables import CAUSES
from centra_whistl_dagster.workflows.stock.divergence import divergence_rows

NEVER_WRITTEN = LastWrite(
    is_known=np.array([False]), physical_now=np.array([0]), not_taken=np.array([0])
)


def whistl(**available: int) -> pa.Table:
    units = list(available.values())
    nothing = [0] * len(units)
    return pa.table(
        {
            "sku": list(available),
            "on_hand": units,
            "allocated": nothing,
            "quarantined": nothing,
            "available": units,
        }
    )


def centra(**levels: tuple[int, int]) -> pa.Table:
    return pa.table(
        {
            "sku": list(levels),
            "physical": [physical for physical, _ in levels.values()],
            "allocated": [allocated for _, allocated in levels.values()],
        }
    )


def ours(**held: int) -> pa.Table:
    nothing = [0] * len(held)
    return pa.table(
        {
            "sku": pa.array(list(held), pa.string()),
            "held": pa.array(list(held.values()), pa.int64()),
            **{name: pa.array(nothing, pa.int64()) for name in ("left", "reserved")},
            **{name: pa.array(nothing, pa.int64()) for name in ("in_flight", "blocked")},
        }
    )


def reconciled(
    one: pa.Table, other: pa.Table, own: pa.Table | None = None, buffer: int = 0
) -> tuple[list[str], ReconciledCatalogue]:
    aligned = align(
        {"whistl": one, "centra": other}, {"ours": ours() if own is None else own}, threads=1
    ).sort_by("sku")
    wanted = np.full(aligned.num_rows, buffer)
    return aligned.column("sku").to_pylist(), reconcile_columns(columns_of(aligned), wanted)


def test_each_side_keeps_its_skus_and_says_which_the_other_lacks() -> None:
    skus, catalogue = reconciled(whistl(A=5, B=6), centra(B=(6, 0), C=(7, 1)))

    assert skus == ["A", "B", "C"]
    assert catalogue.in_whistl.tolist() == [True, True, False]
    assert catalogue.in_centra.tolist() == [False, True, True]


def test_a_sku_that_the_snapshot_does_not_name_is_not_written() -> None:
    skus, catalogue = reconciled(whistl(A=5, B=6), centra(A=(9, 0), B=(6, 0), C=(7, 1)))

    assert [skus[at] for at in catalogue.to_write] == ["A"]


def test_what_already_is_as_it_should_be_is_not_written() -> None:
    _, catalogue = reconciled(whistl(A=5), centra(A=(7, 2)), ours(A=2))

    assert len(catalogue.to_write) == 0


def test_a_sku_of_ours_that_neither_side_has_makes_no_row() -> None:
    skus, _ = reconciled(whistl(A=5), centra(A=(5, 0)), ours(GHOST=2))

    assert skus == ["A"]


def test_a_frame_may_be_aligned_too() -> None:
    frame = pd.DataFrame({"sku": ["A"], "physical": [5], "allocated": [0]})

    aligned = align({"whistl": whistl(A=5), "centra": frame}, {"ours": ours()})

    assert columns_of(aligned)["centra_physical"].tolist() == [5]


def test_a_figure_beyond_32_bits_stops_no_other_sku() -> None:
    most = 2**31

    skus, catalogue = reconciled(
        whistl(A=5, B=most), centra(A=(7, 0), B=(most, 0), C=(10**15, 0)), ours(B=most)
    )

    assert [skus[at] for at in catalogue.to_write] == ["A", "B"]
    assert catalogue.steps.physical.tolist()[:2] == [5, 2 * most]


def test_each_sku_that_differs_is_listed_with_causes_that_add_up() -> None:
    skus, catalogue = reconciled(
        whistl(A=5, B=6, D=9), centra(A=(5, 3), B=(6, 0), C=(7, 1)), ours(A=2), buffer=1
    )

    rows = divergence_rows(skus, catalogue, NEVER_WRITTEN).set_index("sku")

    assert rows.index.tolist() == ["A", "C", "D"]
    assert (rows[list(CAUSES)].sum(axis=1) == rows["difference"]).all()
    assert rows.loc["C", "one_side_only"] == 6
    assert rows.loc["D", "one_side_only"] == -9


def test_the_causes_add_up_whatever_the_figures_are() -> None:
    rng = np.random.default_rng(5)

    def column(high: int = 20) -> Ints:
        return rng.integers(0, high, 400)

    in_whistl, in_centra = rng.random(400) < 0.9, rng.random(400) < 0.9
    on_hand, allocated, quarantined = (column() * in_whistl for _ in range(3))
    columns: Columns = {
        "in_whistl": in_whistl,
        "in_centra": in_centra,
        "whistl_on_hand": on_hand,
        "whistl_allocated": allocated,
        "whistl_quarantined": quarantined,
        "whistl_available": on_hand - allocated - quarantined,
        **{f"centra_{name}": column() * in_centra for name in ("physical", "allocated")},
        **{
            f"ours_{name}": column(8)
            for name in ("held", "left", "reserved", "in_flight", "blocked")
        },
    }
    catalogue = reconcile_columns(columns, column(5))

    rows = divergence_rows(
        np.arange(400),
        catalogue,
        LastWrite(is_known=column(2) == 1, physical_now=column(), not_taken=column(3)),
    )

    assert len(rows) > 300
    assert (rows[list(CAUSES)].sum(axis=1) == rows["difference"]).all()


def test_sums_of_figures_that_fit_32_bits_alone_do_not_overflow() -> None:
    most = np.array([2**31 - 1], dtype=np.int32)
    zero, yes = np.zeros(1, dtype=np.int32), np.array([True])
    columns: dict[str, Any] = {
        "in_whistl": yes,
        "in_centra": yes,
        **{f"whistl_{name}": most for name in ("on_hand", "available")},
        **{f"whistl_{name}": zero for name in ("allocated", "quarantined")},
        **{f"centra_{name}": zero for name in ("physical", "allocated")},
        **{f"ours_{name}": zero for name in ("left", "reserved", "in_flight", "blocked")},
        "ours_held": most,
    }

    steps = reconcile_columns(columns, np.array([0])).steps

    assert steps.true_physical.tolist() == [2**32 - 2]


def test_a_preview_says_what_a_refused_snapshot_would_have_done() -> None:
    _, catalogue = reconciled(whistl(A=0, B=3, C=9), centra(A=(5, 0), B=(6, 1), C=(7, 1), D=(2, 0)))

    seen = preview(catalogue)

    assert astuple(seen) == (1, 2, 1, 2, 8)


@pytest.mark.parametrize("size", [0, 1])
def test_an_empty_catalogue_and_a_single_sku_are_reconciled_too(size: int) -> None:
    levels = centra(**dict.fromkeys(["A"][:size], (1, 0)))

    skus, catalogue = reconciled(whistl(**dict.fromkeys(["A"][:size], 1)), levels)

    assert len(skus) == size
    assert len(catalogue.to_write) == 0
