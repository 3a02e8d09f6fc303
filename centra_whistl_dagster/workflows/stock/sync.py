"""Write to Centra the stock quantities that have to change, and read them back.

Belongs here: batches, what came of each quantity, and who is told. Does not belong here: working
out the quantities (`workflows.stock.reconciliation`) and keeping how (`workflows.stock.trail`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, Problem, SubjectType
from centra_whistl_dagster.domain.stock.cadence import SKUS_OF_A_BATCH
from centra_whistl_dagster.domain.stock.plan import hottest_first
from centra_whistl_dagster.domain.stock.quantiles import Ints
from centra_whistl_dagster.domain.tally import Tally
from centra_whistl_dagster.ledger import exceptions
from centra_whistl_dagster.ledger import stock as stock_rows
from centra_whistl_dagster.ledger.engine import Lease, Transaction
from centra_whistl_dagster.ledger.stock import WriteOutcome
from centra_whistl_dagster.transport import AccessDenied, IntegrationError, NotSent, Throttled
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.statuses import follow_order_statuses
from centra_whistl_dagster.workflows.shipments.completion import CENTRA_STOCK_LEASE, LEASE_SECONDS
from centra_whistl_dagster.workflows.stock.cadence import allowed_for_stock
from centra_whistl_dagster.workflows.stock.reconciliation import Reconciliation, reconcile_stock
from centra_whistl_dagster.workflows.stock.trail import keep_reconciliation

_ROWS_PER_WRITE = SKUS_OF_A_BATCH

Outcomes = dict[str, tuple[WriteOutcome, int | None]]
"""By SKU: what came of writing it, and the quantity that Centra shows since."""


def publish_stock(link: Link) -> Tally:
    """Write to Centra, in batches, the quantities that have to change, and read them back.

    Where Centra's quota does not suffice, what is for sale and should not be comes first, then the
    fastest sellers; the rest is the next pass's. Everything is worked out once more just before
    writing, while no shipment can be completed.

    Raises:
        LeaseTaken: shipments are being completed, and that does not end; or this took so long
            that it may have begun. Batches written before that stay written.
        NothingToReconcile: see `reconcile_stock`.
        IntegrationError: Whistl does not say what it did with our orders; nothing was written.
        AccessDenied: Centra does not let us write; the pass ends with the batch it refused.
    """
    with link.alone(CENTRA_STOCK_LEASE, seconds=LEASE_SECONDS) as lease:
        # The snapshot knows all that Whistl did until it was taken; so must the ledger. Units of an
        # order that Whistl has since ended would be counted as set aside, and sold twice.
        follow_order_statuses(link)
        with link.ledger.transaction() as tx:
            lease.renew(tx)
        found = reconcile_stock(link)
        _tell_of_oversold(link, found)
        _close_what_agrees(link, found)
        rows = _rows_to_write(link, found)
        most = allowed_for_stock(link).batches * _ROWS_PER_WRITE
        rows, left = rows[:most], rows[most:]
        tally = Tally(read=len(found.skus))
        tally.skipped["on one side only"] = int(
            np.count_nonzero(found.catalogue.in_whistl != found.catalogue.in_centra)
        )
        if left:
            why = "left for the next pass: the rest of Centra's quota is for orders"
            tally.skipped[why] = len(left)
        tally.unchanged = tally.read - len(rows) - sum(tally.skipped.values())
        unfinished = {row["sku"] for row in rows + left}
        try:
            for start in range(0, len(rows), _ROWS_PER_WRITE):
                part = rows[start : start + _ROWS_PER_WRITE]
                unfinished -= _write(link, lease, found, part, tally)
        finally:
            keep_reconciliation(link, found, unfinished)
    return tally


def _rows_to_write(link: Link, found: Reconciliation) -> list[dict[str, Any]]:
    steps, where = found.catalogue.steps, _to_write(link, found)
    order = where[hottest_first(found.demand.per_hour[where], steps.change[where])]
    return [
        {
            "sku": found.skus[at],
            "product_size_id": int(found.product_size_ids[at]),
            "from_quantity": int(steps.centra.physical[at]),
            "to_quantity": int(steps.physical[at]),
            "whistl_available": int(steps.warehouse.available[at]),
            "units_held": int(steps.ours.held[at]),
            "units_left": int(steps.ours.left[at]),
            "buffer": int(steps.buffer_used[at]),
        }
        for at in order.tolist()
    ]


def _to_write(link: Link, found: Reconciliation) -> Ints:
    """Return where Centra must be told of another figure, or can be told once of a lower one."""
    catalogue, steps = found.catalogue, found.catalogue.steps
    with link.ledger.reading() as tx:
        last = stock_rows.last_written(tx)
    held = np.flatnonzero(steps.holds_too_much & catalogue.in_whistl & catalogue.in_centra)
    untold = [
        at
        for at in held.tolist()
        if (written := last.get(found.skus[at])) is None
        or (written.quantity, written.read_back)
        != (int(steps.physical[at]), int(steps.centra.physical[at]))
    ]
    return np.union1d(catalogue.to_write, np.asarray(untold, dtype=np.int64))


def _write(
    link: Link, lease: Lease, found: Reconciliation, rows: list[dict[str, Any]], tally: Tally
) -> set[str]:
    """Write a batch; return the SKUs of which the shop offers no more than it should."""
    with link.ledger.transaction() as tx:
        lease.renew(tx)
        ids = stock_rows.open_writes(tx, rows, snapshot_id=found.snapshot_id, now=link.now())
    try:
        outcomes, refused = _send(link, found, rows)
    except AccessDenied:
        # The next batch would be refused alike, and only a person can mend it.
        with link.ledger.transaction() as tx:
            for write_id in ids.values():
                outcome = WriteOutcome.NOT_SENT
                stock_rows.settle_write(tx, write_id, outcome, read_back=None, now=link.now())
        raise
    with link.ledger.transaction() as tx:
        for sku, (outcome, shown) in outcomes.items():
            stock_rows.settle_write(tx, ids[sku], outcome, read_back=shown, now=link.now())
        _tell_of_outcomes(tx, link, {row["sku"]: row for row in rows}, outcomes, refused)
    for outcome, _shown in outcomes.values():
        if outcome is WriteOutcome.WRITTEN:
            tally.written += 1
        else:
            tally.failed[outcome] += 1
    allocated = dict(zip(found.skus, found.catalogue.steps.centra.allocated.tolist(), strict=True))
    return {
        row["sku"]
        for row in rows
        if _is_safe(*outcomes[row["sku"]], row["to_quantity"], allocated[row["sku"]])
    }


def _is_safe(outcome: WriteOutcome, shown: int | None, wanted: int, allocated: int) -> bool:
    """Say whether a SKU may wait for its own interval, whatever came of writing it."""
    if outcome is WriteOutcome.NOT_TAKEN:
        return shown is not None and shown <= max(wanted, allocated)
    return outcome in {WriteOutcome.WRITTEN, WriteOutcome.REFUSED}


def _send(
    link: Link, found: Reconciliation, rows: list[dict[str, Any]]
) -> tuple[Outcomes, dict[str, str]]:
    """Write a batch; return what came of each SKU, and Centra's reason for each it refused.

    Raises:
        AccessDenied: Centra does not let us write.
    """
    everything = [row["sku"] for row in rows]
    try:
        result = link.centra.set_physical_stock(
            [(row["sku"], row["to_quantity"]) for row in rows],
            description=f"Whistl stock {found.snapshot_id}",
        )
    except AccessDenied:
        raise
    except (NotSent, Throttled):
        return dict.fromkeys(everything, (WriteOutcome.NOT_SENT, None)), {}
    except IntegrationError:
        # The next pass reads Centra's levels and compares anew.
        return dict.fromkeys(everything, (WriteOutcome.UNKNOWN, None)), {}
    refused = {line.sku: line.reason for line in result.refused}
    try:
        lifted = _take_off_sale(link, [row for row in rows if row["sku"] in refused])
        outcomes = _read_back(link, (set(everything) - set(refused)) | lifted, rows)
    except IntegrationError:
        outcomes = dict.fromkeys(everything, (WriteOutcome.UNKNOWN, None))
        lifted = set()
    still_refused = {sku: reason for sku, reason in refused.items() if sku not in lifted}
    return outcomes | dict.fromkeys(still_refused, (WriteOutcome.REFUSED, None)), still_refused


def _take_off_sale(link: Link, rows: list[dict[str, Any]]) -> set[str]:
    """Offer nothing of refused SKUs of which more is sold than exists.

    What Centra does with a quantity below its allocated one is not published: it may lift it, or
    refuse it and go on selling.

    Returns:
        the SKUs of which nothing is for sale now.
    """
    if not rows:
        return set()
    levels = link.centra.stock_levels_of([row["product_size_id"] for row in rows])
    allocated = {level.product_size_id: level.allocated for level in levels}
    oversold = [
        (row["sku"], allocated[row["product_size_id"]])
        for row in rows
        if row["to_quantity"] < allocated.get(row["product_size_id"], 0)
    ]
    if not oversold:
        return set()
    result = link.centra.set_physical_stock(oversold, description="Oversold: nothing is for sale")
    return {sku for sku, _ in result.written}


def _read_back(link: Link, skus: set[str], rows: list[dict[str, Any]]) -> Outcomes:
    """Ask Centra what it made of a batch. No shipment is completed meanwhile: it must be equal."""
    sizes = {row["product_size_id"]: row for row in rows if row["sku"] in skus}
    shown = {level.product_size_id: level.physical for level in link.centra.stock_levels_of(sizes)}
    outcomes: Outcomes = {}
    for size_id, row in sizes.items():
        physical = shown.get(size_id)
        if physical is None:
            outcomes[row["sku"]] = (WriteOutcome.UNKNOWN, None)
        elif physical == row["to_quantity"]:
            outcomes[row["sku"]] = (WriteOutcome.WRITTEN, physical)
        else:
            outcomes[row["sku"]] = (WriteOutcome.NOT_TAKEN, physical)
    return outcomes


def _tell_of_outcomes(
    tx: Transaction,
    link: Link,
    rows: dict[str, dict[str, Any]],
    outcomes: Outcomes,
    refused: dict[str, str],
) -> None:
    problems = []
    for sku, (outcome, shown) in outcomes.items():
        wanted = rows[sku]["to_quantity"]
        if outcome is WriteOutcome.NOT_TAKEN:
            message = f"Centra was given {wanted} of {sku} and shows {shown}."
            problems.append(_about_sku(ExceptionKind.STOCK_WRITE_NOT_TAKEN, sku, wanted, message))
        elif outcome is WriteOutcome.REFUSED:
            message = f"Centra would not take {wanted} of {sku}: {refused[sku]}"
            problems.append(_about_sku(ExceptionKind.STOCK_WRITE_REFUSED, sku, wanted, message))
        elif outcome is WriteOutcome.WRITTEN:
            kinds = [ExceptionKind.STOCK_WRITE_NOT_TAKEN, ExceptionKind.STOCK_WRITE_REFUSED]
            exceptions.resolve(tx, SubjectType.SKU, sku, kinds=kinds, now=link.now())
    link.raise_exceptions(tx, problems)


def _tell_of_oversold(link: Link, found: Reconciliation) -> None:
    steps, catalogue = found.catalogue.steps, found.catalogue
    is_oversold = (steps.oversold > 0) & catalogue.in_whistl & catalogue.in_centra
    oversold = np.flatnonzero(is_oversold).tolist()
    problems = [
        _about_sku(
            ExceptionKind.OVERSOLD,
            found.skus[at],
            int(steps.oversold[at]),
            f"{int(steps.oversold[at])} more of {found.skus[at]} are sold in Centra than the "
            "warehouse has for them.",
        )
        for at in oversold
    ]
    with link.ledger.transaction() as tx:
        _resolve_but_for(
            tx, link, found, ExceptionKind.OVERSOLD, {each.subject for each in problems}
        )
        link.raise_exceptions(tx, problems)


def _close_what_agrees(link: Link, found: Reconciliation) -> None:
    """Close what was told of earlier writes to SKUs of which Centra shows the right figure now."""
    differing = np.flatnonzero(found.catalogue.steps.change != 0).tolist()
    skus = {found.skus[at] for at in differing}
    with link.ledger.transaction() as tx:
        for kind in (ExceptionKind.STOCK_WRITE_NOT_TAKEN, ExceptionKind.STOCK_WRITE_REFUSED):
            _resolve_but_for(tx, link, found, kind, skus)


def _resolve_but_for(
    tx: Transaction, link: Link, found: Reconciliation, kind: ExceptionKind, skus: set[str]
) -> None:
    """Close what was told of every SKU but these. Of SKUs not looked at nothing new is known."""
    unknown = set() if found.is_whole else exceptions.open_subjects(tx, kind) - set(found.skus)
    exceptions.resolve_kind(tx, kind, except_subjects=skus | unknown, now=link.now())


def _about_sku(kind: ExceptionKind, sku: str, quantity: int, message: str) -> Problem:
    return Problem(
        kind=kind,
        subject_type=SubjectType.SKU,
        subject=sku,
        field="quantity",
        value=str(quantity),
        message=message,
    )
