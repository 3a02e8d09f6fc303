"""Work out what Centra's stock should be and write what differs.

Belongs here: the order of reading, working out, writing and reading back. Does not belong here: the
sum itself (`domain.availability`) or whether a snapshot may be believed (`domain.guards`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from centra_whistl_dagster.domain.availability import LineStanding, OurUnits, units_of_line
from centra_whistl_dagster.domain.problems import ExceptionKind, Problem, SubjectType
from centra_whistl_dagster.domain.tally import Tally
from centra_whistl_dagster.history.reconcile import align, columns_of
from centra_whistl_dagster.ledger import cursors, exceptions, standings
from centra_whistl_dagster.ledger import stock as stock_rows
from centra_whistl_dagster.ledger.engine import Row, Transaction
from centra_whistl_dagster.ledger.standings import LineUnits
from centra_whistl_dagster.ledger.stock import WriteOutcome
from centra_whistl_dagster.stock.reconcile import ReconciledCatalogue, reconcile_columns
from centra_whistl_dagster.transport import IntegrationError, OutcomeUnknown
from centra_whistl_dagster.workflows import archive
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.shipments import CENTRA_STOCK_LEASE, LEASE_SECONDS

_ROWS_PER_WRITE = 100
"""Centra publishes no limit for setStock; this is the documented cap of another batch mutation."""


Outcomes = dict[str, tuple[WriteOutcome, int | None]]
"""By SKU: what came of writing it, and the quantity that Centra shows since."""


class NothingToReconcile(Exception):
    """There is no stock of one side to work with yet, or what there is must not be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """Both systems' stock side by side, SKU by SKU, with the number that Centra should hold."""

    snapshot_id: str
    taken_at: datetime
    skus: Sequence[str]
    product_size_ids: Sequence[int]
    catalogue: ReconciledCatalogue


def read_centra_levels(link: Link) -> int:
    """Read all stock levels from Centra into the archive and return how many SKUs that were.

    Raises:
        IntegrationError: Centra could not be read to the end; the last reading stays.
    """
    read_at = link.now()
    frame = _levels_frame(link.centra.stock_levels())
    name = f"C-{read_at:%Y%m%dT%H%M%S%f}"
    file = archive.keep(link.settings.archive_path, archive.CENTRA_STOCK, name, read_at, frame)
    with link.ledger.transaction() as tx:
        cursors.set_to(tx, cursors.CENTRA_LEVELS, str(file), now=read_at)
    return len(frame)


def reconcile_stock(link: Link) -> Reconciliation:
    """Work out, from the last good readings and the ledger as it is now, what Centra should hold.

    Raises:
        NothingToReconcile: a reading is missing, or the snapshot has grown too old to be used.
    """
    with link.ledger.reading() as tx:
        snapshot = stock_rows.latest_accepted(tx)
        levels_file = cursors.read(tx, cursors.CENTRA_LEVELS)
        if snapshot is None:
            raise NothingToReconcile("no usable stock snapshot has been read from Whistl yet")
        if levels_file is None:
            raise NothingToReconcile("Centra's stock has not been read yet")
        _refuse_old(link, snapshot)
        lines = standings.of_open_lines(tx, taken_at=snapshot.taken_at)
    folder = link.settings.archive_path
    aligned = align(
        {
            "whistl": archive.fetch(folder, snapshot.file),
            "centra": archive.fetch(folder, levels_file),
        },
        {"ours": our_units(lines)},
    )
    columns = columns_of(aligned)
    no_buffer = np.zeros(aligned.num_rows, dtype=np.int64)
    return Reconciliation(
        snapshot_id=snapshot.snapshot_id,
        taken_at=snapshot.taken_at,
        skus=aligned.column("sku").to_pylist(),
        product_size_ids=columns["centra_product_size_id"],
        catalogue=reconcile_columns(columns, no_buffer),
    )


def publish_stock(link: Link) -> Tally:
    """Write to Centra, in batches, the quantities that have to change, and read them back.

    Everything is worked out once more just before writing, while no shipment can be completed.

    Raises:
        LeaseTaken: shipments are being completed; try again in a moment.
        NothingToReconcile: see `reconcile_stock`.
    """
    with link.ledger.lease(CENTRA_STOCK_LEASE, holder=link.holder, seconds=LEASE_SECONDS):
        found = reconcile_stock(link)
        _tell_of_oversold(link, found)
        rows = _rows_to_write(found)
        tally = Tally(read=len(found.skus))
        tally.skipped["on one side only"] = int(
            np.count_nonzero(found.catalogue.in_whistl != found.catalogue.in_centra)
        )
        tally.unchanged = tally.read - len(rows) - tally.skipped["on one side only"]
        for start in range(0, len(rows), _ROWS_PER_WRITE):
            _write(link, found, rows[start : start + _ROWS_PER_WRITE], tally)
    return tally


def our_units(lines: Iterable[LineUnits]) -> pd.DataFrame:
    """Return what our open orders mean for stock: one row a SKU, the columns of `OurUnits`."""
    names = [each.name for each in fields(LineUnits)]
    table = pd.DataFrame([[getattr(line, name) for name in names] for line in lines], columns=names)
    columns = {name: table[name].to_numpy(dtype=np.int64) for name in names if name != "sku"}
    columns["is_blocked"] = columns["is_blocked"].astype(bool)
    units = units_of_line(LineStanding(**columns))
    by_line = pd.DataFrame({each.name: getattr(units, each.name) for each in fields(OurUnits)})
    by_line.insert(0, "sku", table["sku"].astype("str"))
    return by_line.groupby("sku", as_index=False).sum()


def _levels_frame(levels: Iterable[Any]) -> pd.DataFrame:
    rows = [
        (level.sku, level.product_size_id, level.physical, level.allocated, level.free)
        for level in levels
        if level.sku and level.is_active
    ]
    frame = pd.DataFrame(rows, columns=["sku", "product_size_id", "physical", "allocated", "free"])
    # Two sizes under one SKU cannot be told apart by a warehouse that knows only SKUs; screening
    # says so, and neither is written.
    return frame.drop_duplicates("sku", keep=False).astype({"sku": "str"})


def _refuse_old(link: Link, snapshot: Row) -> None:
    age = link.now() - snapshot.taken_at
    oldest = timedelta(minutes=link.configuration.stock.guard.oldest_minutes)
    if age > oldest:
        raise NothingToReconcile(
            f"Whistl's last usable stock is {age.total_seconds() / 60:.0f} minutes old; at most "
            f"{oldest.total_seconds() / 60:.0f} are allowed. Centra keeps its figures"
        )


def _rows_to_write(found: Reconciliation) -> list[dict[str, Any]]:
    steps = found.catalogue.steps
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
        for at in found.catalogue.to_write.tolist()
    ]


def _write(link: Link, found: Reconciliation, rows: list[dict[str, Any]], tally: Tally) -> None:
    with link.ledger.transaction() as tx:
        ids = stock_rows.open_writes(tx, rows, snapshot_id=found.snapshot_id, now=link.now())
    try:
        result = link.centra.set_physical_stock(
            [(row["sku"], row["to_quantity"]) for row in rows],
            description=f"Whistl stock {found.snapshot_id}",
        )
        refused = {line.sku: line.reason for line in result.refused}
        outcomes = _read_back(link, set(ids) - set(refused), rows)
    except OutcomeUnknown:
        # The next pass reads Centra's levels and compares anew.
        refused, outcomes = {}, dict.fromkeys(ids, (WriteOutcome.UNKNOWN, None))
    except IntegrationError:
        refused, outcomes = {}, dict.fromkeys(ids, (WriteOutcome.NOT_SENT, None))
    outcomes |= dict.fromkeys(refused, (WriteOutcome.REFUSED, None))
    with link.ledger.transaction() as tx:
        for sku, (outcome, shown) in outcomes.items():
            stock_rows.settle_write(tx, ids[sku], outcome, read_back=shown, now=link.now())
        _tell_of_outcomes(tx, link, {row["sku"]: row for row in rows}, outcomes, refused)
    for outcome, _shown in outcomes.values():
        if outcome is WriteOutcome.WRITTEN:
            tally.written += 1
        else:
            tally.failed[outcome] += 1


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
        exceptions.resolve_kind(
            tx,
            ExceptionKind.OVERSOLD,
            except_subjects={problem.subject for problem in problems},
            now=link.now(),
        )
        link.raise_exceptions(tx, problems)


def _about_sku(kind: ExceptionKind, sku: str, quantity: int, message: str) -> Problem:
    return Problem(
        kind=kind,
        subject_type=SubjectType.SKU,
        subject=sku,
        field="quantity",
        value=str(quantity),
        message=message,
    )
