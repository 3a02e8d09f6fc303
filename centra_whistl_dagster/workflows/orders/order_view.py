"""One order as the desk shows it: what is known here, with neither system asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from centra_whistl_dagster.domain.exceptions.responsibilities import Owner
from centra_whistl_dagster.domain.orders.possible_changes import (
    ChangeOutlook,
    PossibleChange,
    change_outlook,
)
from centra_whistl_dagster.ledger import order_contents, order_search, orders
from centra_whistl_dagster.ledger.rows import OrderLineRow, OrderRow, ParcelRow
from centra_whistl_dagster.workflows.exceptions.worklist import WorkItem, items_of
from centra_whistl_dagster.workflows.link import Installation
from centra_whistl_dagster.workflows.orders.moments import Moment
from centra_whistl_dagster.workflows.orders.replacement import can_renumber
from centra_whistl_dagster.workflows.orders.story import moments_of, next_for, remember

_FOUND = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderView:
    """What is known of one order."""

    row: OrderRow
    whistl_numbers: tuple[str, ...]
    """Every number that it has had at Whistl, oldest first."""
    lines: Sequence[OrderLineRow]
    parcels: Sequence[ParcelRow]
    moments: tuple[Moment, ...]
    """Oldest first."""
    next: tuple[str, ...]
    exceptions: tuple[WorkItem, ...]
    """Oldest first, resolved ones included."""
    outlook: ChangeOutlook
    owners: dict[PossibleChange, Owner]
    """Who acts on each change that the outlook lists."""


def search_orders(installation: Installation, text: str) -> list[OrderRow]:
    """Return the orders that a number names, in either system or on a parcel."""
    with installation.ledger.reading() as tx:
        return order_search.search(tx, text.strip(), limit=_FOUND)


def view_order(installation: Installation, number: int) -> OrderView | None:
    """Return an order by Centra's number; None where it is not known here."""
    configuration = installation.configuration
    with installation.ledger.reading() as tx:
        row = orders.find_by_number(tx, number)
        if row is None:
            return None
        remembered = remember(tx, row)
        lines = order_contents.lines(tx, row.centra_id)
        outlook = change_outlook(
            row.state,
            row.whistl_status,
            configuration.after_sending,
            can_renumber=can_renumber(tx, installation, row),
            was_sent=row.submitted_at is not None,
        )
        items = items_of(tx, remembered.exceptions)
    return OrderView(
        row=row,
        whistl_numbers=remembered.whistl_numbers,
        lines=lines,
        parcels=remembered.parcels,
        moments=moments_of(installation, remembered),
        next=tuple(next_for(installation, remembered)),
        exceptions=tuple(items),
        outlook=outlook,
        owners={each: configuration.exception_kinds[each.kind].owner for each in outlook.changes},
    )
