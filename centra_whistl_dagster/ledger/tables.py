"""The ledger's tables as SQLAlchemy sees them.

`migrations_sql/` makes them; a test keeps both equal. Does not belong here: any query.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An aware UTC time, also where the database (SQLite) keeps no zone."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Refuse a naive time: two zones mixed in one column cannot be told apart afterwards."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a zone: {value!r}")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Give the zone back where the database keeps none; turn to UTC what comes in another."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = sa.MetaData()


def _text(name: str, **options: Any) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=options.pop("nullable", False), **options)


def _time(name: str, *, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, UtcDateTime, nullable=nullable)


def _count(name: str, **options: Any) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=options.pop("nullable", False), **options)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False)


def _money(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Numeric(14, 2), nullable=False)


orders = sa.Table(
    "orders",
    metadata,
    _text("centra_id", primary_key=True),
    _count("number"),
    _text("whistl_number"),
    _text("state"),
    _time("state_since"),
    _text("centra_status"),
    _time("ordered_at"),
    _time("centra_updated_at"),
    _time("first_seen_at"),
    _text("content_hash"),
    _text("shipping_option"),
    _text("country"),
    _text("postcode_area"),
    _text("currency"),
    _money("grand_total"),
    _time("screened_at", nullable=True),
    _text("screened_against", nullable=True),
    _text("carrier_code", nullable=True),
    _text("delivery_method", nullable=True),
    _text("sent_hash", nullable=True),
    _time("submitted_at", nullable=True),
    _time("locked_at", nullable=True),
    _text("whistl_order_id", nullable=True),
    _text("whistl_status", nullable=True),
    _count("whistl_status_version", server_default="0"),
    _time("allocated_at", nullable=True),
    _time("despatched_at", nullable=True),
    _time("completed_at", nullable=True),
    _time("cancel_wanted_at", nullable=True),
    _time("cancelled_at", nullable=True),
    _count("attempts", server_default="0"),
    _time("due_at", nullable=True),
)

order_payloads = sa.Table(
    "order_payloads",
    metadata,
    _text("centra_id", primary_key=True),
    _text("received"),
    _text("outgoing", nullable=True),
    _time("stored_at"),
)

order_lines = sa.Table(
    "order_lines",
    metadata,
    _text("centra_id", primary_key=True),
    _count("line_number", primary_key=True),
    _count("line_id"),
    _text("sku"),
    _count("quantity"),
    _money("unit_price"),
    _count("not_found", server_default="0"),
    _count("wanted", nullable=True),
)

order_events = sa.Table(
    "order_events",
    metadata,
    _count("id", primary_key=True),
    _text("centra_id"),
    _count("number"),
    _text("from_state", nullable=True),
    _text("to_state"),
    _time("at"),
    _text("reason"),
)

submissions = sa.Table(
    "submissions",
    metadata,
    _count("id", primary_key=True),
    _text("centra_id"),
    _text("whistl_number"),
    _text("payload_hash"),
    _time("intent_at"),
    _time("settled_at", nullable=True),
    _text("outcome", nullable=True),
    _text("detail", nullable=True),
)

despatches = sa.Table(
    "despatches",
    metadata,
    _text("despatch_id", primary_key=True),
    _count("version", primary_key=True),
    _count("sequence"),
    _text("root_id"),
    _text("whistl_number"),
    _time("despatched_at"),
    _flag("is_order_complete"),
    _time("received_at"),
    _text("state"),
    _text("body"),
)

parcels = sa.Table(
    "parcels",
    metadata,
    _text("despatch_id", primary_key=True),
    _count("parcel_number", primary_key=True),
    _text("centra_id"),
    _text("state"),
    _time("state_since"),
    _text("carrier_name"),
    _text("service_name"),
    _text("tracking_number"),
    _time("despatched_at"),
    _count("centra_shipment_id", nullable=True),
    _time("completed_at", nullable=True),
    _count("attempts", server_default="0"),
    _time("due_at", nullable=True),
)

parcel_lines = sa.Table(
    "parcel_lines",
    metadata,
    _text("despatch_id", primary_key=True),
    _count("parcel_number", primary_key=True),
    _count("line_number", primary_key=True),
    _count("line_id"),
    _text("sku"),
    _count("quantity"),
)

exceptions = sa.Table(
    "exceptions",
    metadata,
    _count("id", primary_key=True),
    _text("kind"),
    _text("subject_type"),
    _text("subject"),
    _text("field"),
    _text("value"),
    _text("message"),
    _text("owner"),
    _text("severity"),
    _time("opened_at"),
    _time("last_seen_at"),
    _time("due_at"),
    _time("escalated_at", nullable=True),
    _time("resolved_at", nullable=True),
    _text("told", server_default="nothing"),
)

exception_orders = sa.Table(
    "exception_orders",
    metadata,
    _count("exception_id", primary_key=True),
    _text("centra_id", primary_key=True),
)

alerts = sa.Table(
    "alerts",
    metadata,
    _count("id", primary_key=True),
    _text("cause"),
    _text("owner"),
    _text("channel"),
    _text("tone"),
    _text("title"),
    _text("body"),
    _time("created_at"),
    _time("due_at"),
    _count("attempts", server_default="0"),
    _time("sent_at", nullable=True),
    _text("sent_by", nullable=True),
    _text("last_error", nullable=True),
)

watched = sa.Table(
    "watched",
    metadata,
    _text("name", primary_key=True),
    _text("title"),
    _text("owner"),
    _flag("is_told_red"),
    _time("last_red_at"),
)

cursors = sa.Table(
    "cursors",
    metadata,
    _text("name", primary_key=True),
    _text("value"),
    _time("updated_at"),
)

whistl_services = sa.Table(
    "whistl_services",
    metadata,
    _text("carrier_code", primary_key=True),
    _text("delivery_method", primary_key=True),
    _text("body"),
    _flag("is_active"),
)

whistl_products = sa.Table(
    "whistl_products",
    metadata,
    _text("sku", primary_key=True),
    _text("body"),
    _flag("is_active"),
)

centra_sizes = sa.Table(
    "centra_sizes",
    metadata,
    _count("product_size_id", primary_key=True),
    _text("sku"),
    _flag("is_active"),
)

stock_snapshots = sa.Table(
    "stock_snapshots",
    metadata,
    _text("snapshot_id", primary_key=True),
    _time("taken_at"),
    _time("read_at"),
    _count("row_count"),
    _text("verdict"),
    _text("reason"),
    _text("file"),
    sa.Column("zeroed_share", sa.Float),
    sa.Column("drop_share", sa.Float),
    sa.Column("gap_seconds", sa.Float),
)

stock_writes = sa.Table(
    "stock_writes",
    metadata,
    _count("id", primary_key=True),
    _text("sku"),
    _count("product_size_id"),
    _text("snapshot_id"),
    _count("from_quantity"),
    _count("to_quantity"),
    _count("whistl_available"),
    _count("units_held"),
    _count("units_left"),
    _count("buffer"),
    _time("intent_at"),
    _time("settled_at", nullable=True),
    _text("outcome", nullable=True),
    _count("read_back", nullable=True),
)

sku_collisions = sa.Table(
    "sku_collisions",
    metadata,
    _text("sku", primary_key=True),
    _text("others"),
)

leases = sa.Table(
    "leases",
    metadata,
    _text("name", primary_key=True),
    _text("holder"),
    _time("until"),
)
