"""The published copy: always whole, never in the way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from centra_whistl_dagster.history.errors import HistoryError, HistoryUnreadable
from centra_whistl_dagster.history.publish import open_published, publish
from centra_whistl_dagster.history.reads import Reader
from centra_whistl_dagster.history.store import History
from centra_whistl_dagster.history.tables import OrderEvents

RowMaker = Callable[..., pd.DataFrame]


def count(reader: Reader) -> int:
    return reader.row_counts()["order_events"]


@pytest.fixture
def published(tmp_path: Path) -> Path:
    return tmp_path / "published" / "history.duckdb"


def test_a_reader_with_the_copy_open_stops_neither_a_load_nor_a_publication(
    history: History, published: Path, rows: RowMaker
) -> None:
    with history.writing() as session:
        session.record(OrderEvents, rows(OrderEvents, {"order_number": "C1"}))
    publish(history, published)

    with open_published(published) as reader:
        with history.writing() as session:
            session.record(OrderEvents, rows(OrderEvents, {"order_number": "C2"}))
        publish(history, published)
        assert count(reader) == 1, "an open copy stays as it was"

    with open_published(published) as reader:
        assert count(reader) == 2
        assert reader.view("orders_by_state").empty


def test_the_copy_is_one_file_with_everything_in_it(
    history: History, published: Path, rows: RowMaker
) -> None:
    with history.writing() as session:
        session.record(OrderEvents, rows(OrderEvents, {}))
    publication = publish(history, published)

    assert publication.size_bytes == published.stat().st_size > 0
    assert [path.name for path in published.parent.iterdir()] == ["history.duckdb"]


def test_nobody_can_write_to_the_copy(history: History, published: Path) -> None:
    publish(history, published)
    with open_published(published) as reader, pytest.raises(Exception, match="read-only"):
        reader._con.execute("DELETE FROM orders")


def test_a_publication_that_fails_leaves_the_old_copy(
    history: History, published: Path, rows: RowMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(history, published)
    with history.writing() as session:
        session.record(OrderEvents, rows(OrderEvents, {}))
    monkeypatch.setenv("PATH", "")

    with pytest.raises(HistoryError, match="'cp' is not on the path"):
        publish(history, published)

    with open_published(published) as reader:
        assert count(reader) == 0


def test_opening_a_copy_before_there_is_one_says_so(published: Path) -> None:
    with (
        pytest.raises(HistoryError, match="Nothing has been published"),
        open_published(published),
    ):
        pytest.fail("opened nothing")


def test_a_damaged_copy_says_which_job_replaces_it(published: Path) -> None:
    published.parent.mkdir()
    published.write_bytes(b"half a fi")

    with (
        pytest.raises(HistoryUnreadable, match=r"history\.duckdb' cannot.*Run the job publish_"),
        open_published(published),
    ):
        pytest.fail("opened half a file")
