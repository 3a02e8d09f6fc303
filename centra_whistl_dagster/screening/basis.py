"""What a verdict on one order rests on besides the order itself, as one fingerprint.

When the fingerprint changes, that order is worth another look and no other is: an edited row of the
shipping table concerns the orders with its option, a new SKU at Whistl those that wait for it.
"""

from __future__ import annotations

from dataclasses import asdict
from hashlib import sha256
from typing import Any

from centra_whistl_dagster.domain.orders.order import Order
from centra_whistl_dagster.screening.reference_data import ScreeningReference


def basis_of(order: Order, reference: ScreeningReference) -> str:
    """Return a digest of the parts of the reference data that can change this order's verdict."""
    option = order.shipping_option
    rows = [
        row
        for row in (reference.mapping.rows_for(option) if option else ())
        if row.is_active(reference.today)
    ]
    skus = sorted({line.sku for line in order.lines})
    parts = (
        reference.policy,
        [(row.country, row.zones, row.service) for row in rows],
        [reference.services.get(code) for code in sorted({row.service for row in rows})],
        [reference.products.get(sku) for sku in skus],
        [reference.colliding.get(sku) for sku in skus],
    )
    return sha256(_spelled(parts).encode()).hexdigest()


def _spelled(value: Any) -> str:
    """Spell a value the same in every process: a set has no order of its own."""
    if isinstance(value, frozenset | set):
        return f"{{{','.join(sorted(map(_spelled, value)))}}}"
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_spelled, value))}]"
    if hasattr(value, "__dataclass_fields__"):
        return (
            f"{type(value).__name__}{_spelled(sorted(asdict(value).items(), key=lambda i: i[0]))}"
        )
    if isinstance(value, dict):
        return _spelled(sorted(value.items()))
    return repr(value)
