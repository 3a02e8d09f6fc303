"""What differs between an order as it was sent to Whistl and as Centra shows it now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import fields

from centra_whistl_dagster.domain.orders.changes_after_sending import Change
from centra_whistl_dagster.domain.orders.order import (
    CANCELLED,
    Address,
    Order,
    ShippingOption,
)

_CONTACT = ("phone", "email")
_NAMES = {
    "first_name": "first name",
    "last_name": "last name",
    "line1": "address line 1",
    "line2": "address line 2",
    "email": "e-mail",
}

Changes = Mapping[Change, tuple[str, ...]]
"""The names of the fields that differ, by change; no values, which may be personal."""


def what_changed(
    sent: Order,
    now: Order,
    *,
    warehouse_id: int,
    not_found: Mapping[int, int],
) -> Changes:
    """Compare an order as it was sent with the same order now.

    Args:
        sent: as it was when it was sent.
        now: as Centra shows it.
        warehouse_id: the Centra warehouse that stands for Whistl's site.
        not_found: units by line id that the warehouse could not find; cancelling those is no
            change that Whistl has to hear of.
    """
    if now.status == CANCELLED:
        return {Change.CANCELLED: ()}
    return {
        **_pauses(sent, now, warehouse_id),
        **_units(sent, now, not_found),
        **_delivery(sent.delivery or Address(), now.delivery or Address()),
        **_amounts(sent, now),
        **({Change.SHIPPING_OPTION: ()} if _option(sent) != _option(now) else {}),
    }


def _pauses(sent: Order, now: Order, warehouse_id: int) -> Changes:
    found: dict[Change, tuple[str, ...]] = {}
    if now.is_on_hold or now.is_internal:
        found[Change.HOLD] = () if now.is_on_hold else ("marked internal",)
    if now.is_waiting_for_payment:
        found[Change.UNPAID] = ()
    is_elsewhere = bool(now.warehouse_ids) and warehouse_id not in now.warehouse_ids
    if is_elsewhere or now.warehouse_ids - sent.warehouse_ids - {warehouse_id}:
        found[Change.OTHER_WAREHOUSE] = () if is_elsewhere else ("a part",)
    return found


def _units(sent: Order, now: Order, not_found: Mapping[int, int]) -> Changes:
    before, after = _units_by_line(sent), _units_by_line(now)
    missing = Counter({line: not_found.get(line[0], 0) for line in before})
    fewer = [line for line in before if after[line] < before[line] - missing[line]]
    more = [line for line in after if after[line] > before[line]]
    found = {Change.FEWER_UNITS: fewer, Change.MORE_UNITS: more}
    return {
        change: tuple(f"units of {sku}" for _, sku in lines)
        for change, lines in found.items()
        if lines
    }


def _units_by_line(order: Order) -> Counter[tuple[int, str]]:
    return Counter({(line.line_id, line.sku): line.quantity for line in order.lines})


def _delivery(before: Address, after: Address) -> Changes:
    differing = [
        field.name
        for field in fields(Address)
        if getattr(before, field.name) != getattr(after, field.name)
    ]
    address = tuple(_NAMES.get(name, name) for name in differing if name not in _CONTACT)
    contact = tuple(_NAMES.get(name, name) for name in differing if name in _CONTACT)
    found = {Change.ADDRESS: address, Change.CONTACT: contact}
    return {change: names for change, names in found.items() if names}


def _amounts(sent: Order, now: Order) -> Changes:
    """Notice prices of the same goods; other goods have another total anyway."""
    if sent.currency != now.currency:
        return {Change.AMOUNTS: ("currency",)}
    if _units_by_line(sent) != _units_by_line(now):
        return {}
    prices = [{line.line_id: line.unit_price for line in order.lines} for order in (sent, now)]
    is_same = prices[0] == prices[1] and sent.grand_total == now.grand_total
    return {} if is_same else {Change.AMOUNTS: ("prices",)}


def _option(order: Order) -> str:
    option = order.shipping_option or ShippingOption(option_id=0, name="")
    return option.uri or option.name
