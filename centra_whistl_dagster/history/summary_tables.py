# ruff: noqa: D106, RUF012  -- `Config` is where Pandera looks for a name and a key, and it wants a list.
"""The tables that are worked out from the others, so that a year of them is read in an instant.

The days that a load changed are worked out again (`summaries`). The rules of `tables` hold here.
"""

from __future__ import annotations

import pandas as pd
from pandera.engines.pandas_engine import Decimal
from pandera.typing import Series

from centra_whistl_dagster.history.columns import HistoryTable, code, count, moment, money, text

DAY = "Midnight in London that begins the day"
STAGES = ("seen", "screened", "accepted", "allocated", "despatched", "completed")


class DaysToSummarise(HistoryTable):
    """A day on which an order or a parcel has changed since the day was summarised."""

    summary: Series[str] = code("Which table.", isin=["order_stage_days", "carrier_days"])
    day: Series[pd.DatetimeTZDtype] = moment("Midnight in London that begins it.")

    class Config:
        name = "days_to_summarise"
        unique = ["summary", "day"]


class SkuPrices(HistoryTable):
    """What one unit of a SKU was sold at last, by the latest order's line with a price above 0."""

    sku: Series[str] = text("SKU as Centra has it.", str_length={"min_value": 1})
    currency: Series[str] = text("ISO 4217.")
    unit_price: Series[Decimal] = money("Price of one unit.")
    priced_at: Series[pd.DatetimeTZDtype] = moment("When that order was placed.")

    class Config:
        name = "sku_prices"
        unique = ["sku", "currency"]


class OrderStageDays(HistoryTable):
    """One stage of the orders placed on one day: how many reached it, and how long it took them."""

    day: Series[pd.DatetimeTZDtype] = moment(f"{DAY} on which they were placed.")
    stage: Series[str] = code("The stage.", isin=list(STAGES))
    orders: Series[pd.Int64Dtype] = count("Orders of the day, cancelled ones left out.", ge=0)
    reached: Series[pd.Int64Dtype] = count("Orders that reached the stage.", ge=0)
    within_target: Series[pd.Int64Dtype] = count(
        "Of those, how many within the target; of accepted from first seen, of despatched from "
        "ordered; 0 where there is no target.",
        ge=0,
    )
    p50_seconds: Series[pd.Int64Dtype] = count(
        "Median from the stage before that the order reached.", nullable=True
    )
    p95_seconds: Series[pd.Int64Dtype] = count("The same for 95 of 100.", nullable=True)

    class Config:
        name = "order_stage_days"
        unique = ["day", "stage"]


class CarrierDays(HistoryTable):
    """The parcels that one carrier's service took on one day."""

    day: Series[pd.DatetimeTZDtype] = moment(f"{DAY} on which they left.")
    carrier: Series[str] = text("Carrier; blank when Whistl sent none.")
    service: Series[str] = text("The carrier's service; blank when Whistl sent none.")
    parcels: Series[pd.Int64Dtype] = count("Parcels, after every correction.", ge=1)
    without_tracking: Series[pd.Int64Dtype] = count("Of them without a tracking number.", ge=0)
    completed: Series[pd.Int64Dtype] = count("Of them with a shipment in Centra.", ge=0)
    completed_within_target: Series[pd.Int64Dtype] = count("Of those within the target.", ge=0)
    attempts: Series[pd.Int64Dtype] = count("Attempts to send them to Centra.", ge=0)
    p50_seconds_to_despatch: Series[pd.Int64Dtype] = count(
        "Median from Whistl accepting the order.", nullable=True
    )
    p95_seconds_to_despatch: Series[pd.Int64Dtype] = count("The same, 95 of 100.", nullable=True)
    p50_seconds_to_complete: Series[pd.Int64Dtype] = count(
        "Median from leaving to Centra having the shipment.", nullable=True
    )
    p95_seconds_to_complete: Series[pd.Int64Dtype] = count("The same, 95 of 100.", nullable=True)

    class Config:
        name = "carrier_days"
        unique = ["day", "carrier", "service"]
