"""What a load writes, leaves, sets aside and says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from centra_whistl_dagster.history.errors import FrameRefused
from centra_whistl_dagster.history.rows import Load
from centra_whistl_dagster.history.session import Session
from centra_whistl_dagster.history.stock_tables import Divergence, StockUpdates
from centra_whistl_dagster.history.store import History
from centra_whistl_dagster.history.tables import (
    TABLES,
    Despatches,
    Exceptions,
    Loads,
    OrderEvents,
    OrderLines,
    Orders,
    ParcelLines,
    Parcels,
)

RowMaker = Callable[..., pd.DataFrame]

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def counts(load: Load) -> dict[str, int]:
    return {
        "read": load.read,
        "written": load.written,
        "unchanged": load.unchanged,
        "skipped": load.skipped,
        "failed": load.failed,
        "removed": load.removed,
    }


def test_the_same_orders_again_change_nothing_and_a_changed_one_is_changed(
    history: History, rows: RowMaker
) -> None:
    orders = rows(Orders, {"order_number": "C1"}, {"order_number": "C2"})
    lines = rows(OrderLines, {"order_number": "C1"}, {"order_number": "C2"})
    with history.writing() as session:
        first, _ = session.record(Orders, orders, {OrderLines: lines})
    orders.loc[1, "state"] = "submitted"
    with history.writing() as session:
        second, second_lines = session.record(Orders, orders, {OrderLines: lines})

        assert (first.written, first.unchanged) == (2, 0)
        assert (second.written, second.unchanged) == (1, 1)
        assert (second_lines.written, second_lines.unchanged) == (0, 2)
        assert session.table(Orders)["state"].tolist() == ["ready", "submitted"]


def test_a_line_that_the_order_no_longer_has_goes_and_other_orders_keep_theirs(
    history: History, rows: RowMaker
) -> None:
    both = rows(Orders, {"order_number": "C1"}, {"order_number": "C2"})
    lines = rows(
        OrderLines,
        {"order_number": "C1", "line_number": 1},
        {"order_number": "C1", "line_number": 2},
        {"order_number": "C2", "line_number": 1},
    )
    with history.writing() as session:
        session.record(Orders, both, {OrderLines: lines})
        _, load = session.record(Orders, both.head(1), {OrderLines: lines.head(1)})

        assert counts(load) | {"unchanged": 1, "removed": 1} == counts(load)
        left = session.table(OrderLines)
    assert list(zip(left["order_number"], left["line_number"], strict=True)) == [
        ("C1", 1),
        ("C2", 1),
    ]


def test_a_bad_row_is_set_aside_with_its_rule_and_delays_no_good_one(
    history: History, rows: RowMaker
) -> None:
    orders = rows(
        Orders,
        {"order_number": "C1"},
        {"order_number": "C2", "postcode_area": "BS1 4DJ"},
        {"order_number": "C3", "units": "many"},
        {"order_number": "C4"},
    )
    with history.writing() as session:
        (load,) = session.record(Orders, orders)

        assert session.table(Orders)["order_number"].tolist() == ["C1", "C4"]
    assert counts(load) | {"read": 4, "written": 2, "failed": 2} == counts(load)
    rules = [str(failure) for failure in load.failures]
    assert any("order_number=C2: column 'postcode_area'" in text for text in rules)
    assert any("order_number=C3: column 'units'" in text for text in rules)
    assert not any("4DJ" in text for text in rules), "a value may be personal and is not repeated"


def test_a_line_that_breaks_a_rule_does_not_make_its_order_lose_the_stored_one(
    history: History, rows: RowMaker
) -> None:
    order = rows(Orders, {})
    with history.writing() as session:
        session.record(Orders, order, {OrderLines: rows(OrderLines, {"quantity": 2})})
        _, load = session.record(Orders, order, {OrderLines: rows(OrderLines, {"quantity": -1})})

        assert (load.failed, load.removed) == (1, 0)
        assert session.table(OrderLines)["quantity"].tolist() == [2]


def test_lines_of_an_order_that_was_set_aside_are_skipped(history: History, rows: RowMaker) -> None:
    with history.writing() as session:
        _, load = session.record(
            Orders, rows(Orders, {"currency": "pounds"}), {OrderLines: rows(OrderLines, {})}
        )

        assert (load.read, load.written, load.skipped) == (1, 0, 1)


def test_the_same_key_twice_in_one_load_is_a_failure_of_both(
    history: History, rows: RowMaker
) -> None:
    with history.writing() as session:
        (load,) = session.record(Orders, rows(Orders, {"state": "ready"}, {"state": "blocked"}))

        assert (load.read, load.failed, load.written) == (2, 2, 0)


def test_events_are_added_once_and_never_changed(history: History, rows: RowMaker) -> None:
    later = NOON + timedelta(minutes=1)
    events = rows(OrderEvents, {}, {"state": "ready", "moved_at": later}, {})
    with history.writing() as session:
        (first,) = session.record(OrderEvents, events)
        (again,) = session.record(OrderEvents, events.assign(reason="something else"))

        assert counts(first) | {"read": 3, "written": 2, "skipped": 1} == counts(first)
        assert counts(again) | {"read": 3, "unchanged": 2, "skipped": 1} == counts(again)
        assert set(session.table(OrderEvents)["reason"]) == {"confirmed in Centra"}


def test_a_frame_with_a_missing_or_unexpected_column_is_refused_whole(
    history: History, rows: RowMaker
) -> None:
    events = rows(OrderEvents, {})
    with history.writing() as session:
        with pytest.raises(FrameRefused, match=r"missing \['reason'\], unexpected \['why'\]"):
            session.record(OrderEvents, events.rename(columns={"reason": "why"}))
        (load,) = session.record(OrderEvents, events)
    assert load.written == 1


def test_times_without_a_zone_are_refused_rather_than_taken_for_utc(
    history: History, rows: RowMaker
) -> None:
    events = rows(OrderEvents, {"moved_at": NOON.replace(tzinfo=None)})
    with (
        history.writing() as session,
        pytest.raises(FrameRefused, match="'moved_at' must hold times with a zone"),
    ):
        session.record(OrderEvents, events)


@pytest.mark.parametrize(
    "reason",
    ["asked by jo@example.com", "call 07700 900123", "call (0117) 496 0123", "two\nlines"],
)
def test_a_reason_that_carries_a_contact_is_not_kept(
    history: History, rows: RowMaker, reason: str
) -> None:
    with history.writing() as session:
        (load,) = session.record(OrderEvents, rows(OrderEvents, {"reason": reason}))

        assert (load.written, load.failed) == (0, 1)


def test_every_load_is_noted_with_where_each_row_went(history: History, rows: RowMaker) -> None:
    with history.writing() as session:
        session.record(Exceptions, rows(Exceptions, {}, {"subject": "C2", "owner": "The CX team"}))
        noted = session.table(Loads).to_dict("records")

    (load,) = noted
    assert load["table_name"] == "exceptions"
    assert (load["read_count"], load["written_count"], load["failed_count"]) == (2, 1, 1)


def test_a_load_whose_rows_do_not_add_up_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="3 rows read, 2 accounted for"):
        Load(load_id=1, table_name="orders", loaded_at=NOON, read=3, written=1, unchanged=1)


def test_a_comparison_replaces_the_earlier_one_with_the_same_snapshot(
    history: History, rows: RowMaker
) -> None:
    first = rows(Divergence, {"sku": "A"}, {"sku": "B", "blocked": 0, "unexplained": -2})
    with history.writing() as session:
        session.record_comparison(first, snapshot_id="S1", compared_at=NOON, sku_count=10)
        later = NOON + timedelta(minutes=5)
        session.record_comparison(first.head(1), snapshot_id="S1", compared_at=later, sku_count=10)

        now = session.view("stock_divergence_now")
        accuracy = session.view("stock_accuracy")
    assert now["sku"].tolist() == ["A"]
    assert accuracy["share_alike"].tolist() == [0.9]


def test_a_divergence_whose_causes_do_not_add_up_is_not_kept(
    history: History, rows: RowMaker
) -> None:
    with history.writing() as session:
        _, load, _ = session.record_comparison(
            rows(Divergence, {"blocked": -1}), snapshot_id="S1", compared_at=NOON, sku_count=1
        )

        assert load.failed == 1
        assert "the_causes_add_up_to_the_difference" in str(load.failures[0])


def test_loading_everything_again_into_a_new_file_gives_the_same_rows(
    tmp_path: Path, make_history: Callable[..., History], rows: RowMaker
) -> None:
    def load(session: Session) -> None:
        orders = rows(Orders, {}, {"order_number": "C2"})
        session.record(Orders, orders, {OrderLines: rows(OrderLines, {})})
        session.record(OrderEvents, rows(OrderEvents, {}))
        parts = {Parcels: rows(Parcels, {}), ParcelLines: rows(ParcelLines, {})}
        session.record(Despatches, rows(Despatches, {}), parts)
        session.record(Exceptions, rows(Exceptions, {}))
        session.record(StockUpdates, rows(StockUpdates, {}))
        session.record_comparison(
            rows(Divergence, {}), snapshot_id="S1", compared_at=NOON, sku_count=1
        )

    def contents(session: Session) -> dict[str, pd.DataFrame]:
        kept = [model for model in TABLES if model is not Loads]
        return {model.__name__: session.table(model) for model in kept}

    repeated, rebuilt = make_history(tmp_path / "a.duckdb"), make_history(tmp_path / "b.duckdb")
    for _ in range(2):
        with repeated.writing() as session:
            load(session)
            expected = contents(session)
    with rebuilt.writing() as session:
        load(session)
        found = contents(session)

    assert sum(len(frame) for frame in expected.values()) == 14
    for name, frame in expected.items():
        pd.testing.assert_frame_equal(frame, found[name])
