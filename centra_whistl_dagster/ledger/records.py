"""Domain records as JSON text for the ledger, and back. Nothing else reads that text."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import TypeAdapter

from centra_whistl_dagster.domain.orders.despatches import Despatch
from centra_whistl_dagster.domain.orders.order import Order
from centra_whistl_dagster.domain.orders.shipping import SentShipment
from centra_whistl_dagster.domain.orders.whistl_catalogue import WhistlProduct, WhistlService

T = TypeVar("T")

_ADAPTERS: dict[type, TypeAdapter[Any]] = {
    record_type: TypeAdapter(record_type)
    for record_type in (Order, Despatch, SentShipment, WhistlService, WhistlProduct)
}


def dumps(record: Order | Despatch | SentShipment | WhistlService | WhistlProduct) -> str:
    """Return a domain record as text."""
    return _ADAPTERS[type(record)].dump_json(record).decode()


def loads(record_type: type[T], text: str) -> T:
    """Return the record that `dumps` wrote."""
    record: T = _ADAPTERS[record_type].validate_json(text)
    return record
