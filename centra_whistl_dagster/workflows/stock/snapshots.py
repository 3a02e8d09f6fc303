"""Read Whistl's newest stock snapshot, judge it, and keep it: to be used, or in quarantine.

Belongs here: when a snapshot is read and what follows from its verdict. Does not belong here: the
judgement (`domain.stock.guards`), the exceptions about it (`workflows.stock.snapshot_exceptions`),
and what is written to Centra (`workflows.stock.sync`).
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from centra_whistl_dagster.domain.stock.availability import WarehouseStock
from centra_whistl_dagster.domain.stock.feed_limits import LONGEST_SUM, learn
from centra_whistl_dagster.domain.stock.guards import (
    Against,
    Outcome,
    RefusalReason,
    SnapshotFacts,
    Verdict,
    judge,
)
from centra_whistl_dagster.domain.stock.snapshot_rows import (
    FIGURES,
    SnapshotRows,
    read_rows,
    set_aside,
)
from centra_whistl_dagster.ledger import states, stock
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import SnapshotRow
from centra_whistl_dagster.transport import ContractBroken
from centra_whistl_dagster.whistl.client import SnapshotHead
from centra_whistl_dagster.workflows.link import Installation, Link
from centra_whistl_dagster.workflows.stock import archive
from centra_whistl_dagster.workflows.stock.age import is_too_old
from centra_whistl_dagster.workflows.stock.exposure import is_noted, note_published
from centra_whistl_dagster.workflows.stock.feed_comparison import compare, known_before
from centra_whistl_dagster.workflows.stock.lost_files import forget_lost_files
from centra_whistl_dagster.workflows.stock.snapshot_exceptions import (
    raise_unreadable,
    update_snapshot_exceptions,
)

_BETWEEN_REASONS = ", "
_READ_AGAIN_AFTER = timedelta(minutes=15)
_TOO_FEW_ALLOCATED = (
    "only {allocated} units are allocated, and Whistl has more of it allocated to our orders"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotRead:
    """What came of reading Whistl's newest snapshot."""

    snapshot_id: str
    taken_at: datetime
    row_count: int
    is_new: bool
    is_accepted: bool
    reason: str
    bad_rows: int = 0
    absent_skus: int = 0


def read_latest_snapshot(link: Link) -> SnapshotRead:
    """Read the newest snapshot, unless it was read before, and decide whether it may be used.

    One that was refused because rows were missing is read again once Whistl calls it complete.

    Raises:
        IntegrationError: Whistl could not be read to the end; nothing is kept of it. Where the
            pages break the contract, so that no attempt can help, an exception is raised too.
    """
    forget_lost_files(link)
    head = link.whistl.latest_snapshot()
    known = _known(link, head)
    if known is not None and not _may_be_complete_now(known, head):
        return _as_known(known, is_too_old=is_too_old(link, known))
    rows = _read(link, head)
    before = known_before(link, head.taken_at)
    compared, contradicting = compare(_frame(rows), before)
    where = np.array([sku in contradicting for sku in rows.skus], dtype=bool)
    facts = _facts(head, rows, compared)
    rows = set_aside(rows, where, _TOO_FEW_ALLOCATED)
    frame = _frame(rows)
    verdict = _judge(link, facts)
    absent = before.skus - set(frame["sku"])
    archive_path, kind = link.settings.archive_path, archive.WHISTL_STOCK
    file = archive.keep(archive_path, kind, head.snapshot_id, head.taken_at, frame)
    with link.ledger.transaction() as tx:
        _store(tx, facts, verdict, str(file))
        update_snapshot_exceptions(tx, facts, verdict, rows, absent)
    return SnapshotRead(
        snapshot_id=head.snapshot_id,
        taken_at=head.taken_at,
        row_count=rows.rows,
        is_new=True,
        is_accepted=verdict.outcome is Outcome.USE,
        reason=_reason(verdict),
        bad_rows=len(rows.bad),
        absent_skus=len(absent),
    )


def is_there_a_new_snapshot(link: Link) -> bool:
    """Ask Whistl, in one cheap request, whether `read_latest_snapshot` has something to read.

    Raises:
        IntegrationError: Whistl does not say what its newest snapshot is.
    """
    head = link.whistl.latest_snapshot()
    known = _known(link, head)
    with link.ledger.reading() as tx:
        noted = is_noted(tx, head.taken_at)
    if not noted:
        with link.ledger.transaction() as tx:
            note_published(tx, head.taken_at)
    return known is None or _may_be_complete_now(known, head)


def _known(link: Link, head: SnapshotHead) -> SnapshotRow | None:
    """Return what is known of a snapshot by its name, or by another name of the same moment.

    None where its rows are lost, so that it is read again. So is a refused one that has come under
    another name, since that may be a correction; but not at each sync, or a feed that gives the
    same stock a new name each time would be read for ever.
    """
    with link.ledger.reading() as tx:
        used, row = stock.latest_accepted(tx), stock.snapshot(tx, head.snapshot_id)
        same_moment = stock.of_moment(tx, head.taken_at)
    if used is not None and used.taken_at == head.taken_at:
        return used if archive.is_kept(link.settings.archive_path, used.file) else None
    if row is None and same_moment is not None:
        was_just_read = link.now() - same_moment.read_at < _READ_AGAIN_AFTER
        return same_moment if was_just_read else None
    return row


def _may_be_complete_now(known: SnapshotRow, head: SnapshotHead) -> bool:
    lacked_rows = {RefusalReason.NOT_COMPLETE, RefusalReason.ROWS_MISSING} & reasons_of(known)
    is_refused = known.verdict is states.Verdict.REFUSED
    return is_refused and head.is_complete and bool(lacked_rows)


def _as_known(row: SnapshotRow, *, is_too_old: bool) -> SnapshotRead:
    is_accepted = row.verdict is states.Verdict.ACCEPTED
    return SnapshotRead(
        snapshot_id=row.snapshot_id,
        taken_at=row.taken_at,
        row_count=row.row_count,
        is_new=False,
        is_accepted=is_accepted and not is_too_old,
        reason=RefusalReason.TOO_OLD.value if is_accepted and is_too_old else row.reason,
    )


def _read(link: Link, head: SnapshotHead) -> SnapshotRows:
    try:
        with closing(link.whistl.snapshot_rows(head.snapshot_id)) as pages:
            stock_policy = link.configuration.stock
            return read_rows(
                pages, stock_policy.convention, most_units=stock_policy.guard.most_units_of_a_sku
            )
    except ContractBroken as error:
        raise_unreadable(link, head, error)
        raise


def _frame(rows: SnapshotRows) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "sku": pd.Series(list(rows.skus), dtype="str"),
            "on_hand": rows.stock.on_hand,
            "allocated": rows.stock.allocated,
            "quarantined": rows.stock.quarantined,
            "available": rows.stock.available,
            "on_order": rows.on_order,
        }
    )


def kept_rows(link: Installation, row: SnapshotRow) -> SnapshotRows:
    """Return the usable rows of a snapshot as they were kept; its bad rows are counted alone."""
    frame = archive.fetch(link.settings.archive_path, row.file)
    figures = {name: frame[name].to_numpy(dtype=np.int64) for name in FIGURES}
    if "on_order" not in frame:  # kept by an earlier release
        frame = frame.assign(on_order=-1)
    return SnapshotRows(
        skus=tuple(frame["sku"]),
        stock=WarehouseStock(**figures),
        on_order=frame["on_order"].to_numpy(dtype=np.int64),
        rows=row.row_count,
        bad=(),
    )


def _facts(head: SnapshotHead, rows: SnapshotRows, compared: Against) -> SnapshotFacts:
    return SnapshotFacts(
        snapshot_id=head.snapshot_id,
        taken_at=head.taken_at,
        is_complete=head.is_complete,
        rows_announced=head.item_count,
        rows=rows.rows,
        bad_rows=len(rows.bad),
        against=compared,
    )


def _judge(link: Link, facts: SnapshotFacts) -> Verdict:
    policy = link.configuration.stock.guard
    with link.ledger.reading() as tx:
        released_at = stock.released_at(tx)
        begin = facts.taken_at - LONGEST_SUM
        return judge(
            facts,
            now=tx.now,
            recent=stock.movements_since(tx, max(begin, released_at or begin)),
            limits=learn(stock.movements(tx), policy, released_at=released_at),
            policy=policy,
        )


def _store(tx: Transaction, facts: SnapshotFacts, verdict: Verdict, file: str) -> None:
    is_good = verdict.outcome is Outcome.USE
    stock.add_snapshot(
        tx,
        snapshot_id=facts.snapshot_id,
        taken_at=facts.taken_at,
        read_at=tx.now,
        row_count=facts.rows,
        verdict=states.Verdict.ACCEPTED if is_good else states.Verdict.REFUSED,
        reason=_reason(verdict),
        file=file,
        move=facts.against.movement(facts.taken_at) if facts.against and is_good else None,
    )


def _reason(verdict: Verdict) -> str:
    return _BETWEEN_REASONS.join(refusal.reason for refusal in verdict.refusals)


def reasons_of(snapshot: SnapshotRow) -> set[str]:
    """Return why a kept snapshot was refused."""
    return set(reasons_in(snapshot.reason))


def reasons_in(reason: str) -> list[str]:
    """Return the reasons that are kept in one text."""
    return reason.split(_BETWEEN_REASONS)
