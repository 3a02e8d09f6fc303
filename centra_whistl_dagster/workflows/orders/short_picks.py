"""Units of an order that the warehouse will not send: recorded and reported."""

from __future__ import annotations

from collections.abc import Mapping

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.ledger import exceptions, order_contents
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import OrderLineRow, OrderRow


def note_not_sent(tx: Transaction, row: OrderRow, units: Mapping[int, int]) -> None:
    """Record, by line number, units that will not be sent, and report those that are new.

    Units that Centra does not want any more need nobody. The exceptions are resolved when Centra
    shows the units cancelled (`workflows.orders.readings`), or when Whistl found them after all.
    """
    before = {line.line_number: line for line in order_contents.lines(tx, row.centra_id)}
    order_contents.note_not_found(tx, row.centra_id, units)
    for line_number, count in units.items():
        line = before.get(line_number)
        if line is None or count == line.not_found:
            continue
        if count and _is_still_wanted(row, line, count):
            _report(tx, row, line, count)
    after = {number: line.not_found for number, line in before.items()} | dict(units)
    if not any(after.values()):
        exceptions.resolve_order(tx, row.number, [ExceptionKind.SHORT_PICK])


def _is_still_wanted(row: OrderRow, line: OrderLineRow, count: int) -> bool:
    wanted = line.quantity if line.wanted is None else line.wanted
    return row.cancel_wanted_at is None and wanted > line.quantity - count


def _report(tx: Transaction, row: OrderRow, line: OrderLineRow, count: int) -> None:
    exceptions.about_order(
        tx,
        row,
        ExceptionKind.SHORT_PICK,
        f"Whistl will not send {count} of {line.sku} of order {row.number} ({row.whistl_number}). "
        "Cancel them in Centra, so that the customer is refunded.",
        field=f"line {line.line_number}",
        value=line.sku,
    )
