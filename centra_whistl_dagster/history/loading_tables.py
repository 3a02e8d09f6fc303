# ruff: noqa: D106, RUF012  -- `Config` is where Pandera looks for a name and a key, and it wants a list.
"""The tables of the history about its own loading: how far each table is, and which files are in.

They are written in the transaction that writes the rows they speak of, so neither can be ahead of
the other.
"""

from __future__ import annotations

import pandas as pd
from pandera.typing import Series

from centra_whistl_dagster.history.columns import (
    HistoryTable,
    code,
    count,
    moment,
    remark,
    text,
    yes_no,
)


class Watermarks(HistoryTable):
    """How far one table, with its parts, has been loaded from the ledger."""

    table_name: Series[str] = code("Which table.", str_length={"min_value": 1})
    complete_until: Series[pd.DatetimeTZDtype] = moment(
        "Everything that the ledger held at this moment is in the table."
    )

    class Config:
        name = "watermarks"
        unique = ["table_name"]


class ArchivedFiles(HistoryTable):
    """One file of the archive of stock readings: it is in the history, or could not be loaded."""

    file: Series[str] = text("Where it is in the archive.", str_length={"min_value": 1})
    kind: Series[str] = code("What it holds.", str_length={"min_value": 1})
    day: Series[str] = text("The day under which it is kept.", str_matches=r"^\d{4}-\d\d-\d\d\Z")
    loaded_at: Series[pd.DatetimeTZDtype] = moment("When it was loaded, or last tried.")
    is_loaded: Series[pd.BooleanDtype] = yes_no("False: see the problem; it is tried again.")
    problem: Series[str] = remark("Why it could not be loaded; blank if it was.")
    attempts: Series[pd.Int64Dtype] = count("How often it was tried.", ge=1)

    class Config:
        name = "archived_files"
        unique = ["file"]
