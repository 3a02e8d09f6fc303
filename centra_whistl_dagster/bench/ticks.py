"""Time what a tick of an idle installation asks of its ledger, beside orders that have ended."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from centra_whistl_dagster.bench.timing import Timing, timed
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import checks, standings
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.states import ParcelState
from centra_whistl_dagster.ledger.tables import order_lines, orders, parcel_lines, parcels
from centra_whistl_dagster.settings import load_settings
from centra_whistl_dagster.workflows.due import orders_due, parcels_due
from centra_whistl_dagster.workflows.link import Link, open_link

_NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
_OPEN = 200
"""Orders that Whistl has just got; all others have ended, a minute apart."""
_NOWHERE = "http://127.0.0.1:9"
"""The discard port: a tick that asks only the ledger never gets there."""


def idle(order_count: int) -> Timing:
    """Time the questions of a tick with that many orders in the ledger."""
    with (
        TemporaryDirectory() as folder,
        open_link(load_settings(_environment(Path(folder))), now=lambda: _NOW) as link,
    ):
        with link.ledger.transaction() as tx:
            for rows, table in zip(_rows(order_count), _TABLES, strict=True):
                for start in range(0, len(rows), 1000):
                    tx.execute(table.insert(), rows[start : start + 1000])
        name = f"idle tick, {order_count:,} orders in the ledger"
        return timed(name, _tick, prepare=lambda: link, runs=15)


_TABLES = (orders, order_lines, parcels, parcel_lines)


def _tick(link: Link) -> None:
    due = orders_due(link).total + parcels_due(link).total
    if due:
        raise ValueError(f"{due} steps are due: the installation is not idle")
    day_ago = _NOW - timedelta(days=1)
    with link.ledger.reading() as tx:
        checks.open_orders(tx)
        _ask_about_stock(tx, day_ago)


def _ask_about_stock(tx: Transaction, since: datetime) -> None:
    standings.of_open_lines(tx, taken_at=_NOW)
    standings.units_taken(tx, since=_NOW - timedelta(minutes=15), until=_NOW)
    standings.units_ordered(tx, since=_NOW - timedelta(minutes=15), until=_NOW)
    standings.units_completed_since(tx, {"TEE": since})


def _rows(order_count: int) -> Iterator[list[dict[str, object]]]:
    numbers = range(order_count)
    yield [_order(number, is_open=number >= order_count - _OPEN) for number in numbers]
    line: dict[str, object] = {"line_number": 1, "line_id": 1, "sku": "TEE", "quantity": 1}
    yield [{"centra_id": f"{number:032x}", "unit_price": Decimal(20), **line} for number in numbers]
    ended = range(order_count - _OPEN)
    yield [_parcel(number) for number in ended]
    yield [{"despatch_id": f"D{number}", "parcel_number": 1, **line} for number in ended]


def _order(number: int, *, is_open: bool) -> dict[str, object]:
    at = _NOW - timedelta(minutes=1) if is_open else _ended_at(number)
    return {
        "centra_id": f"{number:032x}",
        "number": 100_000 + number,
        "whistl_number": f"C{100_000 + number}",
        "state": OrderState.SUBMITTED if is_open else OrderState.COMPLETED,
        "state_since": at,
        "centra_status": "CONFIRMED" if is_open else "SHIPPED",
        "ordered_at": at,
        "centra_updated_at": at,
        "first_seen_at": at,
        "content_hash": "0" * 64,
        "shipping_option": "Standard",
        "country": "GB",
        "postcode_area": "YO",
        "currency": "GBP",
        "grand_total": Decimal(20),
        "submitted_at": at,
        "locked_at": at,
        "whistl_status": "RECEIVED" if is_open else "DESPATCHED",
        "allocated_at": None if is_open else at,
        "despatched_at": None if is_open else at,
        "completed_at": None if is_open else at,
        "centra_checked_at": _NOW,
        "whistl_checked_at": _NOW,
    }


def _ended_at(number: int) -> datetime:
    return _NOW - timedelta(days=2, minutes=number)


def _parcel(number: int) -> dict[str, object]:
    at = _ended_at(number)
    return {
        "despatch_id": f"D{number}",
        "parcel_number": 1,
        "centra_id": f"{number:032x}",
        "state": ParcelState.COMPLETED,
        "state_since": at,
        "carrier_name": "Simulated",
        "service_name": "",
        "tracking_number": f"T{number}",
        "despatched_at": at,
        "completed_at": at,
    }


def _environment(folder: Path) -> dict[str, str]:
    return {
        "CENTRA_BASE_URL": _NOWHERE,
        "CENTRA_TOKEN": "none",
        "WHISTL_BASE_URL": _NOWHERE,
        "WHISTL_TOKEN": "none",
        "WHISTL_CLIENT_CODE": "BENCH",
        "WHISTL_SITE": "SW",
        "STATE_DIR": str(folder),
        "CONFIG_DIR": os.environ.get("CONFIG_DIR", "config"),
    }
