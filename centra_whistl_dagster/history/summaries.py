# ruff: noqa: S608  -- every name comes from this module.
"""Work out the summary tables again, for the days that a load has changed.

A day is always worked out as a whole from the tables, so that a history that is filled again has
the same summaries, and a load that comes twice changes nothing.
"""

from __future__ import annotations

from datetime import datetime

import duckdb
import pandas as pd

from centra_whistl_dagster.history.stock_tables import CAUSES


def _london_day(moment: str) -> str:
    return f"date_trunc('day', {moment} AT TIME ZONE 'Europe/London') AT TIME ZONE 'Europe/London'"


def _took(start: str, end: str) -> str:
    return f"epoch({end}) - epoch({start})"


def _within(target: str, start: str, end: str) -> str:
    seconds = f"(SELECT within_seconds FROM service_targets WHERE target = '{target}')"
    return f"coalesce({_took(start, end)} <= {seconds}, false)"


def _stage(stage: str, start: str, end: str, within: str = "false") -> str:
    return f"{{stage: '{stage}', seconds: {_took(start, end)}, within: {within}}}"


_STAGES = ", ".join(
    (
        _stage("seen", "ordered_at", "first_seen_at"),
        _stage("screened", "first_seen_at", "screened_at"),
        _stage(
            "accepted",
            "coalesce(screened_at, first_seen_at)",
            "submitted_at",
            _within("accepted", "first_seen_at", "submitted_at"),
        ),
        _stage("allocated", "submitted_at", "allocated_at"),
        _stage(
            "despatched",
            "coalesce(allocated_at, submitted_at)",
            "despatched_at",
            _within("despatched", "ordered_at", "despatched_at"),
        ),
        _stage(
            "completed",
            "despatched_at",
            "completed_at",
            _within("completed", "despatched_at", "completed_at"),
        ),
    )
)

_ORDER_STAGE_DAYS = f"""
    INSERT INTO order_stage_days BY NAME
    WITH touched AS (
        SELECT {_london_day("ordered_at")} AS day, * FROM orders
        WHERE state <> 'cancelled'
          AND ordered_at >= (SELECT min(day) FROM days)
          AND ordered_at < (SELECT max(day) FROM days) + INTERVAL 25 HOURS
    )
    SELECT day, stage, count(*) AS orders, count(seconds) AS reached,
           count_if(within) AS within_target,
           round(quantile_cont(seconds, 0.5))::BIGINT AS p50_seconds,
           round(quantile_cont(seconds, 0.95))::BIGINT AS p95_seconds
    FROM (SELECT day, unnest([{_STAGES}], recursive := true)
          FROM touched SEMI JOIN days USING (day))
    GROUP BY day, stage
"""

_CARRIER_DAYS = f"""
    INSERT INTO carrier_days BY NAME
    WITH touched AS (
        SELECT {_london_day("p.despatched_at")} AS day, p.*
        FROM parcels p
        WHERE p.despatched_at >= (SELECT min(day) FROM days)
          AND p.despatched_at < (SELECT max(day) FROM days) + INTERVAL 25 HOURS
    ),
    measured AS (
        SELECT t.*, {_took("o.submitted_at", "t.despatched_at")} AS to_despatch,
               {_took("t.despatched_at", "t.completed_at")} AS to_complete,
               {_within("completed", "t.despatched_at", "t.completed_at")} AS within_target
        FROM touched t SEMI JOIN days USING (day)
        LEFT JOIN orders o USING (order_number)
    )
    SELECT day, carrier_name AS carrier, service_name AS service, count(*) AS parcels,
           count_if(NOT has_tracking) AS without_tracking, count(completed_at) AS completed,
           count_if(within_target) AS completed_within_target, sum(attempts)::BIGINT AS attempts,
           round(quantile_cont(to_despatch, 0.5))::BIGINT AS p50_seconds_to_despatch,
           round(quantile_cont(to_despatch, 0.95))::BIGINT AS p95_seconds_to_despatch,
           round(quantile_cont(to_complete, 0.5))::BIGINT AS p50_seconds_to_complete,
           round(quantile_cont(to_complete, 0.95))::BIGINT AS p95_seconds_to_complete
    FROM measured GROUP BY day, carrier_name, service_name
"""

_DAYS_OF_ORDERS = f"""
    CREATE OR REPLACE TEMP TABLE days AS
    SELECT DISTINCT {_london_day("ordered_at")} AS day FROM orders
    WHERE $1::TIMESTAMPTZ IS NULL OR state_since >= $1 OR screened_at >= $1 OR allocated_at >= $1
"""

_DAYS_OF_PARCELS = f"""
    CREATE OR REPLACE TEMP TABLE days AS
    SELECT DISTINCT {_london_day("p.despatched_at")} AS day FROM parcels p
    WHERE $1::TIMESTAMPTZ IS NULL OR p.state_since >= $1
       OR p.state NOT IN ('completed', 'ended')
"""

_DAYS_OF_CORRECTED = f"""
    INSERT INTO days
    SELECT day FROM (
        SELECT {_london_day("despatched_at")} AS day, count(*) AS parcels FROM parcels GROUP BY day
    ) found
    FULL JOIN (SELECT day, sum(parcels) AS parcels FROM carrier_days GROUP BY day) summed
    USING (day)
    WHERE found.parcels IS DISTINCT FROM summed.parcels AND day NOT IN (SELECT day FROM days)
      AND EXISTS (SELECT 1 FROM despatches WHERE received_at >= $1 AND supersedes IS NOT NULL)
"""
"""A correction may move a parcel to another day, or take it away."""

_PRICES = """
    MERGE INTO sku_prices t USING (
        SELECT sku, currency, max(ordered_at)::TIMESTAMPTZ AS priced_at,
               max_by(CAST(unit_price AS DECIMAL(14,2)), (ordered_at, order_number)) AS unit_price
        FROM offered GROUP BY sku, currency
    ) i ON t.sku = i.sku AND t.currency = i.currency
    WHEN MATCHED AND i.priced_at >= t.priced_at
        THEN UPDATE SET unit_price = i.unit_price, priced_at = i.priced_at
    WHEN NOT MATCHED THEN INSERT BY NAME
"""


def record_prices(con: duckdb.DuckDBPyConnection, rows: pd.DataFrame) -> None:
    """Keep the latest price of each SKU and currency; an older one changes nothing."""
    if not rows.empty:
        con.register("offered", rows)
        con.execute(_PRICES)
        con.unregister("offered")


def summarise(con: duckdb.DuckDBPyConnection, since: datetime | None) -> int:
    """Work out again the days that changed since, or every day; return how many days of orders."""
    con.execute(_DAYS_OF_ORDERS, [since])
    ((days,),) = con.execute("SELECT count(*) FROM days").fetchall()
    _replace_days(con, "order_stage_days", _ORDER_STAGE_DAYS)
    con.execute(_DAYS_OF_PARCELS, [since])
    if since is not None:
        con.execute(_DAYS_OF_CORRECTED, [since])
    _replace_days(con, "carrier_days", _CARRIER_DAYS)
    return int(days)


def sums_by_cause(divergence: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `comparison_causes` for the rows of one comparison."""
    long = divergence.melt(
        id_vars=["snapshot_id", "compared_at"],
        value_vars=list(CAUSES),
        var_name="cause",
        value_name="units",
    )
    parts = long[long["units"] != 0]
    parts = parts.assign(skus=1, units_without_sign=parts["units"].abs())
    return parts.groupby(["snapshot_id", "cause", "compared_at"], as_index=False)[
        ["skus", "units", "units_without_sign"]
    ].sum()


def _replace_days(con: duckdb.DuckDBPyConnection, table: str, insert: str) -> None:
    con.execute(f"DELETE FROM {table} WHERE day IN (SELECT day FROM days)")
    con.execute(insert)
