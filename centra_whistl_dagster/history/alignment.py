# ruff: noqa: S608  -- names of tables and columns are this connection's own, never a record's.
"""Bring columns about one SKU, from wherever they come, into one row.

Belongs here: the join, which nothing else does as fast. Does not belong here: arithmetic on the
columns (`domain.stock.availability`), so that every number is worked out in one place only.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any

import duckdb


def align(
    whole: Mapping[str, Any], beside: Mapping[str, Any], *, threads: int | None = None
) -> Any:
    """Join tables on `sku`.

    Works in memory, so that no file is locked and nothing waits for it.

    Args:
        whole: tables of which every SKU is kept: each gives a row, whoever else has the SKU.
        beside: tables whose SKUs count only where one of `whole` has them too.
        threads: as many as there are cores when left out.

    Tables are Arrow tables or pandas frames with a text column `sku`, each SKU once, and integer
    columns. Returns an Arrow table of `sku`, `in_<table>` for each table, and `<table>_<column>`
    for each column, zero where the table lacks the SKU: read it together with `in_<table>`, since
    absent is not zero.
    """
    with closing(duckdb.connect(":memory:")) as con:
        con.execute("SET preserve_insertion_order = false")
        if threads is not None:
            con.execute(f"SET threads = {int(threads)}")
        picked = ["sku"]
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
            picked.append(f"coalesce(in_{name}, false) AS in_{name}")
            picked += [
                f"coalesce({name}_{column}, 0)::INTEGER AS {name}_{column}"
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
        return con.sql(f"SELECT {', '.join(picked)} FROM {joined}").to_arrow_table()


def columns_of(aligned: Any) -> dict[str, Any]:
    """Return an aligned table's columns, but for the SKUs, as numpy arrays."""
    return {name: aligned.column(name).to_numpy() for name in aligned.column_names if name != "sku"}
