"""Fifteen questions of analysts and finance, asked of a published day and judged by the world."""

from __future__ import annotations

from collections import Counter
from statistics import median

import pytest

from centra_whistl_dagster.domain.api_purposes import PURPOSES
from centra_whistl_dagster.domain.stock.cadence import StockSync
from centra_whistl_dagster.history.questions import QUESTIONS, Question
from centra_whistl_dagster.simulator.world.world import CentraOrder
from centra_whistl_dagster_tests.workflows.upkeep.conftest import Day

pytestmark = pytest.mark.timeout(600)
"""The day is lived through once, in the time of whichever test comes first."""


def going(day: Day) -> list[CentraOrder]:
    """Orders that nobody cancelled, or that left all the same."""
    return [
        order
        for order in day.world.orders.values()
        if order.status != "CANCELLED"
        or ((held := day.world.whistl_order_of(order)) and held.status == "DESPATCHED")
    ]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.view)
def test_each_question_has_an_answer_on_a_day_of_trade(day: Day, question: Question) -> None:
    assert day.rows(question.example), question.asks


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.view)
def test_no_answer_repeats_the_key_that_its_view_states(day: Day, question: Question) -> None:
    ((stated,),) = day.con.execute(
        "SELECT regexp_extract(comment, 'Key: ([a-z_, ]+)\\.', 1) FROM duckdb_views() "
        "WHERE view_name = ?",
        [question.view],
    ).fetchall()
    asked_for_one = question.view in {"why_orders_were_late", "sku_timeline"}
    assert bool(stated) is not asked_for_one
    if stated:
        repeated = day.rows(
            f"SELECT {stated} FROM {question.view} GROUP BY ALL HAVING count(*) > 1"  # noqa: S608
        )
        assert repeated == []


def test_the_causes_of_divergence_are_averaged_over_the_days_comparisons(day: Day) -> None:
    found = day.rows("SELECT * FROM divergence_over_time WHERE period = 'day'")
    sums = day.rows(
        "SELECT (compared_at AT TIME ZONE 'Europe/London')::DATE AS day, sum(buffer) AS buffer "
        "FROM divergence GROUP BY day"
    )
    of_buffer = {row["day"]: row["units"] for row in found if row["cause"] == "buffer"}
    assert {row["comparisons"] for row in found} == {day.compared}
    for row in sums:
        assert of_buffer[row["day"]] == pytest.approx(row["buffer"] / day.compared)


def test_divergence_now_is_that_of_the_last_comparison(day: Day) -> None:
    now = day.rows("SELECT cause, units FROM divergence_over_time WHERE period = 'now'")
    ((differing,),) = day.con.execute("SELECT sum(difference) FROM stock_divergence_now").fetchall()
    assert sum(row["units"] for row in now) == differing != 0


def test_oversold_units_are_those_that_the_world_has_sold_and_nobody_has(day: Day) -> None:
    world = day.world
    missing = {sku: world.unsent_units(sku) - world.whistl_available(sku) for sku in day.desk.skus}
    truth = {sku: units for sku, units in missing.items() if units > 0}
    prices = {sku: world.items[sku].price for sku in truth}

    found = day.rows("SELECT * FROM oversold_and_withheld WHERE oversold_units > 0")

    assert {row["sku"]: row["oversold_units"] for row in found} == truth != {}
    assert {row["sku"]: row["oversold_value"] for row in found} == {
        sku: units * prices[sku] for sku, units in truth.items()
    }


def test_withheld_units_are_those_that_exist_and_that_the_shop_does_not_offer(day: Day) -> None:
    world = day.world
    truth = {
        sku: world.whistl_available(sku) - world.unsent_units(sku) - world.centra_free(sku)
        for sku in day.desk.skus
    }

    found = day.rows("SELECT sku, withheld_units FROM oversold_and_withheld")

    withheld = {row["sku"]: row["withheld_units"] for row in found if row["withheld_units"]}
    assert withheld == {sku: units for sku, units in truth.items() if units > 0} != {}


def test_prices_are_those_of_the_shop(day: Day) -> None:
    sold_in_pounds = {
        line.sku
        for order in day.world.orders.values()
        for line in order.lines
        if order.currency == "GBP"
    }
    values = {row["sku"]: row for row in day.rows("SELECT * FROM sku_values")}
    found = {sku: values[sku] for sku in day.desk.skus if sku in values}
    assert len(found) > 10
    for sku, row in found.items():
        assert row["unit_price"] == day.world.items[sku].price
        assert (row["currency"] == "GBP") == (sku in sold_in_pounds)


def test_inventory_accuracy_is_measured_in_units_of_both_systems(day: Day) -> None:
    (found,) = day.rows("SELECT * FROM inventory_accuracy")
    assert found["comparisons"] == day.compared
    units = sum(day.world.shelves[sku].on_hand for sku in day.desk.skus)
    assert found["units"] == pytest.approx(units, rel=0.2)
    assert 0 < found["share_of_units_alike"] < found["share_of_units_alike_or_explained"] <= 1


def test_the_funnel_counts_the_orders_that_really_got_there(day: Day) -> None:
    funnel = day.rows("SELECT * FROM order_funnel WHERE period = 'last 7 days' ORDER BY position")
    reached = {row["stage"]: row["reached"] for row in funnel}
    orders = going(day)
    at_whistl = [day.world.whistl_order_of(order) for order in orders]
    assert reached["seen"] == len(orders)
    assert reached["accepted"] == sum(held is not None for held in at_whistl)
    assert reached["despatched"] == sum(
        held is not None and held.status == "DESPATCHED" for held in at_whistl
    )
    assert reached["completed"] == sum(order.status == "SHIPPED" for order in orders)
    of_the_day = day.rows("SELECT stage, reached FROM order_funnel WHERE period = 'day'")
    assert {row["stage"]: row["reached"] for row in of_the_day} == reached


def test_the_funnels_median_to_allocated_is_the_warehouses_own(day: Day) -> None:
    seconds = []
    for order in going(day):
        if held := day.world.whistl_order_of(order):
            moments = dict(reversed(held.history))
            seconds.append((moments["ALLOCATED"] - held.received_at).total_seconds())
    (found,) = day.rows(
        "SELECT p50_seconds FROM order_funnel WHERE period = 'last 7 days' AND stage = 'allocated'"
    )
    assert found["p50_seconds"] == pytest.approx(median(seconds), abs=1.0)


def test_parcels_are_counted_once_by_carrier_however_often_they_were_corrected(day: Day) -> None:
    found = day.rows("SELECT * FROM carrier_performance WHERE period = 'last 28 days'")
    by_carrier: Counter[str] = Counter()
    for row in found:
        by_carrier[row["carrier"]] += row["parcels"]
    assert sum(by_carrier.values()) == len(day.world.sent_parcels)
    assert by_carrier == {
        carrier: sum(carrier in parcel.carrier_names for parcel in day.world.sent_parcels)
        for carrier in by_carrier
    }
    assert sum(row["without_tracking"] for row in found) == 0
    corrections = day.rows("SELECT count(*) AS number FROM despatches WHERE supersedes IS NOT NULL")
    assert corrections[0]["number"] + len(
        day.rows("SELECT despatch_id FROM despatches GROUP BY despatch_id HAVING count(*) > 1")
    ), "without a correction this proves nothing"


def test_an_order_held_up_by_a_sku_or_a_shipping_option_says_so_and_for_how_long(day: Day) -> None:
    causes = day.rows(
        "SELECT * FROM why_orders_were_late "
        "WHERE part = 'cause' AND about_type IN ('sku', 'shipping_option')"
    )
    by_number = {day.world.whistl_number(order): order for order in day.world.orders.values()}
    shared = {"unmapped_shipping_option", "inactive_service", "unknown_sku", "malformed_sku"}
    assert {by_number[row["order_number"]].first_spoilage for row in causes} <= shared
    assert {row["about_type"] for row in causes} == {"sku", "shipping_option"}
    for row in causes:
        blocked = day.rows(
            "SELECT began_at, ended_at FROM why_orders_were_late "
            "WHERE order_number = ? AND part = 'state' AND name = 'blocked'",
            [row["order_number"]],
        )
        stays = {(stay["began_at"], stay["ended_at"]) for stay in blocked}
        assert (row["began_at"], row["ended_at"]) in stays
        assert row["owner"] in {"ecommerce", "merchandising", "fulfilment"}


def test_a_skus_timeline_ends_at_what_both_systems_show(day: Day) -> None:
    sku = max(day.desk.skus, key=day.world.centra_unshipped)
    lines = day.rows("SELECT * FROM sku_timeline WHERE sku = ? ORDER BY happened_at", [sku])
    last = {row["what"]: row["after"] for row in lines}
    ordered = sum(row["after"] for row in lines if row["what"] == "ordered")
    assert last["Centra shows"] == day.world.centra_free(sku)
    assert last["Whistl shows"] == day.world.whistl_available(sku)
    assert last["oversold"] > 0
    assert ordered == sum(
        line.quantity + line.cancelled
        for order in day.world.orders.values()
        for line in order.lines
        if line.sku == sku and order.cancelled_at is None
    )
    despatched = sum(row["after"] for row in lines if row["what"] == "despatched")
    assert despatched == sum(parcel.skus.get(sku, 0) for parcel in day.world.sent_parcels)


def test_every_call_that_the_systems_counted_is_counted_by_hour_and_purpose(day: Day) -> None:
    # A look after the last load is not in the file.
    calls = day.rows("SELECT operation, sum(tries) AS tries FROM api_calls GROUP BY operation")
    counted = {row["operation"]: row["tries"] for row in calls}
    at_whistl = {
        name.removeprefix("whistl "): number
        for name, number in day.world.calls.items()
        if name.startswith("whistl ") and name.count(" ") == 1
    }
    at_centra = day.world.calls["centra query"] + day.world.calls["centra mutation"]
    of_whistl = {name: n for name, n in counted.items() if name.islower()}
    assert of_whistl == at_whistl
    assert sum(n for name, n in counted.items() if not name.islower()) == at_centra
    by_hour = day.rows("SELECT sum(requests) AS requests FROM api_calls_by_hour")
    assert by_hour[0]["requests"] == at_centra + sum(at_whistl.values())
    assert day.rows("SELECT 1 FROM api_calls_by_hour WHERE purpose = 'other'") == []


def test_every_decision_about_a_sync_is_there_with_its_reason(day: Day) -> None:
    found = day.rows("SELECT * FROM sync_decisions")
    syncs = [each for each in day.decisions if each.does is not StockSync.NONE]
    shown = [row for row in reversed(found) if row["does"] != "none"]
    assert [(row["does"], row["reason"]) for row in shown] == [
        (each.does, each.reason) for each in syncs
    ]
    assert sum(row["ticks"] for row in found) == len(day.decisions)


def test_both_systems_statuses_stand_side_by_side_as_the_systems_show_them(day: Day) -> None:
    found = day.rows("SELECT * FROM order_statuses_side_by_side")
    shown = {
        row["order_number"]: (row["centra_status"], row["whistl_status"])
        for row in found
        if row["state"] != "cancelled"
    }
    truth = {}
    for order in day.world.orders.values():
        held = day.world.whistl_order_of(order)
        number = day.world.whistl_number(order)
        if number in shown:
            truth[number] = (order.status, held.status if held else None)
    assert shown == truth
    differing = Counter(row["standing"] for row in found if not row["agrees"])
    gone_all_the_same = sum(
        order.status == "CANCELLED" and held is not None and held.status == "DESPATCHED"
        for order in day.world.orders.values()
        for held in [day.world.whistl_order_of(order)]
    )
    assert differing["cancelled in Centra, shipped by Whistl"] == gone_all_the_same


def test_stock_was_as_old_as_the_readings_say(day: Day) -> None:
    (found,) = day.rows("SELECT * FROM stock_staleness")
    ((ages,),) = day.con.execute(
        "SELECT max(gap) FROM (SELECT epoch(lead(read_at) OVER (ORDER BY read_at)) "
        "- epoch(taken_at) AS gap FROM stock_snapshots "
        "WHERE system = 'whistl' AND verdict = 'accepted')"
    ).fetchall()
    assert found["oldest_minutes"] >= ages / 60 > found["average_age_minutes"] > 0
    assert found["stale_minutes"] == 0


def test_the_share_accepted_in_time_is_the_worlds_own(day: Day) -> None:
    (found,) = day.rows("SELECT * FROM service_levels_against_targets WHERE target = 'accepted'")
    orders = going(day)
    seen = {
        row["order_number"]: row["first_seen_at"]
        for row in day.rows("SELECT order_number, first_seen_at FROM orders")
    }
    met = sum(
        held is not None
        and (held.received_at - seen[day.world.whistl_number(order)]).total_seconds() <= 60
        for order in orders
        for held in [day.world.whistl_order_of(order)]
    )
    assert (found["measured"], found["met"]) == (len(orders), met)
    assert found["is_met"] == (100 * met >= 95 * len(orders))


def test_the_summaries_of_many_loads_are_those_of_one(day: Day) -> None:
    (found,) = day.rows(
        "SELECT count(*) AS parcels, (SELECT sum(parcels) FROM carrier_days) AS summed, "
        "(SELECT max(orders) FROM order_stage_days) AS orders FROM parcels"
    )
    assert found["summed"] == found["parcels"]
    assert found["orders"] == len(going(day))


def test_a_purpose_is_stated_for_every_call_of_both_clients(day: Day) -> None:
    made = {row["operation"] for row in day.rows("SELECT DISTINCT operation FROM api_calls")}
    assert made <= PURPOSES.keys()
