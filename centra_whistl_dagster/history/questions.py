"""The questions that analysts and finance ask, each with the view that answers it and an example.

The data dictionary shows them; the tests run each example on a day of trade.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question: `example` is SQL that can be pasted into any DuckDB client."""

    asks: str
    view: str
    example: str


QUESTIONS = (
    Question(
        asks="How far do the two systems' stock figures differ now and over time, and why?",
        view="divergence_over_time",
        example="SELECT day, cause, units FROM divergence_over_time "
        "WHERE period = 'day' ORDER BY day, cause",
    ),
    Question(
        asks="How many units are oversold or withheld, and what are they worth?",
        view="oversold_and_withheld",
        example="SELECT currency, sum(oversold_units) AS oversold, "
        "sum(oversold_value) AS oversold_value, sum(withheld_units) AS withheld, "
        "sum(withheld_value) AS withheld_value FROM oversold_and_withheld GROUP BY currency",
    ),
    Question(
        asks="How accurate is the inventory, in units?",
        view="inventory_accuracy",
        example="SELECT day, units, differing_units, share_of_units_alike_or_explained "
        "FROM inventory_accuracy",
    ),
    Question(
        asks="How far do orders get, and how long does each stage take?",
        view="order_funnel",
        example="SELECT stage, reached, share_reached, p50_seconds FROM order_funnel "
        "WHERE period = 'last 7 days' ORDER BY position",
    ),
    Question(
        asks="Which exceptions repeat, whose are they, and how old are the open ones?",
        view="exceptions_that_repeat",
        example="SELECT owner, kind, times, subjects_again, open, oldest_open_hours "
        "FROM exceptions_that_repeat WHERE times > 1",
    ),
    Question(
        asks="Which SKUs are slowest to reach Centra?",
        view="slowest_skus_to_sync",
        example="SELECT sku, standing, minutes_waiting, longest_minutes "
        "FROM slowest_skus_to_sync LIMIT 20",
    ),
    Question(
        asks="How do carriers and services perform?",
        view="carrier_performance",
        example="SELECT carrier, service, parcels, p50_hours_to_despatch, without_tracking "
        "FROM carrier_performance WHERE period = 'last 28 days'",
    ),
    Question(
        asks="Why was order n late?",
        view="why_orders_were_late",
        example="SELECT part, name, about_type, about, owner, began_at, minutes "
        "FROM why_orders_were_late WHERE order_number = 'C100001' ORDER BY began_at",
    ),
    Question(
        asks="What changed for SKU x?",
        view="sku_timeline",
        example="SELECT happened_at, what, before, after, detail FROM sku_timeline "
        "WHERE sku = 'TEE001-BLK-M' ORDER BY happened_at",
    ),
    Question(
        asks="How often was stock stale?",
        view="stock_staleness",
        example="SELECT day, average_age_minutes, oldest_minutes, stale_minutes, stale_share "
        "FROM stock_staleness",
    ),
    Question(
        asks="How many API calls do we make, for what, and how much of the quota is that?",
        view="api_calls_by_hour",
        example="SELECT hour, system, purpose, requests, share_of_requests "
        "FROM api_calls_by_hour ORDER BY requests DESC LIMIT 100",
    ),
    Question(
        asks="When was stock synced, and why then?",
        view="sync_decisions",
        example="SELECT decided_at, does, reason, minutes_since_sync FROM sync_decisions "
        "WHERE does <> 'none' AND day = (SELECT max(day) FROM sync_decisions)",
    ),
    Question(
        asks="Do the two systems agree about each order's status?",
        view="order_statuses_side_by_side",
        example="SELECT standing, currency, count(*) AS orders, sum(grand_total) AS worth "
        "FROM order_statuses_side_by_side GROUP BY standing, currency",
    ),
    Question(
        asks="What do the buffers cost?",
        view="cost_of_buffers",
        example="SELECT sku, withheld_units, withheld_value, hours_sold_out, value_not_sold "
        "FROM cost_of_buffers",
    ),
    Question(
        asks="Are the service levels met?",
        view="service_levels_against_targets",
        example="SELECT day, target, percent, wanted_percent, is_met "
        "FROM service_levels_against_targets",
    ),
)
