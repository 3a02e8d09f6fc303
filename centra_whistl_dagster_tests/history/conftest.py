"""A history file of its own for each test, and rows that need only say what the test is about."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from centra_whistl_dagster.history.columns import HistoryTable, table_name
from centra_whistl_dagster.history.store import History

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

ORDINARY: dict[str, dict[str, Any]] = {
    "orders": {
        "order_number": "C1",
        "state": "ready",
        "state_since": NOON,
        "country": "GB",
        "postcode_area": "BS",
        "currency": "GBP",
        "grand_total": Decimal("49.90"),
        "units": 2,
        "line_count": 1,
        "shipping_option": "Standard",
        "carrier_code": None,
        "delivery_method": None,
        "attempts": 0,
        "ordered_at": NOON,
        "first_seen_at": NOON,
        "screened_at": None,
        "submitted_at": None,
        "allocated_at": None,
        "despatched_at": None,
        "completed_at": None,
        "cancelled_at": None,
        "centra_status": "CONFIRMED",
        "whistl_status": None,
    },
    "order_lines": {
        "order_number": "C1",
        "line_number": 1,
        "sku": "TEE-S",
        "quantity": 2,
        "unit_price": Decimal("24.95"),
    },
    "order_events": {
        "order_number": "C1",
        "from_state": None,
        "state": "received",
        "moved_at": NOON,
        "reason": "confirmed in Centra",
    },
    "despatches": {
        "despatch_id": "D1",
        "version": 1,
        "sequence": 1,
        "supersedes": None,
        "order_number": "C1",
        "despatched_at": NOON,
        "received_at": NOON,
        "is_order_complete": True,
        "short_units": 0,
    },
    "parcels": {
        "despatch_id": "D1",
        "parcel_number": 1,
        "order_number": "C1",
        "carrier_name": "Royal Mail",
        "service_name": "Tracked 48",
        "has_tracking": True,
        "state": "completed",
        "despatched_at": NOON,
        "completed_at": NOON,
        "attempts": 1,
    },
    "parcel_lines": {
        "despatch_id": "D1",
        "parcel_number": 1,
        "line_number": 1,
        "sku": "TEE-S",
        "quantity": 2,
    },
    "exceptions": {
        "kind": "sku_unknown",
        "subject_type": "order",
        "subject": "C1",
        "field": "sku",
        "owner": "merchandising",
        "severity": "high",
        "opened_at": NOON,
        "last_seen_at": NOON,
        "due_at": NOON,
        "resolved_at": None,
    },
    "order_causes": {
        "order_number": "C3",
        "kind": "sku_unknown",
        "subject_type": "sku",
        "subject": "TEE-S",
        "field": "sku",
        "owner": "merchandising",
        "opened_at": NOON,
        "linked_at": NOON,
        "freed_at": None,
    },
    "stock_positions": {
        "sku": "TEE-S",
        "changed_at": NOON,
        "oversold_before": 0,
        "oversold_units": 0,
        "withheld_before": 0,
        "withheld_units": 0,
        "unwritten_before": 0,
        "unwritten_units": 0,
        "was_sold_out_by_buffer": False,
        "is_sold_out_by_buffer": False,
        "demand_in_30_days": 0,
    },
    "api_calls": {
        "hour": NOON,
        "system": "Centra",
        "operation": "OrderStamps",
        "purpose": "orders",
        "calls": 2,
        "tries": 3,
        "failed": 0,
        "throttled": 1,
        "milliseconds": 400,
    },
    "api_quota_use": {
        "hour": NOON,
        "system": "Centra",
        "operation": "OrderStamps",
        "resource": "requests",
        "purpose": "orders",
        "units": 3,
        "allowed_units": 30,
    },
    "cadence_decisions": {
        "decided_at": NOON,
        "does": "full",
        "minutes": 15,
        "reason": "every SKU is synced every 15 min",
        "last_at": NOON,
        "ticks": 1,
        "requests_left": None,
        "mutations_left": None,
    },
    "stock_updates": {
        "sku": "TEE-S",
        "snapshot_id": "S1",
        "intended_at": NOON,
        "settled_at": NOON,
        "from_physical": 5,
        "to_physical": 9,
        "whistl_available": 8,
        "units_held": 2,
        "units_left": 0,
        "buffer": 1,
        "outcome": "written",
        "read_back": 9,
    },
    "divergence": {
        "sku": "TEE-S",
        "expected": 10,
        "actual": 8,
        "difference": -2,
        "in_flight": 0,
        "blocked": -2,
        "shipped_not_completed": 0,
        "other_channels": 0,
        "quarantine": 0,
        "buffer": 0,
        "stale": 0,
        "clamped": 0,
        "one_side_only": 0,
        "unexplained": 0,
    },
}

RowMaker = Callable[..., pd.DataFrame]


@pytest.fixture
def rows() -> RowMaker:
    """Make a frame for a table: an ordinary row for each set of columns that are to differ."""

    def make(model: type[HistoryTable], *changes: dict[str, Any]) -> pd.DataFrame:
        ordinary = ORDINARY[table_name(model)]
        unknown = {name for change in changes for name in change} - set(ordinary)
        assert not unknown, f"no such column: {unknown}"
        return pd.DataFrame([ordinary | change for change in changes], columns=list(ordinary))

    return make


@pytest.fixture
def history(tmp_path: Path) -> History:
    return new_history(tmp_path / "live" / "history.duckdb")


@pytest.fixture
def make_history() -> Callable[..., History]:
    return new_history


def new_history(path: Path, **changes: Any) -> History:
    def never_waits(_seconds: float) -> None:
        raise AssertionError("this test has one loader and nothing to wait for")

    settings: dict[str, Any] = {
        "memory_limit": "500MB",
        "threads": 2,
        "now": lambda: NOON,
        "sleep": never_waits,
    }
    return History(path, **(settings | changes))
