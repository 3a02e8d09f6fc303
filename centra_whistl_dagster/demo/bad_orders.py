"""The demo's bad orders: what is wrong with each, and which check in Dagster it turns red.

A red check that an order listed here explains is the demo at work; any other is a fault.
"""

from __future__ import annotations

from typing import NamedTuple

from rich.table import Table

from centra_whistl_dagster.simulator.truth.bad_orders import BadOrder

SHOWN = 6


class BadOrderKind(NamedTuple):
    """One kind of fault that a simulated shopper's order can have."""

    what_is_wrong: str
    check: str
    """The check of the asset `orders/screened` that is red for the run that judged the order."""


_ADDRESS = "every_address_is_complete_and_carried_whole"
_CONTACT = "every_order_can_be_reached_by_phone_and_email"
_SKU = "every_line_has_a_sku_the_warehouse_accepts"
_SERVICE = "every_shipping_option_has_one_service"

BAD_ORDER_KINDS = {
    "unmapped_shipping_option": BadOrderKind("shipping option without a service", _SERVICE),
    "inactive_service": BadOrderKind("service withdrawn by Whistl", _SERVICE),
    "unknown_sku": BadOrderKind("SKU not at Whistl", _SKU),
    "malformed_sku": BadOrderKind("SKU with characters Whistl refuses", _SKU),
    "missing_address_line": BadOrderKind("no street", _ADDRESS),
    "missing_city": BadOrderKind("no town", _ADDRESS),
    "malformed_postcode": BadOrderKind("invalid postcode", _ADDRESS),
    "unsupported_character": BadOrderKind("character Whistl cannot carry", _ADDRESS),
    "overlong_address_line": BadOrderKind("address too long", _ADDRESS),
    "missing_phone": BadOrderKind("no phone number", _CONTACT),
    "missing_email": BadOrderKind("no e-mail address", _CONTACT),
}


def bad_orders_table(orders: list[BadOrder]) -> Table:
    """Return the last bad orders for the terminal, newest first; those still blocked come first."""
    table = Table(
        title="Bad orders, placed on purpose", title_justify="left", box=None, padding=(0, 2)
    )
    for heading in ("order", "what is wrong", "now", "turns red in Dagster (orders/screened)"):
        table.add_column(heading, no_wrap=True)
    newest = sorted(orders, key=lambda order: (order["standing"] != "blocked", -order["number"]))
    for order in newest[:SHOWN]:
        kind = BAD_ORDER_KINDS[order["kind"]]
        table.add_row(str(order["number"]), kind.what_is_wrong, order["standing"], kind.check)
    if (more := len(newest) - SHOWN) > 0:
        table.add_row("", f"and {more} more", "", "")
    return table
