"""What analysts see: right figures, described, and nobody's personal data."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pandas as pd
import pytest

from centra_whistl_dagster.domain.service_targets import ServiceTargets as Targets
from centra_whistl_dagster.history.columns import columns_of
from centra_whistl_dagster.history.levels import Reading
from centra_whistl_dagster.history.measurement_tables import (
    ApiCalls,
    ApiQuotaUse,
    CadenceDecisions,
    ServiceTargets,
)
from centra_whistl_dagster.history.session import Session
from centra_whistl_dagster.history.stock_tables import (
    ComparisonUnits,
    Divergence,
    StockPositions,
    StockUpdates,
)
from centra_whistl_dagster.history.store import History
from centra_whistl_dagster.history.tables import (
    TABLES,
    Despatches,
    Exceptions,
    OrderCauses,
    OrderEvents,
    OrderLines,
    Orders,
    ParcelLines,
    Parcels,
)

RowMaker = Callable[..., pd.DataFrame]

TARGETS = Targets()
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def minutes(number: float) -> datetime:
    return NOON + timedelta(minutes=number)


def reading(number: int) -> Reading:
    at = minutes(-100 + 15 * number)
    return Reading(snapshot_id=f"S{number}", taken_at=at, read_at=at, is_complete=True)


def day_of_orders(rows: RowMaker) -> tuple[pd.DataFrame, pd.DataFrame]:
    orders = rows(
        Orders,
        {
            "order_number": "C1",
            "state": "completed",
            "ordered_at": minutes(-90),
            "first_seen_at": minutes(-90),
            "submitted_at": minutes(-89.5),
            "despatched_at": minutes(-30),
            "completed_at": minutes(-29),
            "state_since": minutes(-29),
            "centra_status": "PROCESSING",
            "whistl_status": "DESPATCHED",
        },
        {"order_number": "C2", "state": "cancelled", "cancelled_at": minutes(-80)},
        {"order_number": "C3", "state": "blocked", "state_since": minutes(-50)},
        {"order_number": "C4", "state": "ready", "state_since": minutes(-1)},
    )
    lines = rows(OrderLines, *({"order_number": f"C{number}"} for number in (1, 2, 3, 4)))
    return orders, lines


def record_day(session: Session, rows: RowMaker) -> None:
    """Four orders, of which one is done, one cancelled, one blocked and one on its way."""
    orders, lines = day_of_orders(rows)
    session.record(Orders, orders, {OrderLines: lines})
    session.record(
        OrderEvents,
        rows(
            OrderEvents,
            {"order_number": "C1", "state": "ready", "moved_at": minutes(-90)},
            {"order_number": "C1", "state": "sending", "moved_at": minutes(-88)},
            {"order_number": "C4", "state": "ready", "moved_at": minutes(-1)},
        ),
    )
    session.record(
        Despatches,
        rows(
            Despatches,
            {"despatch_id": "D1", "despatched_at": minutes(-30)},
            {"despatch_id": "D2", "version": 2, "supersedes": "D1", "despatched_at": minutes(-30)},
        ),
        {
            Parcels: rows(Parcels, {"despatch_id": "D1", "has_tracking": False}),
            ParcelLines: rows(ParcelLines, {"despatch_id": "D1"}),
        },
    )
    session.record(
        Exceptions,
        rows(
            Exceptions,
            {"subject": "C3", "opened_at": minutes(-50), "due_at": minutes(-20)},
            {"subject": "C4", "opened_at": minutes(-9), "resolved_at": minutes(-5)},
            {"subject": "C4", "opened_at": minutes(-4), "resolved_at": minutes(-3)},
            {
                "kind": "service_unmapped",
                "subject_type": "shipping_option",
                "subject": "Pop-up collection",
                "opened_at": minutes(-60),
                "resolved_at": minutes(-58),
            },
        ),
    )
    session.record(OrderCauses, rows(OrderCauses, {"linked_at": minutes(-50)}))
    session.record(ApiCalls, rows(ApiCalls, {}))
    session.record(ApiQuotaUse, rows(ApiQuotaUse, {}))
    session.record(CadenceDecisions, rows(CadenceDecisions, {}))
    session.record(ServiceTargets, pd.DataFrame(TARGETS.rows()))
    session.record(
        StockPositions,
        rows(
            StockPositions,
            {"changed_at": minutes(-90), "withheld_units": 2, "is_sold_out_by_buffer": True},
            {
                "changed_at": minutes(-30),
                "withheld_before": 2,
                "oversold_units": 3,
                "was_sold_out_by_buffer": True,
            },
        ),
    )
    session.record(
        ComparisonUnits,
        pd.DataFrame({"snapshot_id": ["S2"], "compared_at": [pd.Timestamp(NOON)], "units": [50]}),
    )
    session.record_prices(
        pd.DataFrame(
            {
                "sku": ["TEE-S", "TEE-S"],
                "currency": "GBP",
                "unit_price": [Decimal("24.95"), Decimal("19.95")],
                "ordered_at": [pd.Timestamp(NOON), pd.Timestamp(minutes(-90))],
                "order_number": ["C4", "C1"],
            }
        )
    )
    session.summarise()
    stock = pd.DataFrame(
        {"sku": ["TEE-S", "OLD"], "on_hand": 10, "allocated": 2, "quarantined": 0, "available": 8}
    )
    session.record_stock_snapshot(stock, reading(1))
    session.record_stock_snapshot(stock.head(1).assign(on_hand=7, available=5), reading(2))
    session.record_centra_levels(
        pd.DataFrame({"sku": ["TEE-S", "NEW"], "physical": 9, "allocated": 4, "free": 5}),
        reading(2),
    )
    session.record(StockUpdates, rows(StockUpdates, {"read_back": 8}, {"sku": "OK"}))
    session.record_comparison(
        rows(
            Divergence,
            {"sku": "TEE-S", "blocked": -3, "unexplained": 1},
            {"sku": "NEW", "difference": 5, "actual": 15, "blocked": 0, "one_side_only": 5},
        ),
        snapshot_id="S2",
        compared_at=NOON,
        sku_count=100,
    )


@pytest.fixture
def day(history: History, rows: RowMaker) -> History:
    with history.writing() as session:
        record_day(session, rows)
    return history


def test_every_view_answers_on_an_empty_history_and_on_a_day(
    history: History, rows: RowMaker
) -> None:
    with history.writing() as session:
        names = session.view_names()
        assert len(names) > 20
        for name in names:
            session.view(name)
        record_day(session, rows)
        answered = {name for name in names if not session.view(name).empty}
    assert answered == set(names)


def test_a_view_that_does_not_exist_is_answered_with_those_that_do(history: History) -> None:
    with history.reading() as reader, pytest.raises(KeyError, match="stuck_orders"):
        reader.view("orders; DROP TABLE orders")


def test_orders_are_counted_once_by_state(day: History) -> None:
    with day.reading() as reader:
        found = reader.view("orders_by_state").set_index("state")["orders"].to_dict()
    assert found == {"completed": 1, "cancelled": 1, "blocked": 1, "ready": 1}


def test_an_order_is_stuck_when_longer_in_its_state_than_is_usual_there(day: History) -> None:
    with day.reading() as reader:
        stuck = reader.view("stuck_orders")
    # C4 has been ready for one minute, where two is usual; nothing is known of blocked.
    assert stuck["order_number"].tolist() == ["C3"]
    assert stuck["minutes_in_state"].tolist() == [50]


def test_blocked_orders_are_shown_with_their_cause_and_the_money_waiting(day: History) -> None:
    with day.reading() as reader:
        blocked = reader.view("blocked_by_reason").to_dict("records")
        owners = reader.view("exceptions_by_owner").to_dict("records")
        repeated = reader.view("repeated_exceptions").to_dict("records")
    assert [(row["kind"], row["orders"], str(row["value"])) for row in blocked] == [
        ("sku_unknown", 1, "49.90")
    ]
    assert [(row["kind"], row["open"], row["overdue"], row["resolved"]) for row in owners] == [
        ("sku_unknown", 1, 1, 2),
        ("service_unmapped", 0, 0, 1),
    ]
    assert [(row["subject"], row["times"]) for row in repeated] == [("C4", 2)]


def test_latency_is_measured_leg_by_leg(day: History) -> None:
    with day.reading() as reader:
        legs = reader.view("latency_by_hour").set_index("stage")["p50_seconds"].to_dict()
    assert legs["first read to accepted by Whistl"] == 30
    assert legs["accepted by Whistl to despatched"] == 59.5 * 60


def test_a_corrected_despatch_is_not_counted_twice(day: History) -> None:
    with day.reading() as reader:
        # Parcels are kept under the first message, as its last correction left them.
        assert reader.view("parcels_incomplete")["despatch_id"].tolist() == ["D1"]
        assert reader.view("despatches_current")["despatch_id"].tolist() == ["D2"]
        assert reader.view("despatches_by_sku_hour")["units"].tolist() == [2]


def test_velocity_is_worked_out_from_sales_despatches_and_movements(day: History) -> None:
    with day.reading() as reader:
        sales = reader.view("sales_by_sku_hour")
        despatches = reader.view("despatches_by_sku_hour")
        movements = reader.view("stock_movements")
        velocity = reader.view("sales_velocity").to_dict("records")
    assert sales["units"].sum() == 6, "the cancelled order's two units are left out"
    assert sales["hour"].min() == datetime(2026, 3, 2, 10, tzinfo=UTC)
    assert despatches[["sku", "units"]].to_numpy().tolist() == [["TEE-S", 2]]
    moved = movements[["sku", "on_hand_change", "available_change"]].to_numpy().tolist()
    assert moved == [["TEE-S", -3, -3]], "a SKU that is absent has not moved to zero"
    assert [(row["sku"], row["units_7_days"], row["available"]) for row in velocity] == [
        ("TEE-S", 6, 5)
    ]


def test_divergence_is_shown_by_sku_and_by_cause(day: History) -> None:
    with day.reading() as reader:
        now = reader.view("stock_divergence_now")["sku"].tolist()
        causes = reader.view("stock_divergence_by_cause").set_index("cause")["units"].to_dict()
        unexplained = reader.view("unexplained_divergence")["sku"].tolist()
        one_side = reader.view("skus_on_one_side")["sku"].tolist()
        not_taken = reader.view("stock_updates_not_taken")["sku"].tolist()
    assert now == ["NEW", "TEE-S"]
    assert causes == {"one_side_only": 5, "blocked": -3, "unexplained": 1}
    assert unexplained == ["TEE-S"]
    assert one_side == ["NEW"], "OLD is absent from Whistl's last reading and unknown to Centra"
    assert not_taken == ["TEE-S"]


def test_no_table_or_view_has_a_column_for_personal_data(day: History) -> None:
    personal = re.compile(
        r"(first|last|full|customer)_?name|e_?mail|phone|address|street|city|postcode$|post_code|"
        r"tracking_(number|url)|message|value_seen|payload|body"
    )
    with day.reading() as reader:
        shown = {name: list(reader.view(name).columns) for name in reader.view_names()}
    stored = {model.__name__: [c.name for c in columns_of(model)] for model in TABLES}
    found = [
        f"{table}.{column}"
        for table, columns in (shown | stored).items()
        for column in columns
        if personal.search(column)
    ]
    assert found == []


def test_every_column_and_view_is_described_in_the_file_itself(day: History) -> None:
    with day.reading() as reader:
        undescribed = reader._con.execute(
            "SELECT table_name, column_name FROM duckdb_columns() c JOIN duckdb_tables() "
            "USING (table_name) WHERE coalesce(c.comment, '') = '' "
            "AND table_name <> 'applied_migrations' "
            "UNION ALL SELECT view_name, '' FROM duckdb_views() "
            "WHERE NOT internal AND coalesce(comment, '') = ''"
        ).fetchall()
    assert undescribed == []


def test_oversold_and_withheld_units_are_valued_at_the_price_they_were_sold_at(
    day: History,
) -> None:
    with day.reading() as reader:
        (now,) = reader.view("oversold_and_withheld").to_dict("records")
        by_day = reader.view("oversold_and_withheld_by_day").to_dict("records")
    assert (now["sku"], now["oversold_units"], now["withheld_units"]) == ("TEE-S", 3, 0)
    assert (str(now["unit_price"]), str(now["oversold_value"])) == ("24.95", "74.85")
    # The hours ending 11:00, 12:00 and, only just begun, 13:00: 2 withheld, then 3 oversold.
    assert [(row["currency"], row["most_oversold_units"]) for row in by_day] == [("GBP", 3)]
    assert [row["most_withheld_units"] for row in by_day] == [2]


def test_what_was_oversold_before_the_first_change_that_is_kept_is_not_forgotten(
    history: History, rows: RowMaker
) -> None:
    with history.writing() as session:
        change = {"oversold_before": 5, "oversold_units": 4, "withheld_before": 2}
        session.record(StockPositions, rows(StockPositions, change))
        (found,) = session.view("oversold_and_withheld_by_day").to_dict("records")
    assert (found["oversold_units"], found["withheld_units"]) == (4, 0)


def test_a_buffer_costs_what_was_not_sold_while_it_kept_the_last_units_back(day: History) -> None:
    with day.reading() as reader:
        (found,) = reader.view("cost_of_buffers").to_dict("records")
    assert (found["sku"], found["hours_sold_out"]) == ("TEE-S", 1)


def test_an_order_shipped_by_whistl_and_open_in_centra_is_shown_to_finance(day: History) -> None:
    with day.reading() as reader:
        found = reader.view("order_statuses_side_by_side").set_index("order_number")
    assert found["standing"].to_dict() == {
        "C1": "shipped by Whistl, open in Centra",
        "C2": "open in Centra, not at Whistl yet",
        "C3": "open in Centra, not at Whistl yet",
        "C4": "open in Centra, not at Whistl yet",
    }


def test_the_share_of_a_quota_is_of_what_we_may_take(day: History) -> None:
    with day.reading() as reader:
        (found,) = reader.view("api_calls_by_hour").to_dict("records")
    assert (found["requests"], found["share_of_requests"]) == (3, 0.1)
    assert pd.isna(found["share_of_mutations"])


def test_stock_is_stale_from_the_moment_it_outgrows_the_target(
    history: History, rows: RowMaker
) -> None:
    stock = pd.DataFrame(
        {"sku": ["TEE-S"], "on_hand": 10, "allocated": 2, "quarantined": 0, "available": 8}
    )
    with history.writing() as session:
        session.record(ServiceTargets, pd.DataFrame(TARGETS.rows()))
        session.record_stock_snapshot(stock, reading(1))  # at 10:35; used until noon
        (found,) = session.view("stock_staleness").to_dict("records")
    assert (found["minutes"], found["oldest_minutes"], found["stale_minutes"]) == (85, 85, 55)


def test_a_sku_that_waits_to_be_written_is_among_the_slowest(
    history: History, rows: RowMaker
) -> None:
    with history.writing() as session:
        session.record(
            StockPositions,
            rows(StockPositions, {"changed_at": minutes(-40), "unwritten_units": 7}),
        )
        session.record(StockUpdates, rows(StockUpdates, {"sku": "OK"}))
        slowest = session.view("slowest_skus_to_sync").to_dict("records")
    waiting, written = slowest
    assert (waiting["sku"], waiting["standing"]) == ("TEE-S", "waiting")
    assert (waiting["units_waiting"], waiting["minutes_waiting"]) == (7, 40)
    assert (written["sku"], written["standing"]) == ("OK", "written")


def test_an_order_held_up_by_a_sku_names_the_sku(day: History) -> None:
    with day.reading() as reader:
        why = reader.view("why_orders_were_late")
    causes = why[(why["order_number"] == "C3") & (why["part"] == "cause")]
    assert sorted(causes["about_type"]) == ["order", "sku"]
    assert causes.set_index("about_type").loc["sku", "minutes"] == 50


def test_a_day_is_summarised_anew_when_one_of_its_orders_moves(
    history: History, rows: RowMaker
) -> None:
    with history.writing() as session:
        session.record(ServiceTargets, pd.DataFrame(TARGETS.rows()))
        for change in (
            {"state": "ready"},
            # Read long afterwards: no moment in the row is a recent one.
            {"state": "submitted", "submitted_at": minutes(0.5), "state_since": minutes(0.5)},
        ):
            orders, lines = rows(Orders, change), rows(OrderLines, {})
            session.record(Orders, orders, {OrderLines: lines})
            session.summarise()
        funnel = session.view("order_funnel")
    accepted = funnel[(funnel["stage"] == "accepted") & (funnel["period"] == "day")]
    assert accepted[["orders", "reached", "p50_seconds"]].to_numpy().tolist() == [[1, 1, 30]]
