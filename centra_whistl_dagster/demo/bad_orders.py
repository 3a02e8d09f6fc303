"""The demo's bad orders: what is wrong with each, and which check in Dagster it turns red.

A red check of a run that judged an order listed here is the demo at work; any other is a fault.
"""

from __future__ import annotations

from typing import NamedTuple

from rich.table import Table

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.screening.rules import CHECKS
from centra_whistl_dagster.simulator.truth.bad_orders import BadOrder

SHOWN = 6


class BadOrderKind(NamedTuple):
    """One kind of fault that a simulated shopper's order can have."""

    what_is_wrong: str
    exception: ExceptionKind

    @property
    def check(self) -> str:
        """Return the check that is red in the run that judged the order."""
        return CHECKS[self.exception].value


BAD_ORDER_KINDS = {
    "unmapped_shipping_option": BadOrderKind(
        "shipping option without a service", ExceptionKind.SERVICE_UNMAPPED
    ),
    "inactive_service": BadOrderKind("service withdrawn by Whistl", ExceptionKind.SERVICE_INACTIVE),
    "unknown_sku": BadOrderKind("SKU not at Whistl", ExceptionKind.SKU_UNKNOWN),
    "malformed_sku": BadOrderKind("SKU Whistl cannot take", ExceptionKind.SKU_MALFORMED),
    "missing_address_line": BadOrderKind("no street", ExceptionKind.ADDRESS_INCOMPLETE),
    "missing_city": BadOrderKind("no town", ExceptionKind.ADDRESS_INCOMPLETE),
    "malformed_postcode": BadOrderKind("invalid postcode", ExceptionKind.POSTCODE_MALFORMED),
    "unsupported_character": BadOrderKind(
        "character Whistl cannot print", ExceptionKind.UNSUPPORTED_CHARACTER
    ),
    "overlong_address_line": BadOrderKind("address too long", ExceptionKind.ADDRESS_TOO_LONG),
    "missing_phone": BadOrderKind("no phone number", ExceptionKind.PHONE_MISSING),
    "missing_email": BadOrderKind("no e-mail address", ExceptionKind.EMAIL_MISSING),
}


def bad_orders_table(orders: list[BadOrder]) -> Table:
    """Return the last bad orders for the terminal, newest first; those still blocked come first."""
    table = Table(
        title="Bad orders, placed on purpose", title_justify="left", box=None, padding=(0, 2)
    )
    for heading in ("order", "what is wrong", "now", "turns red (orders/screened_orders)"):
        table.add_column(heading, no_wrap=True)
    newest = sorted(orders, key=lambda order: (order["standing"] != "blocked", -order["number"]))
    for order in newest[:SHOWN]:
        kind = BAD_ORDER_KINDS[order["kind"]]
        table.add_row(str(order["number"]), kind.what_is_wrong, order["standing"], kind.check)
    if (more := len(newest) - SHOWN) > 0:
        table.add_row("", f"and {more} more", "", "")
    return table
