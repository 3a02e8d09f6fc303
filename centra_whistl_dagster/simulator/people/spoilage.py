"""What can be wrong with an order for the warehouse, and how customer service corrects it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from centra_whistl_dagster.simulator.centra.rules import cancel_units, touch
from centra_whistl_dagster.simulator.world.catalogue import (
    EXPRESS,
    MALFORMED_SKUS,
    POP_UP,
    SATURDAY,
    STANDARD,
    UNKNOWN_SKUS,
)
from centra_whistl_dagster.simulator.world.world import CentraLine, CentraOrder, World

NO_EMAIL: dict[str, Any] = {"email": None}
NO_PHONE: dict[str, Any] = {"cellPhoneNumber": None, "phoneNumber": None}
BAD_ADDRESSES: dict[str, dict[str, Any]] = {
    "missing_address_line": {"address1": None, "address2": None},
    "malformed_postcode": {"zipCode": "YO1 7H"},
    "unsupported_character": {"firstName": "Ada \N{BALLOON}"},
    "missing_city": {"city": None},
    "missing_phone": NO_PHONE,
    "missing_email": NO_EMAIL,
    "overlong_address_line": {
        "address1": "The Old Coach House behind the Parish Church of St Michael and All Angels",
        "address2": "on the Bridleway from Nether Wallop to Over Wallop, third gate after the ford",
    },
}
BAD_OPTIONS = {"unmapped_shipping_option": POP_UP, "inactive_service": SATURDAY}
BAD_SKUS = {"unknown_sku": UNKNOWN_SKUS, "malformed_sku": MALFORMED_SKUS}

SPOILAGE_KINDS = (
    "unmapped_shipping_option",
    "missing_phone",
    "unknown_sku",
    "malformed_postcode",
    "missing_address_line",
    "unsupported_character",
    "inactive_service",
    "missing_email",
    "malformed_sku",
    "overlong_address_line",
    "missing_city",
)
"""Every kind, in the order in which shoppers' orders have them."""

NEEDS_EXPRESS = frozenset({"missing_phone", "missing_email"})
"""Kinds that are a fault only with a service that needs the phone number or the e-mail."""


def spoil(order: CentraOrder, kind: str, place: int) -> Callable[[World], None]:
    """Put a fault into an order that is not in Centra yet, and return what corrects it.

    `place` chooses among several SKUs of one kind.
    """
    order.spoilage = order.first_spoilage = kind
    if kind in BAD_SKUS:
        line = order.lines[-1]
        kept_sku, line.sku = line.sku, BAD_SKUS[kind][place % len(BAD_SKUS[kind])]
        return lambda world: _correct(world, order, lambda: _replace(world, order, line, kept_sku))
    kept_address, kept_customer = dict(order.address or {}), dict(order.customer or {})
    good_option = EXPRESS if kind in NEEDS_EXPRESS else STANDARD
    order.shipping_option = BAD_OPTIONS.get(kind, good_option)
    order.address = {**kept_address, **BAD_ADDRESSES.get(kind, {})}
    if kind == "missing_email":
        order.customer = {**kept_customer, **NO_EMAIL}

    def restore() -> None:
        order.address, order.customer = kept_address, kept_customer
        order.shipping_option = good_option

    return lambda world: _correct(world, order, restore)


def _correct(world: World, order: CentraOrder, fix: Callable[[], None]) -> None:
    """Correct an order in Centra, unless it is gone or somebody has locked it."""
    if order.status != "CONFIRMED" or order.is_locked:
        return
    fix()
    order.spoilage = None
    order.corrected_at = world.now()
    touch(world, order)


def _replace(world: World, order: CentraOrder, line: CentraLine, sku: str) -> None:
    """Give the customer the nearest thing there is, or one line less."""
    units = line.quantity
    is_there = world.centra_free(sku) >= units
    if is_there:
        replacement = CentraLine(
            line_id=next(world.ids), sku=sku, quantity=units, unit_price=line.unit_price
        )
        world.add_line(order, replacement)
    cancel_units(world, order, line, units)
