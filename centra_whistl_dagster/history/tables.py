# ruff: noqa: D106, RUF012  -- `Config` is where Pandera looks for a name and a key, and it wants a list.
"""The tables of the history: one Pandera model each, the only declaration of their columns.

Loads validate against the model, the data dictionary and the UI show it, and the file is compared
with it at every opening. Here are orders, despatches, exceptions and loads; `stock_tables` has the
stock, `measurement_tables` the connection itself, `summary_tables` what is worked out from the
others. Does not belong here: how rows get in (`session`, `levels`) or out (`reads`, `views_sql/`).

No column may hold personal data: no name, address, e-mail, phone, full postcode or tracking number,
and no sentence that a person or a system wrote about somebody.
"""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa
from pandera.engines.pandas_engine import Decimal
from pandera.typing import Series

from centra_whistl_dagster.domain.exceptions.problems import SubjectType
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.history import (
    loading_tables,
    measurement_tables,
    stock_tables,
    summary_tables,
)
from centra_whistl_dagster.history.columns import (
    AppendOnlyTable,
    HistoryTable,
    code,
    count,
    declared_in,
    moment,
    money,
    remark,
    text,
    yes_no,
)

ORDER_NUMBER = "Number of the order at Whistl: prefix and Centra's number."


class Orders(HistoryTable):
    """One order in its current state, with the time of each milestone."""

    order_number: Series[str] = text(ORDER_NUMBER, str_length={"min_value": 1, "max_value": 12})
    state: Series[str] = code("Its state.", isin=[state.value for state in OrderState])
    state_since: Series[pd.DatetimeTZDtype] = moment("When it entered that state.")
    country: Series[str] = text(
        "Delivery country, ISO 3166-1 alpha-2.", str_matches=r"^[A-Z]{0,2}\Z"
    )
    postcode_area: Series[str] = text(
        "Leading letters of a UK postcode; blank elsewhere.", str_matches=r"^[A-Z]{0,2}\Z"
    )
    currency: Series[str] = text("ISO 4217.", str_matches=r"^[A-Z]{3}\Z")
    grand_total: Series[Decimal] = money("What the shopper pays, gross.")
    units: Series[pd.Int64Dtype] = count("Units over all lines.", ge=0)
    line_count: Series[pd.Int64Dtype] = count("Lines.", ge=0)
    shipping_option: Series[str] = text("Name of the Centra shipping option; blank for none.")
    carrier_code: Series[str] = text("Whistl carrier that the option maps to.", nullable=True)
    delivery_method: Series[str] = text("Whistl method that the option maps to.", nullable=True)
    attempts: Series[pd.Int64Dtype] = count("Attempts to send it to Whistl.", ge=0)
    ordered_at: Series[pd.DatetimeTZDtype] = moment("When the shopper ordered.")
    first_seen_at: Series[pd.DatetimeTZDtype] = moment("When it was first read from Centra.")
    screened_at: Series[pd.DatetimeTZDtype] = moment("When last screened.", nullable=True)
    submitted_at: Series[pd.DatetimeTZDtype] = moment("When Whistl accepted it.", nullable=True)
    allocated_at: Series[pd.DatetimeTZDtype] = moment(
        "When Whistl reserved its goods.", nullable=True
    )
    despatched_at: Series[pd.DatetimeTZDtype] = moment("When all of it had left.", nullable=True)
    completed_at: Series[pd.DatetimeTZDtype] = moment(
        "When Centra had all its shipments.", nullable=True
    )
    cancelled_at: Series[pd.DatetimeTZDtype] = moment("When it was cancelled.", nullable=True)
    centra_status: Series[str] = text("Its status in Centra, as last read.", nullable=True)
    whistl_status: Series[str] = text(
        "Its status at Whistl, as last read; empty before it was sent.", nullable=True
    )

    class Config:
        name = "orders"
        unique = ["order_number"]


class OrderLines(HistoryTable):
    """One line of an order: what is still wanted of one SKU."""

    order_number: Series[str] = text(ORDER_NUMBER)
    line_number: Series[pd.Int64Dtype] = count("1 for the first, as sent to Whistl.", ge=1)
    sku: Series[str] = text("SKU as Centra has it; blank if the line has no product.")
    quantity: Series[pd.Int64Dtype] = count("Units still wanted.", ge=0)
    unit_price: Series[Decimal] = money(
        "What the shopper pays for one unit, in the order's currency.", nullable=True
    )

    class Config:
        name = "order_lines"
        unique = ["order_number", "line_number"]


class OrderEvents(AppendOnlyTable):
    """One change of an order's state."""

    order_number: Series[str] = text(ORDER_NUMBER)
    from_state: Series[str] = code("The state before; empty for its first one.", nullable=True)
    state: Series[str] = code("The state after.", isin=[state.value for state in OrderState])
    moved_at: Series[pd.DatetimeTZDtype] = moment("When.")
    reason: Series[str] = remark("Why, in a few words of our own.")

    class Config:
        name = "order_events"
        unique = ["order_number", "state", "moved_at"]


class Despatches(HistoryTable):
    """One despatch message of the warehouse. A correction is a later row that supersedes it."""

    despatch_id: Series[str] = text("Whistl's id of the message.", str_length={"min_value": 1})
    version: Series[pd.Int64Dtype] = count("Counts corrections.", ge=0)
    sequence: Series[pd.Int64Dtype] = count("Whistl's running number of messages.", ge=0)
    supersedes: Series[str] = text("The despatch this one corrects.", nullable=True)
    order_number: Series[str] = text(ORDER_NUMBER)
    despatched_at: Series[pd.DatetimeTZDtype] = moment("When the goods left.")
    received_at: Series[pd.DatetimeTZDtype] = moment("When the message was read.")
    is_order_complete: Series[pd.BooleanDtype] = yes_no(
        "No further despatch will follow for the order."
    )
    short_units: Series[pd.Int64Dtype] = count(
        "Units that were not found and will not be sent.", ge=0
    )

    class Config:
        name = "despatches"
        unique = ["despatch_id", "version"]


class Parcels(HistoryTable):
    """One parcel after every correction, and when it was sent to Centra."""

    despatch_id: Series[str] = text("The first message of the despatch it belongs to.")
    parcel_number: Series[pd.Int64Dtype] = count("Number within the despatch.", ge=0)
    order_number: Series[str] = text(ORDER_NUMBER)
    carrier_name: Series[str] = text("Carrier; blank when Whistl sent none.")
    service_name: Series[str] = text("The carrier's service; blank when Whistl sent none.")
    has_tracking: Series[pd.BooleanDtype] = yes_no("A tracking number came with it.")
    state: Series[str] = code("Progress of its shipment in Centra.")
    despatched_at: Series[pd.DatetimeTZDtype] = moment("When it left.")
    completed_at: Series[pd.DatetimeTZDtype] = moment(
        "When Centra had its shipment.", nullable=True
    )
    attempts: Series[pd.Int64Dtype] = count("Attempts to send it to Centra.", ge=0)

    class Config:
        name = "parcels"
        unique = ["despatch_id", "parcel_number"]


class ParcelLines(HistoryTable):
    """Units of one order line in one parcel."""

    despatch_id: Series[str] = text("The despatch it belongs to.")
    parcel_number: Series[pd.Int64Dtype] = count("The parcel.", ge=0)
    line_number: Series[pd.Int64Dtype] = count("The order line.", ge=1)
    sku: Series[str] = text("SKU as Whistl has it.")
    quantity: Series[pd.Int64Dtype] = count("Units in this parcel.", ge=0)

    class Config:
        name = "parcel_lines"
        unique = ["despatch_id", "parcel_number", "line_number"]


class Exceptions(HistoryTable):
    """One thing that was wrong, from when it was first seen until it was fixed."""

    kind: Series[str] = code("Which rule found it.", str_length={"min_value": 1})
    subject_type: Series[str] = code("What it is about.", isin=[kind.value for kind in SubjectType])
    subject: Series[str] = text("Order number, SKU, option, despatch or snapshot.")
    field: Series[str] = text("Which field; blank when it is about the whole subject.")
    owner: Series[str] = code("The team that fixes it.", str_length={"min_value": 1})
    severity: Series[str] = code("urgent, blocking or warning.", str_length={"min_value": 1})
    opened_at: Series[pd.DatetimeTZDtype] = moment("When first seen.")
    last_seen_at: Series[pd.DatetimeTZDtype] = moment("When last seen.")
    due_at: Series[pd.DatetimeTZDtype] = moment("When it should be fixed.", nullable=True)
    resolved_at: Series[pd.DatetimeTZDtype] = moment("When it was gone.", nullable=True)

    class Config:
        name = "exceptions"
        unique = ["kind", "subject_type", "subject", "field", "opened_at"]


class OrderCauses(HistoryTable):
    """One exception that held up one order, though it may be about a SKU or an option."""

    order_number: Series[str] = text(ORDER_NUMBER)
    kind: Series[str] = code("Which rule found it.")
    subject_type: Series[str] = code("What the exception is about.")
    subject: Series[str] = text("Order number, SKU, option or despatch.")
    field: Series[str] = text("Which field; blank when it is about the whole subject.")
    owner: Series[str] = code("The team that fixes it.")
    opened_at: Series[pd.DatetimeTZDtype] = moment("When the exception was first seen.")
    linked_at: Series[pd.DatetimeTZDtype] = moment("Since when it held this order up.")
    freed_at: Series[pd.DatetimeTZDtype] = moment(
        "When it ceased to; empty: it still does.", nullable=True
    )

    class Config:
        name = "order_causes"
        unique = ["order_number", "kind", "subject_type", "subject", "field", "linked_at"]


class Loads(HistoryTable):
    """One load of one table: how many rows were read and what became of them."""

    load_id: Series[pd.Int64Dtype] = count("Running number.", ge=1)
    table_name: Series[str] = code("Which table.")
    loaded_at: Series[pd.DatetimeTZDtype] = moment("When.")
    read_count: Series[pd.Int64Dtype] = count("Rows offered.", ge=0)
    written_count: Series[pd.Int64Dtype] = count("Rows new or changed.", ge=0)
    unchanged_count: Series[pd.Int64Dtype] = count("Rows already there as they are.", ge=0)
    skipped_count: Series[pd.Int64Dtype] = count(
        "Repeats, and rows whose order or despatch failed.", ge=0
    )
    failed_count: Series[pd.Int64Dtype] = count("Rows that break a rule of the table.", ge=0)
    removed_count: Series[pd.Int64Dtype] = count("Rows the source no longer has.", ge=0)

    class Config:
        name = "loads"
        unique = ["load_id"]

    @pa.dataframe_check
    @classmethod
    def every_row_read_is_accounted_for(cls, frame: pd.DataFrame) -> pd.Series:
        """Rows read are written, unchanged, skipped or failed."""
        parts = ["written_count", "unchanged_count", "skipped_count", "failed_count"]
        return frame["read_count"] == frame[parts].sum(axis=1)


TABLES: tuple[type[HistoryTable], ...] = (
    *declared_in(globals()),
    *declared_in(vars(stock_tables)),
    *declared_in(vars(loading_tables)),
    *declared_in(vars(measurement_tables)),
    *declared_in(vars(summary_tables)),
)
"""Every table: declaring its class is enough to be among them."""
