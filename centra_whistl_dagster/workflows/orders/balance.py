"""Whether Centra and the ledger have the same open orders, order by order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import TypeAdapter

from centra_whistl_dagster.centra.client import OrderStamp, UnreadableOrder
from centra_whistl_dagster.domain.orders.order import CONFIRMED, PROCESSING, Order
from centra_whistl_dagster.ledger import checks, state
from centra_whistl_dagster.ledger.checks import OpenOrder
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.intake import take_in_alone

_GRACE = timedelta(minutes=2)
"""What changed less long ago may not have been read yet, or be under way."""
_READ_BY_ID = 500
"""Orders read again in one comparison; that many differences are no matter of single orders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Open orders on both sides."""

    in_centra: int
    in_ledger: int
    missing: tuple[int, ...]
    """Numbers of orders that are open in Centra, and not here."""
    extra: tuple[int, ...]
    """Numbers of orders that are open here, and not in Centra."""
    unlisted: int = 0
    """Open orders that Centra counts, and does not list: whoever reads the list misses them."""

    @property
    def is_even(self) -> bool:
        """Whether the same orders are open on both sides, and Centra lists all that it counts."""
        return not self.differences

    @property
    def differences(self) -> int:
        """How many orders are open on one side only, or are counted by Centra and not listed."""
        return len(self.missing) + len(self.extra) + self.unlisted


_STORED = TypeAdapter(Balance)


def compare_with_centra(link: Link) -> Balance:
    """List confirmed and processing orders in Centra, and the same in the ledger.

    Those that Centra does not list are read once more by their ids: most have just ended there.

    Raises:
        IntegrationError: Centra could not be read.
    """
    began = link.now()
    placed_before = began - _GRACE
    with link.ledger.reading() as tx:
        before = [one for one in checks.open_orders(tx) if one.ordered_at <= placed_before]
    listed, unlisted_in_centra = _listed_and_counted(link, placed_before)
    unlisted = {order.centra_id for order in before} - {stamp.centra_id for stamp in listed}
    shown = _read_again(link, sorted(unlisted))
    with link.ledger.reading() as tx:
        ours = {order.centra_id: order for order in checks.open_orders(tx)}
        since = checks.state_since(tx, [stamp.centra_id for stamp in listed])
    balance = Balance(
        in_centra=len(listed),
        in_ledger=sum(order.ordered_at <= placed_before for order in ours.values()),
        missing=_missing(listed, ours, since, began),
        extra=_extra([ours[key] for key in unlisted if key in ours], shown, began),
        unlisted=unlisted_in_centra,
    )
    with link.ledger.transaction() as tx:
        state.set_to(tx, state.CENTRA_BALANCE, _STORED.dump_json(balance).decode())
    return balance


def last_balance(tx: Transaction) -> tuple[Balance, datetime] | None:
    """Return how the last comparison came out, and when; None before the first."""
    stored, at = state.read(tx, state.CENTRA_BALANCE), state.moved_at(tx, state.CENTRA_BALANCE)
    return None if stored is None or at is None else (_STORED.validate_json(stored), at)


def _listed_and_counted(link: Link, placed_before: datetime) -> tuple[list[OrderStamp], int]:
    """Return the open orders that Centra lists, and how many more its counter has.

    An order may end or be resumed between the two answers, so a difference counts if it is there
    twice, and what either list has is listed.
    """
    by_id: dict[str, OrderStamp] = {}
    left = 0
    for _ in range(2):
        listed = link.centra.all_open_order_stamps(placed_before)
        by_id |= {stamp.centra_id: stamp for stamp in listed.open}
        counted = link.centra.count_open_orders(placed_before)
        left = counted - len(by_id) - listed.unreadable
        if left <= 0:
            break
    return list(by_id.values()), max(left, 0)


def _read_again(link: Link, centra_ids: list[str]) -> dict[str, Order | UnreadableOrder]:
    """Read orders by their ids and apply what is read; return the records by order number."""
    if not centra_ids:
        return {}
    records = list(link.centra.orders_with_ids(centra_ids[:_READ_BY_ID]))
    with link.ledger.transaction() as tx:
        for record in records:
            take_in_alone(tx, link, record)
    return {str(record.number): record for record in records}


def _missing(
    listed: Iterable[OrderStamp],
    ours: Mapping[str, OpenOrder],
    state_since: Mapping[str, datetime],
    began: datetime,
) -> tuple[int, ...]:
    numbers = [
        stamp.number
        for stamp in listed
        if stamp.centra_id not in ours
        and not _is_recent(stamp.updated_at, began)
        # It ended here while Centra was being read.
        and not _is_recent(state_since.get(stamp.centra_id), began)
    ]
    return tuple(sorted(numbers))


def _extra(
    unlisted: Iterable[OpenOrder],
    shown: Mapping[str, Order | UnreadableOrder],
    began: datetime,
) -> tuple[int, ...]:
    def is_accounted_for(record: Order | UnreadableOrder | None) -> bool:
        if isinstance(record, Order):
            is_open = record.status in {CONFIRMED, PROCESSING}
            return is_open or _is_recent(record.updated_at, began)
        # One that is there and cannot be read has an exception of its own.
        return record is not None

    numbers = (order.number for order in unlisted)
    return tuple(sorted(n for n in numbers if not is_accounted_for(shown.get(str(n)))))


def _is_recent(at: datetime | None, now: datetime) -> bool:
    """Say whether something was changed just now; what is dated in the future was not."""
    return at is not None and now - _GRACE < at <= now + _GRACE
