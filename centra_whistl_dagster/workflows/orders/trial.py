"""Screen one order as it stands in Centra now, and change nothing.

Belongs here: what a person asks who wonders why an order does not go. Does not belong here: the
rules (`screening`), or printing.
"""

from __future__ import annotations

from dataclasses import dataclass

from centra_whistl_dagster.centra.client import UnreadableOrder
from centra_whistl_dagster.domain.orders.order import Permission, permission
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import orders, state
from centra_whistl_dagster.screening.screen import Blocked, Cleared, screen
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.screening import reference_for


class CannotTry(Exception):
    """The order cannot be screened; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What screening would say now."""

    verdict: Cleared | Blocked
    permission: Permission
    """Whether Centra would let the order go, whatever screening says."""
    state: OrderState | None
    """Where it stands here; None when it has not been taken in."""


def try_order(link: Link, number: str) -> Trial:
    """Read an order from Centra and judge it with today's configuration and reference data.

    Args:
        link: the connection.
        number: Centra's number, or the one it has at Whistl.

    Raises:
        CannotTry: there is no such order, it cannot be read, or the catalogues never were.
        IntegrationError: Centra could not be asked.
    """
    with link.ledger.reading() as tx:
        # Sent again, it has a number at Whistl that does not end with Centra's.
        known = orders.find_by_whistl_number(tx, number.strip())
    text = str(known.number) if known else number.strip()
    digits = text.removeprefix(link.settings.order_number_prefix)
    if not (digits.isascii() and digits.isdecimal()):
        raise CannotTry(f"{number!r} is no order number: digits are expected, such as 100234.")
    order = link.centra.order_numbered(int(digits))
    if order is None:
        raise CannotTry(f"Centra has no order {digits}, or the token may not see it.")
    if isinstance(order, UnreadableOrder):
        raise CannotTry(f"Centra's order {digits} could not be read: {order.field}, {order.detail}")
    with link.ledger.reading() as tx:
        if state.read(tx, state.REFERENCE) is None:
            raise CannotTry(
                "The catalogues were never read: run the job refresh_reference, then ask again."
            )
        row = orders.find_by_number(tx, order.number)
    is_ours = row is not None and row.locked_at is not None
    (verdict,) = screen([order], reference_for(link, [order])).verdicts
    return Trial(
        verdict=verdict,
        permission=permission(order, locked_by_us=is_ours),
        state=None if row is None else row.state,
    )
