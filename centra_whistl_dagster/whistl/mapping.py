"""A screened order as Whistl wants it, and the fingerprint by which it is known again.

Belongs here: names and forms of the fields that are sent. Does not belong here: whether an order
may be sent and how its address was made to fit (`screening`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from centra_whistl_dagster.domain.orders.addresses import PreparedAddress
from centra_whistl_dagster.domain.orders.characters import carried
from centra_whistl_dagster.domain.orders.customs import weighed
from centra_whistl_dagster.domain.orders.order import Order, OrderLine
from centra_whistl_dagster.domain.orders.whistl_catalogue import ServiceCode, WhistlProduct

DESCRIPTION_LENGTH = 35
"""What fits a customs declaration; Whistl's own check warns above it."""

_PENNY = Decimal("0.01")
_GRAM = Decimal("0.001")


def order_body(
    order: Order,
    *,
    order_number: str,
    client_code: str,
    site: str,
    service: ServiceCode,
    products: Mapping[str, WhistlProduct],
    delivery: PreparedAddress,
    is_ddp: bool,
) -> dict[str, Any]:
    """Return the body of the request that creates an order at Whistl.

    Args:
        order: as Centra has it; its lines are numbered from 1 in their order.
        order_number: its number at Whistl, for ever.
        client_code: Whistl's name for the brand.
        site: the warehouse that ships.
        service: both halves are always sent: Whistl fills a missing one with a choice of its own.
        products: what Whistl knows of the SKUs, for the customs data of the lines.
        delivery: the address that passed screening; its fields are already Whistl's.
        is_ddp: the service delivers duty paid.
    """
    return {
        "order_number": order_number,
        "external_reference": f"centra-{order.centra_id}",
        "client_code": client_code,
        "site": site,
        "order_date": order.ordered_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "required_despatch_date": None,
        "source": "WEB",
        "currency": order.currency,
        "service": {
            "carrier_code": service.carrier_code,
            "delivery_method": service.delivery_method,
        },
        "recipient_type": "consumer",
        "delivery_address": asdict(delivery),
        "invoice_address": None,
        "delivery_instructions": "",
        "gift_message": "",
        "totals": _totals(order),
        "lines": [
            _line(number, line, products.get(line.sku))
            for number, line in enumerate(order.lines, start=1)
        ],
        "customs": {
            "terms": "DDP" if is_ddp else "DDU",
            "category": "sold",
            "ioss_number": None,
            "eori_number": None,
            "ukims_number": None,
        },
        "hold": False,
        "hold_reason": None,
    }


def payload_hash(body: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a body: sorted keys, trimmed texts, no `external_reference`.

    Whistl makes the same of what it received, so a look-up tells our order from another one that
    took its number.
    """
    content = {name: value for name, value in body.items() if name != "external_reference"}
    text = json.dumps(_trimmed(content), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _totals(order: Order) -> dict[str, str]:
    goods = sum((line.unit_price * line.quantity for line in order.lines), Decimal(0))
    return {
        "goods_gross": _money(goods),
        "delivery_gross": _money(order.shipping_total),
        "order_gross": _money(order.grand_total),
        "tax": _money(order.tax_total),
    }


def _line(number: int, line: OrderLine, product: WhistlProduct | None) -> dict[str, Any]:
    weight = weighed(product.unit_weight_kg) if product else None
    description = carried((product.description if product else "") or line.description).text
    product_type = carried(product.product_type).text if product else ""
    return {
        "line_number": number,
        # Exactly as it is: a SKU that is nearly right picks the wrong goods.
        "sku": line.sku,
        "quantity": line.quantity,
        "unit_price_gross": _money(line.unit_price),
        "description": description[:DESCRIPTION_LENGTH].strip(),
        "product_type": product_type[:DESCRIPTION_LENGTH].strip(),
        "hs_code": product.hs_code if product else "",
        "country_of_origin": product.country_of_origin if product else "",
        "unit_weight_kg": None if weight is None else str(weight.quantize(_GRAM, ROUND_HALF_UP)),
        "personalisation": None,
    }


def _money(amount: Decimal) -> str:
    return str(amount.quantize(_PENNY, ROUND_HALF_UP))


def _trimmed(value: Any) -> Any:
    match value:
        case str():
            return value.strip()
        case Mapping():
            return {name: _trimmed(part) for name, part in value.items()}
        case list():
            return [_trimmed(part) for part in value]
        case _:
            return value
