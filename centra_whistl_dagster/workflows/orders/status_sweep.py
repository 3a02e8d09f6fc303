"""Compare every open order with Whistl at least hourly, whatever the feed of changes has shown.

Belongs here: which orders are checked when, and how they are read. Does not belong here: what their
status means (`workflows.orders.statuses`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import islice

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.orders.whistl_statuses import UNENDED
from centra_whistl_dagster.domain.tally import Failed, Fate, Tally
from centra_whistl_dagster.ledger import checks, exceptions, orders, state, unreadable
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import OrderRow
from centra_whistl_dagster.ledger.unreadable import Source
from centra_whistl_dagster.transport import ContractBroken, Refused
from centra_whistl_dagster.whistl.client import UnreadableOrderView, WhistlOrderView
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.statuses import note_views

_DUE_AFTER = timedelta(minutes=50)
"""Rounds are minutes apart: an order checked less long ago is checked within the hour."""
_TOGETHER_AFTER = timedelta(minutes=10)
"""Once one order is due, all that were not checked since are: one list holds them all."""
_BY_NUMBER = 20
"""Orders read by their numbers in one round: seconds of Whistl's quota."""
_LISTED = 20_000
"""Orders read from the list in one round."""


def is_sweep_due(link: Link) -> bool:
    """Say whether a round should begin because an order was not compared for nearly an hour."""
    with link.ledger.reading() as tx:
        return _is_due(tx) and not checks.was_tried_lately(tx, state.WHISTL_COMPARISON)


def note_round(link: Link) -> None:
    """Note that a round begins in which orders are due, so that a failed one is not begun anew."""
    with link.ledger.reading() as tx:
        is_due = _is_due(tx)
    if is_due:
        with link.ledger.transaction() as tx:
            checks.note_tried(tx, state.WHISTL_COMPARISON)


def _is_due(tx: Transaction) -> bool:
    return bool(checks.due_at_whistl(tx, checked_before=tx.now - _DUE_AFTER, limit=1))


def sweep_order_statuses(link: Link) -> Tally:
    """Read each open order that was not read lately: by the list of unended ones, or by number.

    Raises:
        IntegrationError: Whistl could not be read; what was read before is kept.
    """
    with link.ledger.reading() as tx:
        if not _is_due(tx):
            return Tally()
        due = checks.due_at_whistl(tx, checked_before=tx.now - _TOGETHER_AFTER)
    tally = note_views(link, _listed(link, due)) if len(due) > _BY_NUMBER else Tally()
    began = link.now() - _TOGETHER_AFTER
    with link.ledger.reading() as tx:
        left = checks.due_at_whistl(tx, checked_before=began, limit=_BY_NUMBER + 1)
    for row in left[:_BY_NUMBER]:
        tally.read += 1
        tally.add(_check(link, row))
    if len(left) <= _BY_NUMBER:
        # Each order was read by itself, or named: what could not even be named is among those.
        with link.ledger.transaction() as tx:
            unreadable.resolve(tx, Source.WHISTL, unreadable.NAMELESS)
    return tally


def _listed(link: Link, due: Sequence[OrderRow]) -> list[WhistlOrderView | UnreadableOrderView]:
    """Return the due orders that Whistl lists as not ended; the others are read by number."""
    numbers = {row.whistl_number for row in due}
    try:
        shown = list(islice(link.whistl.orders_in_statuses(UNENDED), _LISTED))
    except Refused:
        # It does not take this filter: all of them are read by number, some in each round.
        return []
    return [view for view in shown if view.order_number in numbers]


def _check(link: Link, row: OrderRow) -> Fate:
    try:
        view = link.whistl.find_order(row.whistl_number)
    except ContractBroken as error:
        with link.ledger.transaction() as tx:
            unreadable.report(tx, Source.WHISTL, row.number, field="record", detail=error.detail)
            orders.update(tx, [row.centra_id], whistl_checked_at=tx.now)
        return Failed("unreadable")
    if view is None:
        with link.ledger.transaction() as tx:
            _report_absent(tx, row)
        return Failed("not shown by Whistl")
    return Fate.WRITTEN if note_views(link, [view]).written else Fate.UNCHANGED


def _report_absent(tx: Transaction, row: OrderRow) -> None:
    orders.update(tx, [row.centra_id], whistl_checked_at=tx.now)
    exceptions.about_order(
        tx,
        row,
        ExceptionKind.UNKNOWN_WHISTL_STATUS,
        f"Whistl accepted order {row.number} ({row.whistl_number}), and does not show it any more. "
        "Ask Whistl whether it will be sent.",
        field="order",
        value="not shown",
    )
