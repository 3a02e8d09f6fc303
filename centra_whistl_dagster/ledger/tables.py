"""The ledger's tables as SQLAlchemy sees them.

`migrations_sql/` makes them; a test keeps both equal. Does not belong here: any query, or what a
kind of column is (`columns`).
"""

from __future__ import annotations

import sqlalchemy as sa

from centra_whistl_dagster.domain.desk_roles import Role
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, SubjectType
from centra_whistl_dagster.domain.generations import Beginning
from centra_whistl_dagster.domain.orders.changes_after_sending import StopReason
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.domain.stock.cadence import StockSync
from centra_whistl_dagster.ledger.columns import (
    UtcDateTime,
    count,
    flag,
    member,
    money,
    text,
    time,
)
from centra_whistl_dagster.ledger.states import (
    DeskAction,
    DeskSubject,
    DespatchState,
    MessageState,
    ParcelState,
    SubmissionOutcome,
    Verdict,
    WriteOutcome,
)

metadata = sa.MetaData()

orders = sa.Table(
    "orders",
    metadata,
    text("centra_id", primary_key=True),
    count("number"),
    text("whistl_number"),
    member("state", OrderState),
    time("state_since"),
    text("centra_status"),
    time("ordered_at"),
    time("centra_updated_at"),
    time("first_seen_at"),
    text("content_hash"),
    text("shipping_option"),
    text("country"),
    text("postcode_area"),
    text("currency"),
    money("grand_total"),
    time("screened_at", nullable=True),
    text("screened_against", nullable=True),
    text("carrier_code", nullable=True),
    text("delivery_method", nullable=True),
    text("sent_hash", nullable=True),
    time("submitted_at", nullable=True),
    time("locked_at", nullable=True),
    text("whistl_order_id", nullable=True),
    text("whistl_status", nullable=True),
    count("whistl_status_version", server_default="0"),
    time("allocated_at", nullable=True),
    time("despatched_at", nullable=True),
    time("completed_at", nullable=True),
    time("cancel_wanted_at", nullable=True),
    time("cancelled_at", nullable=True),
    count("attempts", server_default="0"),
    time("due_at", nullable=True),
    time("centra_checked_at", nullable=True),
    time("whistl_checked_at", nullable=True),
    time("lock_due_at", nullable=True),
    count("lock_attempts", server_default="0"),
    time("despatch_awaited_since", nullable=True),
    member("stop_for", StopReason, nullable=True),
    time("stop_due_at", nullable=True),
    time("stop_asked_at", nullable=True),
    count("stop_attempts", server_default="0"),
    time("former_active_at", nullable=True),
    time("unlock_due_at", nullable=True),
    count("unlock_attempts", server_default="0"),
    time("given_back_at", nullable=True),
    time("erased_at", nullable=True),
)

former_numbers = sa.Table(
    "former_numbers",
    metadata,
    text("whistl_number", primary_key=True),
    text("centra_id"),
    time("submitted_at", nullable=True),
    time("allocated_at", nullable=True),
    time("ended_at"),
    text("whistl_status", nullable=True),
    count("whistl_status_version"),
)

former_lines = sa.Table(
    "former_lines",
    metadata,
    text("whistl_number", primary_key=True),
    count("line_number", primary_key=True),
    count("line_id"),
    text("sku"),
    count("quantity"),
)

order_payloads = sa.Table(
    "order_payloads",
    metadata,
    text("centra_id", primary_key=True),
    text("received"),
    text("outgoing", nullable=True),
    time("stored_at"),
)

order_keys = sa.Table(
    "order_keys",
    metadata,
    text("centra_id", primary_key=True),
    text("sealed_by"),
    text("sealed_key"),
)

order_lines = sa.Table(
    "order_lines",
    metadata,
    text("centra_id", primary_key=True),
    count("line_number", primary_key=True),
    count("line_id"),
    text("sku"),
    count("quantity"),
    money("unit_price"),
    count("not_found", server_default="0"),
    count("wanted", nullable=True),
    count("gone", nullable=True),
)

order_events = sa.Table(
    "order_events",
    metadata,
    count("id", primary_key=True),
    text("centra_id"),
    count("number"),
    member("from_state", OrderState, nullable=True),
    member("to_state", OrderState),
    time("at"),
    text("reason"),
    text("note", nullable=True),
)

submissions = sa.Table(
    "submissions",
    metadata,
    count("id", primary_key=True),
    text("centra_id"),
    text("whistl_number"),
    text("payload_hash"),
    time("intent_at"),
    time("settled_at", nullable=True),
    member("outcome", SubmissionOutcome, nullable=True),
    text("detail", nullable=True),
)

despatches = sa.Table(
    "despatches",
    metadata,
    text("despatch_id", primary_key=True),
    count("version", primary_key=True),
    count("sequence"),
    text("root_id"),
    text("whistl_number"),
    time("despatched_at"),
    flag("is_order_complete"),
    time("received_at"),
    member("state", DespatchState),
    text("body"),
    text("content_hash", nullable=True),
)

messages = sa.Table(
    "messages",
    metadata,
    count("id", primary_key=True),
    text("feed"),
    text("message_id"),
    text("content_hash"),
    count("sequence", nullable=True),
    count("read_after"),
    time("received_at"),
    member("state", MessageState),
    text("body", nullable=True),
    count("attempts", server_default="0"),
    time("due_at", nullable=True),
)

parcels = sa.Table(
    "parcels",
    metadata,
    text("despatch_id", primary_key=True),
    count("parcel_number", primary_key=True),
    text("centra_id"),
    member("state", ParcelState),
    time("state_since"),
    text("carrier_name"),
    text("service_name"),
    text("tracking_number"),
    time("despatched_at"),
    count("centra_shipment_id", nullable=True),
    time("completed_at", nullable=True),
    count("attempts", server_default="0"),
    time("due_at", nullable=True),
    text("sent", nullable=True),
)

parcel_lines = sa.Table(
    "parcel_lines",
    metadata,
    text("despatch_id", primary_key=True),
    count("parcel_number", primary_key=True),
    count("line_number", primary_key=True),
    count("line_id"),
    text("sku"),
    count("quantity"),
)

exceptions = sa.Table(
    "exceptions",
    metadata,
    count("id", primary_key=True),
    member("kind", ExceptionKind),
    member("subject_type", SubjectType),
    text("subject"),
    text("field"),
    text("value"),
    text("message"),
    text("owner"),
    text("severity"),
    time("opened_at"),
    time("last_seen_at"),
    time("due_at"),
    time("escalated_at", nullable=True),
    time("resolved_at", nullable=True),
    text("told", server_default="nothing"),
    text("contents", nullable=True),
    text("closed_by", nullable=True),
    text("closed_note", nullable=True),
)

exception_orders = sa.Table(
    "exception_orders",
    metadata,
    count("exception_id", primary_key=True),
    text("centra_id", primary_key=True),
)

order_causes = sa.Table(
    "order_causes",
    metadata,
    count("exception_id", primary_key=True),
    text("centra_id", primary_key=True),
    sa.Column("linked_at", UtcDateTime, primary_key=True),
    time("freed_at", nullable=True),
)

exception_work = sa.Table(
    "exception_work",
    metadata,
    count("exception_id", primary_key=True),
    text("taken_by", nullable=True),
    time("taken_at", nullable=True),
    text("snoozed_by", nullable=True),
    time("snoozed_until", nullable=True),
)

desk_actions = sa.Table(
    "desk_actions",
    metadata,
    count("id", primary_key=True),
    time("at"),
    text("who"),
    member("role", Role),
    member("action", DeskAction),
    member("subject_type", DeskSubject),
    text("subject"),
    text("note"),
    text("result"),
)

alert_exceptions = sa.Table(
    "alert_exceptions",
    metadata,
    count("exception_id", primary_key=True),
    count("alert_id", primary_key=True),
)

release_requests = sa.Table(
    "release_requests",
    metadata,
    text("snapshot_id", primary_key=True),
    text("asked_by"),
    time("asked_at"),
    text("reason"),
)

api_calls = sa.Table(
    "api_calls",
    metadata,
    sa.Column("hour", UtcDateTime, primary_key=True),
    text("system", primary_key=True),
    text("operation", primary_key=True),
    count("calls"),
    count("tries"),
    count("failed"),
    count("throttled"),
    count("milliseconds"),
)

api_quota_use = sa.Table(
    "api_quota_use",
    metadata,
    sa.Column("hour", UtcDateTime, primary_key=True),
    text("system", primary_key=True),
    text("operation", primary_key=True),
    text("resource", primary_key=True),
    count("units"),
    count("allowed_units", nullable=True),
)

cadence_decisions = sa.Table(
    "cadence_decisions",
    metadata,
    sa.Column("decided_at", UtcDateTime, primary_key=True),
    member("does", StockSync),
    count("minutes"),
    text("reason"),
    time("last_at"),
    count("ticks"),
    count("requests_left", nullable=True),
    count("mutations_left", nullable=True),
)

failing_steps = sa.Table(
    "failing_steps",
    metadata,
    text("step", primary_key=True),
    text("fingerprint"),
    count("alike"),
    count("failures"),
    time("since"),
)

step_successes = sa.Table(
    "step_successes",
    metadata,
    text("step", primary_key=True),
    time("at"),
)

failing_step_exceptions = sa.Table(
    "failing_step_exceptions",
    metadata,
    text("step", primary_key=True),
    count("exception_id", primary_key=True),
)

alerts = sa.Table(
    "alerts",
    metadata,
    count("id", primary_key=True),
    text("cause"),
    text("owner"),
    text("channel"),
    text("severity"),
    text("title"),
    text("body"),
    time("created_at"),
    time("due_at"),
    count("attempts", server_default="0"),
    time("sent_at", nullable=True),
    text("sent_by", nullable=True),
    text("last_error", nullable=True),
    text("html", nullable=True),
)

watched = sa.Table(
    "watched",
    metadata,
    text("name", primary_key=True),
    text("title"),
    text("owner"),
    flag("is_told_red"),
    time("last_red_at"),
    time("told_at", nullable=True),
)

cursors = sa.Table(
    "cursors",
    metadata,
    text("name", primary_key=True),
    text("value"),
    time("updated_at"),
)

order_hints = sa.Table(
    "order_hints",
    metadata,
    count("number", primary_key=True),
    text("source", primary_key=True),
    time("made_at"),
    time("first_announced_at"),
    time("announced_at"),
)

whistl_services = sa.Table(
    "whistl_services",
    metadata,
    text("carrier_code", primary_key=True),
    text("delivery_method", primary_key=True),
    text("body"),
    flag("is_active"),
)

whistl_products = sa.Table(
    "whistl_products",
    metadata,
    text("sku", primary_key=True),
    text("body"),
    flag("is_active"),
)

centra_sizes = sa.Table(
    "centra_sizes",
    metadata,
    count("product_size_id", primary_key=True),
    text("sku"),
    flag("is_active"),
)

stock_snapshots = sa.Table(
    "stock_snapshots",
    metadata,
    text("snapshot_id", primary_key=True),
    time("taken_at"),
    time("read_at"),
    count("row_count"),
    member("verdict", Verdict),
    text("reason"),
    text("file"),
    text("movement", nullable=True),
)

stock_writes = sa.Table(
    "stock_writes",
    metadata,
    count("id", primary_key=True),
    text("sku"),
    count("product_size_id"),
    text("snapshot_id"),
    count("from_quantity"),
    count("to_quantity"),
    count("whistl_available"),
    count("units_held"),
    count("units_left"),
    count("buffer"),
    time("intent_at"),
    time("settled_at", nullable=True),
    member("outcome", WriteOutcome, nullable=True),
    count("read_back", nullable=True),
)

last_stock_writes = sa.Table(
    "last_stock_writes",
    metadata,
    text("sku", primary_key=True),
    time("settled_at"),
    count("to_quantity"),
    count("read_back"),
)

absent_skus = sa.Table(
    "absent_skus",
    metadata,
    text("sku", primary_key=True),
    time("last_taken_at"),
    count("snapshots"),
)

centra_shipment_lines = sa.Table(
    "centra_shipment_lines",
    metadata,
    count("shipment_id", primary_key=True),
    count("line_id", primary_key=True),
    text("centra_id"),
    count("quantity"),
)

sku_collisions = sa.Table(
    "sku_collisions",
    metadata,
    text("sku", primary_key=True),
    text("others"),
)

leases = sa.Table(
    "leases",
    metadata,
    text("name", primary_key=True),
    text("holder"),
    time("until"),
)

generations = sa.Table(
    "generations",
    metadata,
    count("id", primary_key=True),
    text("token"),
    member("reason", Beginning),
    time("began_at"),
    time("last_known_at", nullable=True),
    time("alive_at"),
    time("sweep_due_at", nullable=True),
    time("parcels_checked_at", nullable=True),
    time("accounted_for_at", nullable=True),
)
