"""Find orders of which Whistl says that units have left, and no despatch message names those units.

Does not belong here: finding messages that the feed left out (`workflows.shipments.despatch_feed`).
"""

from __future__ import annotations

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.orders.despatches import DespatchPolicy, units_awaited
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.domain.orders.whistl_statuses import STOPPED
from centra_whistl_dagster.ledger import despatches, exceptions, order_contents, orders
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import OrderLineRow, OrderRow
from centra_whistl_dagster.workflows.link import Link

_MISSING = ExceptionKind.DESPATCH_MISSING


def note_awaited(tx: Transaction, centra_id: str) -> None:
    """Begin or end the wait for messages about an order, after either side had something new."""
    row = orders.find(tx, centra_id)
    if row is None or row.submitted_at is None:
        return
    if not _awaited(tx, row):
        if row.despatch_awaited_since is not None:
            orders.update(tx, [centra_id], despatch_awaited_since=None)
        exceptions.resolve_order(tx, row.number, [_MISSING])
    elif row.despatch_awaited_since is None:
        orders.update(tx, [centra_id], despatch_awaited_since=tx.now)


def are_any_overdue(tx: Transaction, policy: DespatchPolicy) -> bool:
    """Say whether a message is missing that has not been reported yet."""
    return bool(orders.awaiting_a_despatch(tx, since=tx.now - policy.missing_after))


def report_missing(link: Link) -> None:
    """Alert the owner, once, of each order whose despatch message does not come.

    Whistl's messages were read again just before, so a message that was late is here.
    """
    since = link.now() - link.configuration.despatches.missing_after
    with link.ledger.reading() as tx:
        overdue = [row.centra_id for row in orders.awaiting_a_despatch(tx, since=since)]
    for centra_id in overdue:
        with link.ledger.transaction() as tx:
            row = orders.find(tx, centra_id)
            missing = _awaited(tx, row) if row is not None else {}
            if row is None or not missing:
                continue
            orders.update(tx, [centra_id], despatch_awaited_since=None)
            _report(tx, row, missing)


def _report(tx: Transaction, row: OrderRow, missing: dict[int, int]) -> None:
    skus = {line.line_number: line.sku for line in order_contents.lines(tx, row.centra_id)}
    units = ", ".join(f"{count} of {skus[line]}" for line, count in sorted(missing.items()))
    exceptions.about_order(
        tx,
        row,
        _MISSING,
        f"Whistl shows that {units or 'units'} of order {row.number} ({row.whistl_number}) left "
        "the warehouse, but sent no despatch message about them. Centra and the customer do not "
        "know of that parcel.",
        field="despatch",
        value=units,
    )


def _awaited(tx: Transaction, row: OrderRow) -> dict[int, int]:
    """Return, by line number, units that have left, according to Whistl, and are in no parcel."""
    in_parcels = despatches.units_shipped_by_line(tx, row.centra_id)
    lines = order_contents.lines(tx, row.centra_id)
    awaited = units_awaited({line.line_number: _gone(row, line) for line in lines}, in_parcels)
    if not awaited and not in_parcels and lines and _has_left_by_status(row):
        # Some servers show the status and no counts: at least one unit has left.
        return {lines[0].line_number: 1}
    return awaited


def _has_left_by_status(row: OrderRow) -> bool:
    """Say whether Whistl's status means that a part has left and the rest has not, or never will.

    An order that Whistl stopped as a whole is not part-despatched.
    """
    is_stopped = row.state is OrderState.PART_DESPATCHED and row.whistl_status in STOPPED
    return is_stopped or (
        row.state in {OrderState.SUBMITTED, OrderState.PART_DESPATCHED}
        and row.whistl_status == "PART_DESPATCHED"
    )


def _gone(row: OrderRow, line: OrderLineRow) -> int:
    """Return the units of a line that have left, by Whistl's view or by its last message."""
    to_be_sent = line.quantity - line.not_found
    return to_be_sent if row.state is OrderState.DESPATCHED else min(line.gone or 0, to_be_sent)
