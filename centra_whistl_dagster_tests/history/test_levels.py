"""Stock over time: kept as changes, read as if every reading had been kept whole."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import duckdb
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from centra_whistl_dagster.history.errors import SnapshotUnusable
from centra_whistl_dagster.history.levels import WHISTL, Reading, apply_reading, stage_reading
from centra_whistl_dagster.history.migrations import migrate
from centra_whistl_dagster.history.reads import Reader
from centra_whistl_dagster.history.session import Session
from centra_whistl_dagster.history.stock_tables import (
    CentraLevels,
    LevelTable,
    StockLevels,
    StockSnapshots,
)
from centra_whistl_dagster.history.store import History

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
Stock = dict[str, tuple[int, int, int]]
Figures = dict[str, tuple[int, int, int] | None]
"""None: the SKU is absent."""


def reading(number: int, *, is_complete: bool = True) -> Reading:
    taken_at = NOON + timedelta(minutes=15 * number)
    return Reading(
        snapshot_id=f"S{number}", taken_at=taken_at, read_at=taken_at, is_complete=is_complete
    )


def frame(stock: Stock) -> pd.DataFrame:
    return pd.DataFrame(
        [(sku, on, al, qu, on - al - qu) for sku, (on, al, qu) in stock.items()],
        columns=["sku", "on_hand", "allocated", "quarantined", "available"],
    ).astype({"sku": "str"} | dict.fromkeys(["on_hand", "allocated", "quarantined"], "int64"))


def as_of(reader: Reader, model: type[LevelTable], at: datetime) -> pd.DataFrame:
    """The figures of each SKU as they were known to be at a moment."""
    rows = reader.table(model)
    ended = rows["valid_to"].notna() & (rows["valid_to"] <= at)
    return rows[(rows["valid_from"] <= at) & ~ended].sort_values("sku")


def latest(reader: Reader, model: type[LevelTable] = StockLevels) -> pd.DataFrame:
    """The figures of each SKU that still hold."""
    rows = reader.table(model)
    return rows[rows["valid_to"].isna()].sort_values("sku")


def accepted(reader: Reader) -> pd.DataFrame:
    """The readings that were kept, oldest first."""
    heads = reader.table(StockSnapshots)
    return heads[heads["verdict"] == "accepted"].sort_values("taken_at")


skus = st.sampled_from(["A", "a", "B", "Ü-1", "C'"])
figures = st.tuples(st.integers(-3, 5), st.integers(0, 2), st.integers(0, 1))
readings = st.lists(
    st.tuples(st.dictionaries(skus, figures), st.booleans()), min_size=1, max_size=6
)


def test_stock_as_of_any_reading_is_what_keeping_every_reading_whole_would_give() -> None:
    with closing(duckdb.connect(":memory:")) as con:
        con.execute("SET TimeZone = 'UTC'")
        migrate(con, now=lambda: NOON)

        @settings(max_examples=80, deadline=None)
        @given(readings)
        def same_as_whole(history: list[tuple[Stock, bool]]) -> None:
            con.execute("DELETE FROM stock_levels")
            whole: list[Figures] = []
            state: Figures = {}
            for number, (stock, is_complete) in enumerate(history):
                stage_reading(con, WHISTL, frame(stock))
                counts = apply_reading(con, WHISTL, reading(number, is_complete=is_complete))
                assert counts.changed == sum(state.get(sku) != had for sku, had in stock.items())
                absent: Figures = dict.fromkeys(state) if is_complete else state
                state = {**absent, **stock}
                whole.append(state)

            reader = Reader(con)
            for number, expected in enumerate(whole):
                seen = as_of(reader, StockLevels, reading(number).taken_at)
                assert as_dict(seen) == expected
            reader.table(StockLevels)  # raises when a rule of the table is broken

        same_as_whole()


def as_dict(seen: pd.DataFrame) -> Figures:
    assert not seen["sku"].duplicated().any()
    return {
        row["sku"]: (row["on_hand"], row["allocated"], row["quarantined"])
        if row["is_present"]
        else None
        for row in seen.to_dict("records")
    }


def test_a_sku_missing_from_a_complete_reading_is_absent_and_not_zero(history: History) -> None:
    with history.writing() as session:
        session.record_stock_snapshot(frame({"A": (5, 0, 0), "B": (3, 0, 0)}), reading(1))
        load = session.record_stock_snapshot(frame({"A": (5, 0, 0)}), reading(2))
        now = latest(session).set_index("sku")
        heads = accepted(session).tail(1)

    assert (load.unchanged, load.removed) == (1, 1)
    assert not now.loc["B", "is_present"]
    assert now.loc["B", ["on_hand", "available"]].isna().all()
    assert now.loc["B", "snapshot_id"] == "S2"
    assert heads[["absent_count", "emptied_count", "sellable_units"]].to_numpy().tolist() == [
        [1, 1, 5]
    ]


def test_a_sku_missing_from_an_incomplete_reading_stays_as_it_was(history: History) -> None:
    with history.writing() as session:
        session.record_stock_snapshot(frame({"A": (5, 0, 0), "B": (3, 0, 0)}), reading(1))
        session.record_stock_snapshot(frame({"A": (4, 0, 0)}), reading(2, is_complete=False))

        assert latest(session)["on_hand"].tolist() == [4, 3]


def test_a_quiet_reading_adds_no_stock_row(history: History) -> None:
    with history.writing() as session:
        session.record_stock_snapshot(frame({"A": (5, 0, 0)}), reading(1))
        load = session.record_stock_snapshot(frame({"A": (5, 0, 0)}), reading(2))

        assert (load.written, load.unchanged) == (0, 1)
        assert session.row_counts()["stock_levels"] == 1
        assert session.row_counts()["stock_snapshots"] == 2


def test_the_same_reading_again_changes_nothing(history: History) -> None:
    with history.writing() as session:
        session.record_stock_snapshot(frame({"A": (5, 0, 0)}), reading(1))
        load = session.record_stock_snapshot(frame({"A": (9, 0, 0)}), reading(1))

        assert (load.read, load.written, load.unchanged) == (1, 0, 1)
        assert latest(session)["on_hand"].tolist() == [5]


def test_a_second_reading_of_the_same_moment_is_refused(history: History) -> None:
    with history.writing() as session:
        session.record_stock_snapshot(frame({"A": (5, 0, 0)}), reading(1))
        second = replace(reading(1), snapshot_id="S9")
        with pytest.raises(SnapshotUnusable, match=r"'S9' of whistl .* as is 'S1', which is kept"):
            session.record_stock_snapshot(frame({"A": (6, 0, 0)}), second)

        assert latest(session)["on_hand"].tolist() == [5]


late_readings = st.lists(
    st.tuples(st.dictionaries(skus, figures), st.booleans()), min_size=2, max_size=5
)


def test_readings_give_the_same_rows_in_whatever_order_they_arrive() -> None:
    with closing(duckdb.connect(":memory:")) as con:
        con.execute("SET TimeZone = 'UTC'")
        migrate(con, now=lambda: NOON)

        def rows_after(order: list[int], taken: list[tuple[Stock, bool]]) -> list[object]:
            con.begin()
            session = Session(con, now=lambda: NOON)
            for number in order:
                session.record_stock_snapshot(frame(taken[number][0]), reading(number))
            levels = con.execute("SELECT * FROM stock_levels ORDER BY sku, valid_from").fetchall()
            heads = con.execute("SELECT * FROM stock_snapshots ORDER BY taken_at").fetchall()
            con.rollback()
            return [*levels, *heads]

        @settings(max_examples=15, deadline=None)
        @given(late_readings, st.randoms(use_true_random=False))
        def alike(taken: list[tuple[Stock, bool]], dice: Random) -> None:
            order = list(range(len(taken)))
            dice.shuffle(order)
            assert rows_after(order, taken) == rows_after(sorted(order), taken)

        alike()


def test_a_refused_reading_is_noted_without_its_figures_and_may_be_released(
    history: History,
) -> None:
    with history.writing() as session:
        session.record_stock_snapshot(frame({"A": (5, 0, 0)}), reading(1))
        session.record_refused_snapshot(reading(2), row_count=0, reason="no rows at all")
        assert latest(session)["on_hand"].tolist() == [5]
        assert len(accepted(session)) == 1

        session.record_stock_snapshot(frame({"A": (0, 0, 0)}), reading(2))
        released = accepted(session).tail(1)
        assert released["snapshot_id"].tolist() == ["S2"]
        assert latest(session)["on_hand"].tolist() == [0]

        session.record_refused_snapshot(reading(2), row_count=0, reason="reported too late")
        assert len(accepted(session)) == 2


@pytest.mark.parametrize(
    ("case", "text", "fault"),
    [
        ("a SKU twice", '{"sku":"A","on_hand":1,"allocated":0,"quarantined":0,"available":1}\n' * 2,
         "1 rows that repeat a SKU"),
        ("a blank SKU", '{"sku":"","on_hand":1,"allocated":0,"quarantined":0,"available":1}',
         "1 rows without a SKU"),
        ("no SKU", '{"on_hand":1,"allocated":0,"quarantined":0,"available":1}',
         "1 rows without a SKU"),
        ("a figure left out", '{"sku":"A","on_hand":1,"quarantined":0,"available":1}',
         "1 rows with an empty figure"),
        ("half a unit", '{"sku":"A","on_hand":1.5,"allocated":0,"quarantined":0,"available":1}',
         "1 rows with a figure that is not whole"),
    ],
)  # fmt: skip
def test_a_broken_reading_is_refused_whole_and_the_load_goes_on(
    history: History, tmp_path: Path, case: str, text: str, fault: str
) -> None:
    path = tmp_path / "reading.ndjson"
    path.write_text(text)
    with history.writing() as session:
        with pytest.raises(SnapshotUnusable, match=fault):
            session.record_stock_snapshot(path, reading(1))
        session.record_stock_snapshot(frame({"A": (5, 0, 0)}), reading(2))

    with history.reading() as reader:
        assert latest(reader)["snapshot_id"].tolist() == ["S2"]


@pytest.mark.parametrize(
    ("case", "text"),
    [
        ("a word", '{"sku":"A","on_hand":"lots","allocated":0,"quarantined":0,"available":1}'),
        ("cut short", '{"sku":"A","on_hand":1,"alloc'),
    ],
)
def test_an_unreadable_file_leaves_the_history_as_it_was(
    history: History, tmp_path: Path, case: str, text: str
) -> None:
    path = tmp_path / "reading.ndjson"
    path.write_text(text)
    with history.writing() as session:
        session.record_stock_snapshot(frame({"A": (5, 0, 0)}), reading(1))
    with pytest.raises(SnapshotUnusable, match="cannot be read"), history.writing() as session:
        session.record_stock_snapshot(path, reading(2))

    with history.writing() as session:
        assert latest(session)["snapshot_id"].tolist() == ["S1"]


def test_a_frame_with_nan_for_a_figure_is_refused(history: History) -> None:
    rows = frame({"A": (5, 0, 0), "B": (1, 0, 0)}).astype({"on_hand": "float64"})
    rows.loc[1, "on_hand"] = float("nan")
    with history.writing() as session, pytest.raises(SnapshotUnusable, match="1 rows with"):
        session.record_stock_snapshot(rows, reading(1))


def test_a_frame_a_parquet_file_and_a_json_file_give_the_same_stock(
    history: History, tmp_path: Path
) -> None:
    stock = frame({"A": (5, 1, 0), "Ü-1": (-2, 0, 1)}).assign(note="ignored")
    stock.to_parquet(tmp_path / "stock.parquet")
    stock.to_json(tmp_path / "stock.ndjson", orient="records", lines=True)
    with history.writing() as session:
        session.record_stock_snapshot(stock, reading(1))
        parquet = session.record_stock_snapshot(tmp_path / "stock.parquet", reading(2))
        json = session.record_stock_snapshot(tmp_path / "stock.ndjson", reading(3))

        assert (parquet.written, json.written, json.unchanged) == (0, 0, 2)
        assert latest(session)["available"].tolist() == [4, -3]


def test_the_levels_of_both_systems_are_kept_apart(history: History) -> None:
    stock = pd.DataFrame({"sku": ["A"], "physical": [7], "allocated": [2], "free": [5]})
    with history.writing() as session:
        session.record_stock_snapshot(frame({"A": (9, 0, 0)}), reading(1))
        session.record_centra_levels(stock, reading(1))
        session.record_centra_levels(stock.assign(free=4, allocated=3), reading(2))

        assert latest(session, CentraLevels)["free"].tolist() == [4]
        assert as_of(session, CentraLevels, reading(1).taken_at)["free"].tolist() == [5]
        assert latest(session)["on_hand"].tolist() == [9]
        assert len(session.table(CentraLevels)) == 2
