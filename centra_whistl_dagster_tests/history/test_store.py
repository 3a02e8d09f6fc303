"""The live file: one at a time, all or nothing, and never another shape than the models say."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from pandera.engines.pandas_engine import Decimal
from pandera.typing import Series

from centra_whistl_dagster.history import migrations
from centra_whistl_dagster.history.columns import AppendOnlyTable, table_name, text, weight
from centra_whistl_dagster.history.errors import HistoryBusy, HistoryUnreadable, SchemaDrift
from centra_whistl_dagster.history.store import History
from centra_whistl_dagster.history.tables import TABLES, OrderEvents

RowMaker = Callable[..., pd.DataFrame]

HOLD = """
import sys, duckdb
con = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "reading")
print("open", flush=True)
sys.stdin.read()
"""

DIE = """
import os, sys, pandas as pd
from datetime import UTC, datetime
from pathlib import Path
from centra_whistl_dagster.history.store import History
from centra_whistl_dagster.history.tables import OrderEvents
now = lambda: datetime(2026, 3, 2, 12, tzinfo=UTC)
history = History(Path(sys.argv[1]), memory_limit="500MB", threads=1, now=now, sleep=print)
event = {"order_number": "C9", "from_state": None, "state": "ready", "moved_at": now()}
with history.writing() as session:
    session.record(OrderEvents, pd.DataFrame([event | {"reason": ""}]))
    os._exit(9)
"""


def orders_seen(history: History) -> list[str]:
    with history.reading() as reader:
        return sorted(reader.table(OrderEvents)["order_number"])


def test_what_fails_half_way_leaves_nothing(history: History, rows: RowMaker) -> None:
    def load_and_fail() -> None:
        with history.writing() as session:
            session.record(OrderEvents, rows(OrderEvents, {}))
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        load_and_fail()

    with history.reading() as reader:
        assert set(reader.row_counts().values()) == {0}


def test_a_process_killed_half_way_leaves_nothing_and_lets_the_next_one_in(
    history: History, rows: RowMaker
) -> None:
    with history.writing() as session:
        session.record(OrderEvents, rows(OrderEvents, {"order_number": "C1"}))
    done = subprocess.run(  # noqa: S603 -- this very Python and the program above
        [sys.executable, "-c", DIE, str(history.path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 9, done.stderr

    with history.writing() as session:
        session.record(OrderEvents, rows(OrderEvents, {"order_number": "C2"}))
    assert orders_seen(history) == ["C1", "C2"]


def test_a_second_loader_waits_for_the_first_and_both_are_kept(
    tmp_path: Path, make_history: Callable[..., History], rows: RowMaker
) -> None:
    path, first_is_in, first_may_end = tmp_path / "h.duckdb", threading.Event(), threading.Event()
    waits: list[float] = []

    def load_first() -> None:
        with make_history(path).writing() as session:
            first_is_in.set()
            session.record(OrderEvents, rows(OrderEvents, {"order_number": "C1"}))
            assert first_may_end.wait(30)

    first = threading.Thread(target=load_first)

    def let_the_first_end(seconds: float) -> None:
        waits.append(seconds)
        first_may_end.set()
        first.join(30)

    first.start()
    assert first_is_in.wait(30)
    second = make_history(path, sleep=let_the_first_end)
    with second.writing() as session:
        session.record(OrderEvents, rows(OrderEvents, {"order_number": "C2"}))

    assert len(waits) == 1
    assert orders_seen(second) == ["C1", "C2"]


def test_a_loader_that_waited_too_long_says_so_and_changes_nothing(
    tmp_path: Path, make_history: Callable[..., History]
) -> None:
    waits: list[float] = []
    first = make_history(tmp_path / "h.duckdb")
    second = make_history(tmp_path / "h.duckdb", sleep=waits.append, lock_wait_seconds=1)
    with (
        first.locked(),
        pytest.raises(HistoryBusy, match="has not finished in 1 s"),
        second.writing(),
    ):
        pytest.fail("two loaders were let in")

    assert sum(waits) == pytest.approx(1, abs=0.1)


@contextmanager
def opened_elsewhere(path: Path, how: str) -> Iterator[None]:
    with subprocess.Popen(  # noqa: S603 -- this very Python and the program above
        [sys.executable, "-c", HOLD, str(path), how],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "open\n"
        yield
        process.communicate("")


def test_a_live_file_open_in_another_program_is_named_as_the_cause(
    tmp_path: Path, make_history: Callable[..., History]
) -> None:
    history = make_history(tmp_path / "h.duckdb", sleep=lambda _: None, lock_wait_seconds=0.1)
    with history.writing():
        pass
    with (
        opened_elsewhere(history.path, "reading"),
        pytest.raises(HistoryBusy, match="open the published copy instead"),
        history.writing(),
    ):
        pytest.fail("the writer was let in beside a reader")


def test_a_damaged_file_says_how_it_is_built_again(history: History) -> None:
    history.path.parent.mkdir(parents=True)
    history.path.write_bytes(b"not a database at all" * 1000)

    with pytest.raises(HistoryUnreadable, match="load the history again"), history.reading():
        pytest.fail("a damaged file was opened")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ("ALTER TABLE orders ADD COLUMN mood VARCHAR", r"orders\.mood: .* the model none"),
        ("ALTER TABLE orders DROP COLUMN units", r"orders\.units: the file has none"),
        ("ALTER TABLE orders ALTER units TYPE INTEGER", r"orders\.units: .*INTEGER.*BIGINT"),
        (
            "ALTER TABLE orders ALTER units DROP NOT NULL",
            r"orders\.units: the file has BIGINT, the model BIGINT NOT NULL",
        ),
        (
            "DROP TABLE orders",
            r"orders: the file has no such table, the model is CREATE TABLE orders",
        ),
        ("INSERT INTO applied_migrations VALUES ('9999_later', '', now())", "'9999_later'"),
    ],
)
def test_a_file_of_another_shape_than_the_models_is_refused(
    history: History, change: str, fault: str
) -> None:
    with history.writing():
        pass
    with closing(duckdb.connect(history.path)) as con:
        con.execute(change)

    with pytest.raises(SchemaDrift, match=fault), history.writing():
        pytest.fail("a file of another shape was opened")


def test_views_of_an_earlier_release_are_replaced(history: History) -> None:
    with history.writing():
        pass
    with closing(duckdb.connect(history.path)) as con:
        con.execute("CREATE OR REPLACE VIEW orders_by_state AS SELECT 1 AS old")
        con.execute("UPDATE applied_migrations SET checksum = 'old' WHERE name = 'views'")

    with history.reading() as reader:
        assert "old" not in reader.view("orders_by_state")


def test_duckdb_is_bounded_and_fetches_nothing_from_the_internet(history: History) -> None:
    with history.reading() as reader:
        settings = {
            name: reader._con.execute(f"SELECT current_setting('{name}')").fetchall()[0][0]
            for name in ("memory_limit", "threads", "autoinstall_known_extensions", "TimeZone")
        }
    assert settings["memory_limit"] == "476.8 MiB"
    assert settings["threads"] == 2
    assert settings["autoinstall_known_extensions"] is False
    assert settings["TimeZone"] == "UTC"


def test_a_new_model_is_refused_with_the_migration_that_it_needs(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Weights(AppendOnlyTable):
        """The weight of one SKU."""

        sku: Series[str] = text("SKU.")
        unit_weight: Series[Decimal] = weight("Of one unit.", nullable=True)

        class Config:
            name = "weights"
            unique = ["sku"]  # noqa: RUF012 - Pandera wants a list

    monkeypatch.setattr(migrations, "TABLES", (*TABLES, Weights))

    with pytest.raises(SchemaDrift) as caught, history.writing():
        pytest.fail("a file without the new table was opened")

    assert (
        "CREATE TABLE weights (\n    sku VARCHAR NOT NULL,\n    unit_weight DECIMAL(12,3)\n);"
    ) in str(caught.value)


def test_every_declared_table_is_known_and_no_base_class_is_taken_for_one() -> None:
    names = [table_name(model) for model in TABLES]

    assert len(names) == len(set(names)) == 29
    assert {"orders", "loads", "stock_levels", "buffer_changes"} <= set(names)
