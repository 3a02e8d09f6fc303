"""A screened order as the body of Whistl's request, and the hash by which it is recognised.

Does not belong here: whether an order may be sent, and how its address was made to fit, which is
decided in `screening`.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType
from typing import Any

from centra_whistl_dagster.domain.orders.addresses import PreparedAddress
from centra_whistl_dagster.domain.orders.characters import carried
from centra_whistl_dagster.domain.orders.customs import weighed
from centra_whistl_dagster.domain.orders.identity import OrderIdentity
from centra_whistl_dagster.domain.orders.order import Address, Order, OrderLine
from centra_whistl_dagster.domain.orders.prices import (
    PENNY,
    delivery_total,
    goods_total,
    unit_prices,
)
from centra_whistl_dagster.domain.orders.whistl_catalogue import ServiceCode, WhistlProduct

DESCRIPTION_LENGTH = 35
"""Characters that fit a customs declaration; Whistl warns of longer ones."""

INSTRUCTIONS_LENGTH = 35
"""Whistl's carrier interface cuts special instructions there; what comes after would be lost."""

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
    gift_value: Decimal = Decimal(0),
    line_fields: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, object]:
    """Return the body of the request that creates an order at Whistl.

    Args:
        order: as Centra has it; its lines are numbered from 1 in their order.
        order_number: its permanent number at Whistl.
        client_code: Whistl's name for the brand.
        site: the warehouse that ships.
        service: both parts are always sent: Whistl replaces a missing one with its own choice.
        products: Whistl's product records by SKU, for the customs data of the lines.
        delivery: the address that passed screening, in Whistl's fields.
        is_ddp: the service delivers with duty paid.
        gift_value: what a line without a price is declared at; 0 where nothing is declared.
        line_fields: other names for fields of a line, by the names that are used here.
    """
    prices = unit_prices(order, gift_value=gift_value)
    return {
        "order_number": order_number,
        "external_reference": reference_to(order),
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
            _renamed(_line(number, line, price, products.get(line.sku)), line_fields)
            for number, (line, price) in enumerate(zip(order.lines, prices, strict=True), start=1)
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


def with_instructions(body: Mapping[str, Any], comment: str) -> dict[str, Any]:
    """Return a body with the customer's delivery instructions, as far as a label can carry them."""
    text = " ".join(carried(comment).text.split())[:INSTRUCTIONS_LENGTH].strip()
    return {**body, "delivery_instructions": text}


def reference_to(order: Order) -> str:
    """Return our own reference to the sale in Centra, as Whistl is sent it."""
    return f"centra-{order.centra_id}"


def identity_in_centra(order: Order) -> OrderIdentity:
    """Return what of an order says whose it is, as Centra has it now."""
    units: Counter[str] = Counter()
    for line in order.lines:
        units[line.sku] += line.quantity
    address = order.delivery or Address()
    return OrderIdentity(
        external_reference=reference_to(order),
        units=units,
        postcode=address.postcode,
        country=address.country,
        name=address.name,
    )


def identity_of(body: Mapping[str, Any]) -> OrderIdentity:
    """Return what of a body says whose order it is."""
    units: Counter[str] = Counter()
    for line in body["lines"]:
        units[line["sku"]] += line["quantity"]
    address = body["delivery_address"]
    return OrderIdentity(
        external_reference=body["external_reference"],
        units=units,
        postcode=address["postcode"],
        country=address["country"],
        name=address["name"],
    )


def payload_hash(body: Mapping[str, object]) -> str:
    """Return the SHA-256 of a body: sorted keys, trimmed texts, no `external_reference`.

    Whistl computes the same of what it received, so a look-up distinguishes our order from another
    one with its number.
    """
    content = {name: value for name, value in body.items() if name != "external_reference"}
    text = json.dumps(_trimmed(content), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _totals(order: Order) -> dict[str, str]:
    return {
        "goods_gross": _money(goods_total(order)),
        "delivery_gross": _money(delivery_total(order)),
        "order_gross": _money(order.grand_total),
        "tax": _money(order.tax_total),
    }


def _line(
    number: int, line: OrderLine, price: Decimal, product: WhistlProduct | None
) -> dict[str, object]:
    weight = weighed(product.unit_weight_kg) if product else None
    description = carried((product.description if product else "") or line.description).text
    product_type = carried(product.product_type).text if product else ""
    return {
        "line_number": number,
        # Exactly as it is: with a SKU that is nearly right, the wrong goods are picked.
        "sku": line.sku,
        "quantity": line.quantity,
        "unit_price_gross": _money(price),
        "description": description[:DESCRIPTION_LENGTH].strip(),
        "product_type": product_type[:DESCRIPTION_LENGTH].strip(),
        "hs_code": product.hs_code if product else "",
        "country_of_origin": product.country_of_origin if product else "",
        "unit_weight_kg": None if weight is None else str(weight.quantize(_GRAM, ROUND_HALF_UP)),
        "personalisation": None,
    }


def _renamed(line: dict[str, object], names: Mapping[str, str]) -> dict[str, object]:
    return {names.get(name, name): value for name, value in line.items()}


def _money(amount: Decimal) -> str:
    return str(amount.quantize(PENNY, ROUND_HALF_UP))


def _trimmed(value: object) -> object:
    match value:
        case str():
            return value.strip()
        case Mapping():
            return {name: _trimmed(part) for name, part in value.items()}
        case list():
            return [_trimmed(part) for part in value]
        case _:
            return value
