"""A history that is built again equals the one that was, row by row, whatever went wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd
import pytest

from centra_whistl_dagster.history.columns import columns_of, key_of, table_name
from centra_whistl_dagster.history.rows import Load
from centra_whistl_dagster.history.store import History
from centra_whistl_dagster.history.tables import TABLES, Despatches
from centra_whistl_dagster.ledger import stock
from centra_whistl_dagster.ledger.rows import StockIntent
from centra_whistl_dagster.ledger.states import WriteOutcome
from centra_whistl_dagster.simulator.people.shoppers import ADA
from centra_whistl_dagster.simulator.whistl.snapshots import SnapshotFault, take_snapshot
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.stock import archive
from centra_whistl_dagster.workflows.stock.cadence_record import decide_and_record
from centra_whistl_dagster.workflows.stock.divergence import measure_divergence
from centra_whistl_dagster.workflows.stock.quarantine import quarantined, release
from centra_whistl_dagster.workflows.upkeep import history
from centra_whistl_dagster.workflows.upkeep.history_measurements import load_measurements
from centra_whistl_dagster_tests.workflows.conftest import A_DAY, Desk
from centra_whistl_dagster_tests.workflows.upkeep.conftest import sell_what_is_gone

Rows = dict[str, list[tuple[object, ...]]]
Loader = Callable[[Link, History], list[Load]]

LOADERS: tuple[Loader, ...] = (
    history.load_orders,
    load_measurements,
    history.load_exceptions,
    history.load_stock,
)
NOT_REBUILT = {
    "loads": "each load of the lost history happened once",
    "watermarks": "they say when this history was loaded",
    "archived_files": "they say when this history loaded each file",
}
"""Tables that do not come back, and why. None of them is about the shop."""


def load(desk: Desk, loaders: Iterable[Loader] = LOADERS) -> None:
    file = history.open_history(desk.link)
    for loader in loaders:
        loader(desk.link, file)


def rows(desk: Desk) -> Rows:
    """Every row of the history, sorted by key, except of the tables that are not rebuilt."""
    return {name: found for name, found in all_rows(desk).items() if name not in NOT_REBUILT}


def all_rows(desk: Desk) -> Rows:
    found: Rows = {}
    with history.open_history(desk.link).reading() as reader:
        for model in TABLES:
            frame = reader.table(model).sort_values(list(key_of(model)))
            columns = [column.name for column in columns_of(model)]
            found[table_name(model)] = [
                tuple(None if pd.isna(value) else value for value in row)
                for row in frame[columns].itertuples(index=False)
            ]
    return found


def assert_rebuilt_alike(desk: Desk) -> None:
    before = rows(desk)
    desk.link.settings.history_path.unlink()
    load(desk)
    after = rows(desk)
    lost = {
        name: (len(before[name]), len(after[name]))
        for name in before
        if before[name] != after[name]
    }
    assert lost == {}


def sync(desk: Desk, fault: SnapshotFault | None = None) -> None:
    desk.switch(snapshot_fault=fault)
    with desk.world.lock:
        take_snapshot(desk.world)
    desk.wait(1)
    desk.sync_stock()


def an_hour(desk: Desk, *, but: frozenset[Loader] = frozenset()) -> None:
    """Twice: orders, a stock sync, and every loader but those that fail this hour."""
    for number in range(2):
        desk.order((desk.skus[number], 1))
        desk.relay(2, every=20)
        sync(desk)
        decide_and_record(desk.link)
        desk.clock.advance(1350)
        load(desk, [loader for loader in LOADERS if loader not in but])


def newest(desk: Desk, kind: str) -> Path:
    folder = desk.link.settings.archive_path
    return folder / archive.kept_since(folder, kind, None)[-1]


def test_a_day_with_faults_is_rebuilt_row_by_row(desk: Desk) -> None:
    for failing in ((), (history.load_orders,), (history.load_stock,), (history.load_exceptions,)):
        desk.order(address=ADA | {"city": None})
        an_hour(desk, but=frozenset(failing))
        measure_divergence(desk.link)
    sync(desk, SnapshotFault.TRUNCATED)
    load(desk)
    desk.live_on(3)
    an_hour(desk)
    sell_what_is_gone(desk)
    load(desk)

    assert_rebuilt_alike(desk)
    assert {name for name, found in rows(desk).items() if not found} <= {
        "buffer_changes",
        "days_to_summarise",
        "stock_updates",
    }


def test_what_does_not_come_back_is_what_is_listed(desk: Desk) -> None:
    an_hour(desk)
    measure_divergence(desk.link)
    load(desk)
    before = all_rows(desk)

    desk.clock.advance(60)
    desk.link.settings.history_path.unlink()
    load(desk)

    after = all_rows(desk)
    assert {name for name in before if before[name] != after[name]} == set(NOT_REBUILT)


@pytest.mark.parametrize("settings", [{"corrected_tracking_share": 1.0}], indirect=True)
def test_days_of_corrected_parcels_are_summarised_as_if_all_came_at_once(desk: Desk) -> None:
    for _ in range(3):
        desk.order_some(3)
        desk.relay(3, every=60)
        load(desk)
        desk.wait(A_DAY)
        desk.live_on(2)
        load(desk)
        desk.clock.advance(80_000)
    before = rows(desk)["carrier_days"]
    assert len({row[0] for row in before}) > 1
    with history.open_history(desk.link).reading() as reader:
        assert reader.table(Despatches)["supersedes"].notna().any()

    assert_rebuilt_alike(desk)


def test_a_change_that_was_read_late_is_in_the_summaries(desk: Desk) -> None:
    """Whistl's moments are hours old when its answers are read."""
    desk.order()
    desk.relay_orders()
    load(desk)
    desk.wait(A_DAY)
    desk.clock.advance(50_000)
    load(desk)
    desk.relay(3, every=60)
    load(desk)

    assert any(row[1] == "completed" and row[3] for row in rows(desk)["order_stage_days"])
    assert_rebuilt_alike(desk)


def test_a_comparison_that_is_loaded_late_does_not_replace_a_later_one(desk: Desk) -> None:
    sync(desk)
    measure_divergence(desk.link)
    kinds = (archive.DIVERGENCE, archive.COMPARISON_UNITS)
    first = {path: path.read_bytes() for path in (newest(desk, kind) for kind in kinds)}
    for path in first:
        path.unlink()
    desk.clock.advance(600)
    measure_divergence(desk.link)
    load(desk)
    before = rows(desk)
    for path, contents in first.items():
        path.write_bytes(contents)

    load(desk)

    assert [len(before[name]) for name in ("stock_comparisons", "comparison_units")] == [1, 1]
    assert rows(desk) == before


@pytest.mark.parametrize("failing", LOADERS)
def test_what_a_loader_missed_while_it_failed_is_loaded_once_it_works(
    desk: Desk, failing: Loader
) -> None:
    an_hour(desk)
    desk.order(address=ADA | {"city": None})
    an_hour(desk, but=frozenset({failing}))
    load(desk)

    assert_rebuilt_alike(desk)


def test_a_file_that_could_not_be_read_for_an_hour_leaves_no_gap(desk: Desk) -> None:
    an_hour(desk)
    sync(desk)
    measure_divergence(desk.link)
    kinds = (archive.WHISTL_STOCK, archive.CENTRA_STOCK, archive.DIVERGENCE)
    whole = {path: path.read_bytes() for path in (newest(desk, kind) for kind in kinds)}
    desk.clock.advance(300)
    sync(desk)  # nothing but the history needs the files of the sync before
    for path in whole:
        path.write_bytes(b"half a fi")
    an_hour(desk)
    for path, contents in whole.items():
        path.write_bytes(contents)
    desk.wait(1)
    load(desk)

    assert_rebuilt_alike(desk)


def test_a_reading_that_took_half_an_hour_is_not_missed(desk: Desk) -> None:
    """Its file has the time at which the reading began, and appears when it ends."""
    an_hour(desk)
    sync(desk)
    slow = newest(desk, archive.CENTRA_STOCK)
    contents = slow.read_bytes()
    slow.unlink()
    an_hour(desk)
    slow.write_bytes(contents)
    load(desk)

    assert_rebuilt_alike(desk)


def test_a_snapshot_released_after_a_newer_one_takes_its_place(desk: Desk) -> None:
    an_hour(desk)
    desk.order((desk.skus[0], 3))
    desk.relay(2, every=20)
    sync(desk, SnapshotFault.TRUNCATED)
    load(desk)
    an_hour(desk)
    (waiting,) = quarantined(desk.link)
    release(desk.link, waiting.snapshot_id)
    load(desk)
    an_hour(desk)

    assert_rebuilt_alike(desk)


def test_a_quantity_whose_outcome_was_known_an_hour_later_has_it_in_the_history(
    desk: Desk,
) -> None:
    sync(desk)
    intent = StockIntent(
        sku=desk.skus[0],
        product_size_id=1,
        from_quantity=5,
        to_quantity=4,
        whistl_available=4,
        units_held=0,
        units_left=0,
        buffer=0,
    )
    with desk.link.ledger.transaction() as tx:
        ids = stock.open_writes(tx, [intent], snapshot_id="S")
    load(desk)
    desk.wait(3_600)
    load(desk)
    with desk.link.ledger.transaction() as tx:
        stock.settle_write(tx, ids[intent.product_size_id], WriteOutcome.WRITTEN, read_back=4)
    desk.wait(60)
    load(desk)

    before = rows(desk)["stock_updates"]
    desk.link.settings.history_path.unlink()
    load(desk)
    assert rows(desk)["stock_updates"] == before
