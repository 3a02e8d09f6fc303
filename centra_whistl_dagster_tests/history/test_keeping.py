"""How long rows are kept, and how large the history becomes."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd
import pytest

from centra_whistl_dagster.history.days import DAY_OF
from centra_whistl_dagster.history.keeping import forecast, kept_for
from centra_whistl_dagster.history.levels import Reading
from centra_whistl_dagster.history.store import History
from centra_whistl_dagster.history.tables import Despatches, Exceptions, Orders
from centra_whistl_dagster_tests.history.conftest import NOON


def test_a_million_skus_every_five_minutes_for_a_year_are_too_much_to_copy() -> None:
    a_year = forecast(skus=1_000_000, changes_per_day=5_760_000, orders_per_day=0, days=365)
    four_months = forecast(skus=1_000_000, changes_per_day=5_760_000, orders_per_day=0, days=120)

    assert a_year.file == pytest.approx(55e9, rel=0.02)
    assert a_year.is_too_large_to_copy
    assert not four_months.is_too_large_to_copy
    assert four_months.seconds_to_copy < 40


def test_orders_despatches_and_exceptions_are_kept_for_good() -> None:
    assert not {Orders, Despatches, Exceptions} & set(kept_for(400, 30))


def test_a_file_of_the_archive_is_remembered_for_longer_than_it_is_kept() -> None:
    """Forgotten earlier, it would be loaded again as a new one."""
    (age,) = [
        age for model, (_, age) in kept_for(400, 30).items() if model.__name__ == "ArchivedFiles"
    ]
    assert age > timedelta(days=30)


def test_only_tables_whose_days_are_written_lose_stock() -> None:
    without_days = {model.__name__ for model in kept_for(400, 30) if model not in DAY_OF}
    assert without_days == {"Loads", "ArchivedFiles"}


def test_growth_is_what_the_last_days_added(history: History) -> None:
    with history.writing() as session:
        for day in range(4):
            at = NOON + timedelta(days=day)
            units = [5, 5 + day, 5 + 2 * day]
            stock = pd.DataFrame(
                {
                    "sku": ["A", "B", "C"],
                    "on_hand": units,
                    "allocated": [0, 0, 0],
                    "quarantined": [0, 0, 0],
                    "available": units,
                }
            )
            session.record_stock_snapshot(
                stock,
                Reading(snapshot_id=f"S{day}", taken_at=at, read_at=at, is_complete=True),
            )

        growth = session.growth()

    assert growth.skus == 3
    assert growth.changes_per_day == pytest.approx(2)


def test_growth_of_a_new_history_is_nothing(history: History) -> None:
    with history.reading() as reader:
        growth = reader.growth()

    assert (growth.skus, growth.changes_per_day, growth.orders_per_day) == (0, 0, 0)
