"""Read Whistl's newest stock snapshot, judge it, and keep it: to be used, or in quarantine.

Belongs here: when a snapshot is read and what follows from its verdict. Does not belong here: the
judgement (`domain.stock.guards`), the exceptions about it (`workflows.stock.snapshot_exceptions`),
and what is written to Centra (`workflows.stock.sync`).
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from centra_whistl_dagster.domain.stock.guards import (
    Against,
    Outcome,
    RefusalReason,
    SnapshotFacts,
    Verdict,
    judge,
    learn,
    movement,
)
from centra_whistl_dagster.domain.stock.snapshot_rows import SnapshotRows, against, read_rows
from centra_whistl_dagster.history.alignment import align, columns_of
from centra_whistl_dagster.ledger import standings, states, stock
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import SnapshotRow
from centra_whistl_dagster.transport import ContractBroken
from centra_whistl_dagster.whistl.client import SnapshotHead
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.stock import archive
from centra_whistl_dagster.workflows.stock.age import is_too_old
from centra_whistl_dagster.workflows.stock.exposure import is_noted, note_published
from centra_whistl_dagster.workflows.stock.snapshot_exceptions import (
    raise_unreadable,
    update_snapshot_exceptions,
)

_BETWEEN_REASONS = ", "


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _LastGood:
    """The last good snapshot, which the new one is compared with."""

    row: SnapshotRow
    stock: pd.DataFrame
    ours: pd.DataFrame
    """`sku` and `taken`: units that Whistl took for our orders since. They are sold, not lost."""


def read_latest_snapshot(link: Link) -> SnapshotRead:
    """Read the newest snapshot, unless it was read before, and decide whether it may be used.

    One that was refused because rows were missing is read again once Whistl calls it complete.

    Raises:
        IntegrationError: Whistl could not be read to the end; nothing is kept of it. Where the
            pages break the contract, so that no attempt can help, an exception is raised too.
    """
    head = link.whistl.latest_snapshot()
    with link.ledger.reading() as tx:
        known = _known(tx, head)
    if known is not None and not _may_be_complete_now(known, head):
        return _as_known(known, is_too_old=is_too_old(link, known))
    last_good = _last_good(link, head)
    rows = _read(link, head)
    frame = _frame(rows)
    facts = _facts(head, rows, _compare(frame, last_good) if last_good else None)
    verdict = _judge(link, facts)
    absent = set(last_good.stock["sku"]) - set(frame["sku"]) if last_good else set()
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
    with link.ledger.reading() as tx:
        known, noted = _known(tx, head), is_noted(tx, head.taken_at)
    if not noted:
        with link.ledger.transaction() as tx:
            note_published(tx, head.taken_at)
    return known is None or _may_be_complete_now(known, head)


def _known(tx: Transaction, head: SnapshotHead) -> SnapshotRow | None:
    """Return what is known of a snapshot by its name, or by another of the same moment in use."""
    used = stock.latest_accepted(tx)
    if used is not None and used.taken_at == head.taken_at:
        return used
    return stock.snapshot(tx, head.snapshot_id)


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


def _last_good(link: Link, head: SnapshotHead) -> _LastGood | None:
    with link.ledger.reading() as tx:
        row = stock.latest_accepted(tx)
        if row is None:
            return None
        taken = standings.units_taken(tx, since=row.taken_at, until=head.taken_at)
    return _LastGood(
        row=row,
        stock=archive.fetch(link.settings.archive_path, row.file),
        ours=pd.DataFrame(
            {
                "sku": pd.Series(list(taken), dtype="str"),
                "taken": pd.Series(list(taken.values()), dtype="int64"),
            }
        ),
    )


def _read(link: Link, head: SnapshotHead) -> SnapshotRows:
    try:
        with closing(link.whistl.snapshot_rows(head.snapshot_id)) as pages:
            return read_rows(pages, link.configuration.stock.convention)
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
        }
    )


def _compare(frame: pd.DataFrame, last_good: _LastGood) -> Against:
    available = ["sku", "available"]
    columns = columns_of(
        align(
            {"now": frame[available], "before": last_good.stock[available]},
            {"ours": last_good.ours},
        )
    )
    return against(
        taken_at=last_good.row.taken_at,
        rows_before=last_good.row.row_count,
        is_in_both=np.asarray(columns["in_now"] & columns["in_before"], dtype=bool),
        available_before=columns["before_available"],
        available_now=columns["now_available"],
        ours_taken=columns["ours_taken"],
    )


def _facts(head: SnapshotHead, rows: SnapshotRows, compared: Against | None) -> SnapshotFacts:
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
        limits = learn(stock.movements(tx), policy)
        return judge(facts, now=tx.now, limits=limits, policy=policy)


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
        move=movement(facts.against, facts.taken_at) if facts.against and is_good else None,
    )


def _reason(verdict: Verdict) -> str:
    return _BETWEEN_REASONS.join(refusal.reason for refusal in verdict.refusals)


def reasons_of(snapshot: SnapshotRow) -> set[str]:
    """Return why a kept snapshot was refused."""
    return set(snapshot.reason.split(_BETWEEN_REASONS))
