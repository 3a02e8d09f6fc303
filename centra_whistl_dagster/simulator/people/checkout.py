"""How an order enters Centra, whether a shopper or a test placed it."""

from __future__ import annotations

import hashlib
from typing import Any

from centra_whistl_dagster.simulator.centra.rules import note_if_free
from centra_whistl_dagster.simulator.people.shoppers import ADA, ADA_THE_CUSTOMER
from centra_whistl_dagster.simulator.world.catalogue import INTERNATIONAL, STANDARD
from centra_whistl_dagster.simulator.world.world import CentraLine, CentraOrder, World

FIRST_ORDER_NUMBER = 100_001


def place_order(
    world: World,
    lines: list[tuple[str, int]],
    *,
    address: dict[str, Any] = ADA,
    customer: dict[str, Any] = ADA_THE_CUSTOMER,
    option: dict[str, Any] | None = None,
    **members: Any,
) -> CentraOrder:
    """Place one confirmed order of SKUs and units, whatever the stock, and return it.

    The option is chosen for the destination when none is given. `members` are more of
    `CentraOrder`'s, such as `is_on_hold` or `status`.
    """
    order = make_order(
        world,
        lines,
        address=dict(address),
        customer=dict(customer),
        option=option,
        **members,
    )
    enter(world, order)
    return order


def make_order(
    world: World,
    lines: list[tuple[str, int]],
    *,
    address: dict[str, Any],
    customer: dict[str, Any],
    option: dict[str, Any] | None = None,
    **members: Any,
) -> CentraOrder:
    """Make an order that is not in Centra yet."""
    number = FIRST_ORDER_NUMBER + len(world.orders)
    country = address["country"]["code"]
    is_home = country in {"GB", "JE"}
    now = world.now()
    return CentraOrder(
        **{
            "order_id": hashlib.md5(f"order {number}".encode(), usedforsecurity=False).hexdigest(),
            "number": number,
            "status": "CONFIRMED",
            "created_at": now,
            "updated_at": now,
            "address": address,
            "customer": customer,
            "shipping_option": option or (STANDARD if is_home else INTERNATIONAL),
            "lines": [
                CentraLine(
                    line_id=next(world.ids),
                    sku=sku,
                    quantity=quantity,
                    unit_price=world.items[sku].price,
                )
                for sku, quantity in lines
            ],
            "currency": "GBP" if is_home else "EUR",
            **members,
        }
    )


def enter(world: World, order: CentraOrder) -> None:
    """Enter an order in Centra."""
    world.add_order(order)
    note_if_free(world, order)
