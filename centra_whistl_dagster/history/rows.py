"""What becomes of the rows of one load: which are good, which break a rule, and the counts.

Writing the good ones is in `loading`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache

import pandas as pd
import pandera.pandas as pa

from centra_whistl_dagster.history.columns import (
    HistoryTable,
    columns_of,
    key_of,
    moments_of,
    table_name,
)
from centra_whistl_dagster.history.errors import FrameRefused


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFailure:
    """One row that was left out, and the rule it breaks. The value itself is not repeated."""

    table_name: str
    key: str
    column: str
    """Blank when the rule is about the whole row."""
    rule: str

    def __str__(self) -> str:
        place = f"column '{self.column}'" if self.column else "the row"
        return f"{self.table_name} {self.key}: {place} breaks '{self.rule}'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One load of one table. Every row read is written, unchanged, skipped or failed."""

    load_id: int
    table_name: str
    loaded_at: datetime
    read: int
    written: int
    unchanged: int
    skipped: int = 0
    removed: int = 0
    """Rows the source no longer has, deleted or marked absent; not among those read."""
    failures: tuple[RowFailure, ...] = ()
    """At most one for each rule a row breaks."""
    failed: int = 0

    def __post_init__(self) -> None:
        accounted = self.written + self.unchanged + self.skipped + self.failed
        if self.read != accounted:
            raise ValueError(f"{self.table_name}: {self.read} rows read, {accounted} accounted for")


@dataclass(frozen=True, slots=True, kw_only=True)
class SortedRows:
    """The rows of a frame that keep the table's rules, and those that break one."""

    good: pd.DataFrame
    """In the model's exact types."""
    bad: pd.DataFrame
    """As offered."""
    failures: tuple[RowFailure, ...]


def sort_rows(model: type[HistoryTable], frame: pd.DataFrame) -> SortedRows:
    """Separate the rows that break a rule of the table, so that they delay no other.

    Raises:
        FrameRefused: a column is missing, unexpected, or holds times without a zone. That is a
            mistake of the caller and concerns every row.
    """
    offered = frame.reset_index(drop=True)
    _refuse_wrong_columns(model, offered)
    if offered.empty:
        return SortedRows(good=_no_rows(model).copy(), bad=offered, failures=())
    bad: set[int] = set()
    failures: list[RowFailure] = []
    while True:
        remaining = offered.drop(index=sorted(bad))
        try:
            good = model.validate(remaining, lazy=True)
        except pa.errors.SchemaErrors as error:
            cases = error.failure_cases.dropna(subset=["index"])
            if cases.empty:
                raise FrameRefused(f"{table_name(model)}: {error}") from error
            failures.extend(_failures(model, offered, cases))
            bad.update(int(index) for index in cases["index"])
        else:
            return SortedRows(good=good, bad=offered.loc[sorted(bad)], failures=tuple(failures))


@cache
def _no_rows(model: type[HistoryTable]) -> pd.DataFrame:
    """Return a frame without rows, typed as the table: most loads of most tables have none."""
    return model.validate(pd.DataFrame(columns=[column.name for column in columns_of(model)]))


def _refuse_wrong_columns(model: type[HistoryTable], frame: pd.DataFrame) -> None:
    expected = set(model.to_schema().columns)
    missing, unexpected = expected - set(frame.columns), set(frame.columns) - expected
    if missing or unexpected:
        raise FrameRefused(
            f"{table_name(model)}: columns missing {sorted(missing)}, unexpected "
            f"{sorted(unexpected)}. The load must match the model {model.__name__}."
        )
    for name in moments_of(model):
        column = frame[name]
        # Pandera would silently take a time without a zone for UTC.
        if not (isinstance(column.dtype, pd.DatetimeTZDtype) or column.isna().all()):
            raise FrameRefused(
                f"{table_name(model)}: column '{name}' must hold times with a zone, not "
                f"'{column.dtype}'."
            )


def _failures(
    model: type[HistoryTable], offered: pd.DataFrame, cases: pd.DataFrame
) -> list[RowFailure]:
    is_one_column = cases["schema_context"] == "Column"
    places = cases.assign(column=cases["column"].where(is_one_column, ""))
    distinct = places.drop_duplicates(["index", "column", "check"]).sort_values("index")
    keys = list(key_of(model))
    return [
        RowFailure(
            table_name=table_name(model),
            key=", ".join(f"{name}={offered.loc[int(index), name]!s}" for name in keys),
            column=str(column),
            rule=str(rule),
        )
        for index, column, rule in zip(
            distinct["index"], distinct["column"], distinct["check"], strict=True
        )
    ]
