"""One day of the history is loaded again; the days around it stay as they are."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from centra_whistl_dagster.history.stock_tables import Divergence, StockLevels
from centra_whistl_dagster.workflows.stock import archive
from centra_whistl_dagster.workflows.stock.cadence_record import decide_and_record
from centra_whistl_dagster.workflows.stock.divergence import measure_divergence
from centra_whistl_dagster.workflows.upkeep import history
from centra_whistl_dagster.workflows.upkeep.history_of_day import DayNotKept, load_day
from centra_whistl_dagster_tests.workflows.conftest import Desk
from centra_whistl_dagster_tests.workflows.upkeep.test_rebuilding_history import (
    load,
    rows,
    sync,
)

DAY = timedelta(days=1)


def three_days(desk: Desk) -> date:
    """Return the middle one."""
    for number in range(3):
        desk.order((desk.skus[number], 1))
        desk.relay(2, every=30)
        sync(desk)
        measure_divergence(desk.link)
        decide_and_record(desk.link)
        load(desk)
        desk.clock.advance(86_000)
    desk.live_on(3)
    load(desk)
    return (desk.clock() - 2 * DAY).date()


def test_loading_a_day_again_changes_nothing_where_nothing_was_wrong(desk: Desk) -> None:
    day = three_days(desk)
    before = rows(desk)

    for at in (day - DAY, day, day + DAY):
        load_day(desk.link, history.open_history(desk.link), at)

    assert rows(desk) == before


def test_a_day_whose_rows_were_changed_by_hand_is_as_it_was(desk: Desk) -> None:
    day = three_days(desk)
    before = rows(desk)
    with history.open_history(desk.link).writing() as session:
        for damage in (
            "UPDATE stock_levels SET on_hand = 7_000 WHERE valid_from::DATE = ?",
            "UPDATE stock_levels SET valid_to = NULL WHERE valid_to::DATE = ?",
            "DELETE FROM centra_levels WHERE valid_from::DATE = ?",
            "DELETE FROM order_events WHERE moved_at::DATE = ?",
            "DELETE FROM comparison_causes WHERE compared_at::DATE = ?",
            "UPDATE comparison_units SET units = 0 WHERE compared_at::DATE = ?",
            "UPDATE stock_positions SET oversold_units = 9 WHERE changed_at::DATE = ?",
            "UPDATE cadence_decisions SET ticks = 99 WHERE decided_at::DATE = ?",
            "DELETE FROM api_calls WHERE hour::DATE = ?",
            "UPDATE order_stage_days SET orders = 99 WHERE day <= ?",
        ):
            session._con.execute(damage, [day])
    assert rows(desk) != before

    load_day(desk.link, history.open_history(desk.link), day)

    assert rows(desk) == before


def test_a_day_whose_readings_are_gone_keeps_its_stock_and_says_so(desk: Desk) -> None:
    day = three_days(desk)
    before = rows(desk)
    folder = desk.link.settings.archive_path
    for path in (folder / archive.WHISTL_STOCK / f"{day}").glob("*.parquet"):
        path.unlink()

    with pytest.raises(DayNotKept, match="no longer in the archive"):
        load_day(desk.link, history.open_history(desk.link), day)

    assert rows(desk) == before
    assert before[StockLevels.to_schema().name]
    assert before[Divergence.to_schema().name]
