# ruff: noqa: D106, RUF012  -- `Config` is where Pandera looks for a name and a key, and it wants a list.
"""The tables about the connection itself: calls, quotas, decisions of the cadence, targets.

The rules of `tables` hold here too.
"""

from __future__ import annotations

import pandas as pd
from pandera.typing import Series

from centra_whistl_dagster.history.columns import HistoryTable, code, count, moment, remark, text

PURPOSE = "What the call is for: orders, shipments, stock and so on."


class ApiCalls(HistoryTable):
    """The calls of one operation in one hour."""

    hour: Series[pd.DatetimeTZDtype] = moment("The beginning of the hour in which they ended.")
    system: Series[str] = text("The system called.", str_matches=r"^[A-Za-z]+\Z")
    operation: Series[str] = text("Our name for the call.")
    purpose: Series[str] = code(PURPOSE)
    calls: Series[pd.Int64Dtype] = count("Calls.", ge=1)
    tries: Series[pd.Int64Dtype] = count("Requests: a call that is repeated makes several.", ge=0)
    failed: Series[pd.Int64Dtype] = count("Calls that ended in an error.", ge=0)
    throttled: Series[pd.Int64Dtype] = count(
        "Requests held back by the system's limit or by our share of it.", ge=0
    )
    milliseconds: Series[pd.Int64Dtype] = count("Time they took together, waits included.", ge=0)

    class Config:
        name = "api_calls"
        unique = ["hour", "system", "operation"]


class ApiQuotaUse(HistoryTable):
    """What the calls of one operation took of one quota in one hour."""

    hour: Series[pd.DatetimeTZDtype] = moment("The beginning of the hour.")
    system: Series[str] = text("The system called.", str_matches=r"^[A-Za-z]+\Z")
    operation: Series[str] = text("Our name for the call.")
    resource: Series[str] = text(
        "The quota: requests, mutations, complexity in thousands; 'for stock' is the part of it "
        "that stock may take."
    )
    purpose: Series[str] = code(PURPOSE)
    units: Series[pd.Int64Dtype] = count("Units taken.", ge=0)
    allowed_units: Series[pd.Int64Dtype] = count(
        "Units that we may take in an hour, all operations together; empty: no limit.",
        ge=0,
        nullable=True,
    )

    class Config:
        name = "api_quota_use"
        unique = ["hour", "system", "operation", "resource"]


class CadenceDecisions(HistoryTable):
    """One decision about a stock sync. Ticks in a row that launched none share a row."""

    decided_at: Series[pd.DatetimeTZDtype] = moment("When; of several ticks, the first.")
    does: Series[str] = code("What is synced.", isin=["full", "partial", "none"])
    minutes: Series[pd.Int64Dtype] = count(
        "It covers the SKUs that need this interval or a shorter one; 0 for none.", ge=0
    )
    reason: Series[str] = remark("Why; of several ticks, the last one's reason.")
    last_at: Series[pd.DatetimeTZDtype] = moment("When the last of the ticks was.")
    ticks: Series[pd.Int64Dtype] = count("How many ticks.", ge=1)
    requests_left: Series[pd.Int64Dtype] = count(
        "Requests of Centra's hour that were left to us; empty: no limit.", nullable=True
    )
    mutations_left: Series[pd.Int64Dtype] = count(
        "Writes of Centra's hour that were left to us; empty: no limit.", nullable=True
    )

    class Config:
        name = "cadence_decisions"
        unique = ["decided_at"]


class ServiceTargets(HistoryTable):
    """One target of `[service_targets]` in `config/policy.toml`, as it is now."""

    target: Series[str] = code("What is measured.")
    within_seconds: Series[pd.Int64Dtype] = count(
        "How soon; 0 where each exception has a limit of its own.", ge=0
    )
    wanted_percent: Series[pd.Int64Dtype] = count("For how many of 100.", ge=1, le=100)

    class Config:
        name = "service_targets"
        unique = ["target"]
