# ruff: noqa: S608  -- every name comes from this module.
"""Work out the summary tables again, for the days that a load has changed.

What changes an order or a parcel notes its day here, in the same transaction: by the moments in the
rows a change that was read late would be missed. A day is always worked out as a whole, so that a
history that is filled again has the same summaries. Does not belong here: what analysts ask of them
(`views_sql/`).
"""

from __future__ import annotations

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

_EVERY_DAY = f"""
    INSERT INTO days_to_summarise BY NAME
    SELECT 'order_stage_days' AS summary, {_london_day("ordered_at")} AS day FROM orders
    UNION
    SELECT 'carrier_days', {_london_day("despatched_at")} FROM parcels
"""

_OF_CHANGED_ORDERS = f"""
    INSERT INTO days_to_summarise BY NAME
    SELECT 'order_stage_days' AS summary, {_london_day("moment")} AS day
    FROM (SELECT unnest([before.ordered_at, now.ordered_at]) AS moment FROM changed_rows)
    WHERE moment IS NOT NULL
    UNION
    SELECT 'carrier_days', {_london_day("despatched_at")} FROM parcels
    WHERE order_number IN (SELECT now.order_number FROM changed_rows)
"""

_OF_CHANGED_PARCELS = f"""
    INSERT INTO days_to_summarise BY NAME
    SELECT DISTINCT 'carrier_days' AS summary, {_london_day("moment")} AS day
    FROM (SELECT unnest([before.despatched_at, now.despatched_at]) AS moment FROM changed_rows)
    WHERE moment IS NOT NULL
"""

_OF_CHANGED = {"orders": _OF_CHANGED_ORDERS, "parcels": _OF_CHANGED_PARCELS}

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


def note_changes(con: duckdb.DuckDBPyConnection, table: str, changed: str) -> None:
    """Note the days of orders or parcels that are about to change; other tables have none.

    Args:
        con: the connection.
        table: which table.
        changed: a query for whole rows, as `before` and `now`: empty before where a row is new, the
            same where one goes.
    """
    if table in _OF_CHANGED:
        con.execute(f"CREATE OR REPLACE TEMP TABLE changed_rows AS {changed}")
        con.execute(_OF_CHANGED[table])


def note_every_day(con: duckdb.DuckDBPyConnection) -> None:
    """Note every day that has an order or a parcel."""
    con.execute(_EVERY_DAY)


def summarise(con: duckdb.DuckDBPyConnection) -> int:
    """Work out the noted days again; return how many days of orders."""
    worked_out = {
        summary: _replace_days(con, summary, insert)
        for summary, insert in (
            ("order_stage_days", _ORDER_STAGE_DAYS),
            ("carrier_days", _CARRIER_DAYS),
        )
    }
    con.execute("DELETE FROM days_to_summarise")
    return worked_out["order_stage_days"]


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


def _replace_days(con: duckdb.DuckDBPyConnection, table: str, insert: str) -> int:
    con.execute(
        "CREATE OR REPLACE TEMP TABLE days AS "
        "SELECT DISTINCT day FROM days_to_summarise WHERE summary = $1",
        [table],
    )
    con.execute(f"DELETE FROM {table} WHERE day IN (SELECT day FROM days)")
    con.execute(insert)
    ((days,),) = con.execute("SELECT count(*) FROM days").fetchall()
    return int(days)
