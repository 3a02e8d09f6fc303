"""How long each table keeps its rows in the file, and how large the file will be.

Rows past their time leave the live file, and with it the published copy; their days' Parquet files
stay. Orders, despatches, exceptions and the counts of calls are kept for good.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from centra_whistl_dagster.history.columns import HistoryTable
from centra_whistl_dagster.history.days import DAY_OF
from centra_whistl_dagster.history.loading_tables import ArchivedFiles
from centra_whistl_dagster.history.tables import Loads, OrderEvents

KEEPS_LOADS_FOR = timedelta(days=30)
"""Nine thousand rows a day that only the data team reads."""

BYTES_PER_CHANGE = 26
"""Measured: one change of one SKU's level in the file, all columns, compressed (`make bench`)."""
BYTES_PER_CHANGE_IN_A_DAYS_FILE = 8
BYTES_PER_ORDER = 700
"""An order with two lines, its moves, despatch, parcel and its share of exceptions."""
COPIES_PER_SECOND = 500_000_000
"""Bytes a second that a slow disk copies; what is larger takes longer to publish."""
LARGEST_TO_COPY = 20_000_000_000
"""Above this the copy takes most of the two minutes between publications: keep fewer days."""


def kept_for(days: int, archive_days: int) -> dict[type[HistoryTable], tuple[str, timedelta]]:
    """Return which column of which table says how old a row is, and how old it may become.

    Args:
        days: what the installation keeps of stock and of moves of orders.
        archive_days: what it keeps of the archive, whose files the history lists.
    """
    by_table: dict[type[HistoryTable], tuple[str, timedelta]] = {
        model: (column, timedelta(days=days))
        for model, column in DAY_OF.items()
        if model is not OrderEvents
    }
    by_table[Loads] = ("loaded_at", KEEPS_LOADS_FOR)
    # A day longer than the files: a file that is still there must not be taken for a new one.
    by_table[ArchivedFiles] = ("loaded_at", timedelta(days=archive_days + 7))
    return by_table


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What the history will take, in bytes, once it has been kept as long as it is to be."""

    file: int
    day_files_per_year: int

    @property
    def seconds_to_copy(self) -> float:
        """What one publication takes, at the speed of a slow disk."""
        return self.file / COPIES_PER_SECOND

    @property
    def is_too_large_to_copy(self) -> bool:
        """Publishing takes most of the time between publications."""
        return self.file > LARGEST_TO_COPY


def forecast(
    *, skus: int, changes_per_day: float, orders_per_day: float, days: int, years: float = 1
) -> Forecast:
    """Say how large the history becomes.

    Args:
        skus: of both systems together, each has a row that holds now.
        changes_per_day: rows that stock gains in a day, in both systems' levels together.
        orders_per_day: orders placed in a day; they are kept for good.
        days: for how many days stock is kept in the file.
        years: for how long orders have come.
    """
    in_file = (skus + changes_per_day * days) * BYTES_PER_CHANGE
    orders = orders_per_day * 365 * years * BYTES_PER_ORDER
    return Forecast(
        file=round(in_file + orders),
        day_files_per_year=round(changes_per_day * 365 * BYTES_PER_CHANGE_IN_A_DAYS_FILE),
    )
