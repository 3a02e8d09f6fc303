"""What the verdict on one order depends on besides the order itself, as one fingerprint.

An order is screened again only when its own fingerprint has changed: an edited row of the shipping
services file concerns the orders with its option, a new SKU at Whistl the orders that hold it.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import lru_cache
from hashlib import sha256
from typing import Any

from centra_whistl_dagster.domain.orders.order import Order
from centra_whistl_dagster.domain.orders.screening_policy import ScreeningPolicy
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
        _policy_as_text(reference.policy),
        [(row.country, row.zones, row.service) for row in rows],
        [reference.services.get(code) for code in sorted({row.service for row in rows})],
        [reference.products.get(sku) for sku in skus],
        [reference.colliding.get(sku) for sku in skus],
    )
    return sha256(json.dumps(parts, default=_spelled).encode()).hexdigest()


@lru_cache(maxsize=4)
def _policy_as_text(policy: ScreeningPolicy) -> str:
    return json.dumps(policy, default=_spelled)


def _spelled(value: Any) -> Any:
    """Spell a value the same in every process: a set has no order of its own."""
    if isinstance(value, frozenset):
        return sorted(value)
    return asdict(value) if hasattr(value, "__dataclass_fields__") else str(value)
