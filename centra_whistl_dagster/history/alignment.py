# ruff: noqa: S608  -- names of tables and columns come from our own code, never from a record.
"""Join tables on the SKU, in DuckDB because nothing else joins a million rows as fast.

Does not belong here: arithmetic on the columns (`domain.stock.availability`), so that every number
is calculated in one place only.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any, TypeAlias

import duckdb
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

SkuTable: TypeAlias = "pa.Table | pd.DataFrame"


def align(
    whole: Mapping[str, SkuTable],
    beside: Mapping[str, SkuTable],
    *,
    threads: int | None = None,
) -> pa.Table:
    """Join tables on `sku`.

    Works in memory: it locks no file and waits for none.

    Args:
        whole: tables of which every SKU is kept.
        beside: tables whose SKUs count only where one of `whole` has them too.
        threads: how many DuckDB uses; None: one for each core.

    Tables have a text column `sku`, with each SKU once, and integer columns.

    Returns:
        `sku`, `in_<table>` for each table, and `<table>_<column>` for each column, zero where the
        table lacks the SKU: read it together with `in_<table>`, since absent is not zero.
    """
    with closing(duckdb.connect(":memory:")) as con:
        con.execute("SET preserve_insertion_order = false")
        if threads is not None:
            con.execute(f"SET threads = {int(threads)}")
        selected = ["sku"]
        for name, table in (*whole.items(), *beside.items()):
            con.register(f"given_{name}", table)
            columns = [row[0] for row in con.execute(f"DESCRIBE given_{name}").fetchall()]
            con.execute(
                f"CREATE VIEW side_{name} AS SELECT sku, true AS in_{name}, "
                + ", ".join(
                    f'"{column}" AS {name}_{column}' for column in columns if column != "sku"
                )
                + f" FROM given_{name}"
            )
            selected.append(f"coalesce(in_{name}, false) AS in_{name}")
            selected += [
                f"coalesce({name}_{column}, 0)::BIGINT AS {name}_{column}"
                for column in columns
                if column != "sku"
            ]
        joined = " ".join(
            [
                f"side_{next(iter(whole))}",
                *(f"FULL JOIN side_{name} USING (sku)" for name in list(whole)[1:]),
                *(f"LEFT JOIN side_{name} USING (sku)" for name in beside),
            ]
        )
        return con.sql(f"SELECT {', '.join(selected)} FROM {joined}").to_arrow_table()


def columns_of(aligned: pa.Table) -> dict[str, npt.NDArray[Any]]:
    """Return an aligned table's columns, all but the SKUs, as arrays of integers or booleans."""
    return {name: aligned.column(name).to_numpy() for name in aligned.column_names if name != "sku"}
