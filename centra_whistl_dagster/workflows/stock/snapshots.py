"""Read Whistl's newest stock snapshot, judge it, and keep it: to be used, or in quarantine.

Belongs here: when a snapshot is read and what its verdict does. Does not belong here: the judgement
(`domain.stock.guards`), who is told (`workflows.stock.snapshot_exceptions`) and what is written to
Centra (`workflows.stock.sync`).
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
from centra_whistl_dagster.ledger import standings
from centra_whistl_dagster.ledger import stock as stock_rows
from centra_whistl_dagster.ledger.engine import Row, Transaction
from centra_whistl_dagster.transport import ContractBroken
from centra_whistl_dagster.whistl.client import SnapshotHead
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.stock import archive
from centra_whistl_dagster.workflows.stock import snapshot_exceptions as news

_BETWEEN_REASONS = ", "


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotRead:
    """What came of looking for a snapshot."""

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

    One that was refused for rows that were not there yet is read again once Whistl calls it whole.

    Raises:
        IntegrationError: Whistl could not be read to the end; nothing is kept of it. Where what it
            sent cannot be read, however often it is asked, its owner is told.
    """
    head = link.whistl.latest_snapshot()
    with link.ledger.reading() as tx:
        known = stock_rows.snapshot(tx, head.snapshot_id)
        last_good = stock_rows.latest_accepted(tx)
        moves = stock_rows.movements(tx)
        ours = _taken_since(tx, last_good, head)
    if known is not None and not _may_be_whole_now(known, head):
        news.tell_if_it_stands_still(link, known)
        return _as_known(known)
    policy = link.configuration.stock.guard
    rows = _read(link, head)
    frame = _frame(rows)
    before = archive.fetch(link.settings.archive_path, last_good.file) if last_good else None
    compared = _compare(frame, before, last_good, ours)
    facts = _facts(head, rows, compared)
    verdict = judge(facts, now=link.now(), limits=learn(moves, policy), policy=policy)
    if verdict.outcome is Outcome.NOTHING_NEW and last_good is not None:
        # Another name for the moment that is in use already: neither good news nor bad.
        return _as_known(last_good)
    file = archive.keep(
        link.settings.archive_path,
        archive.WHISTL_STOCK,
        head.snapshot_id,
        head.taken_at,
        frame,
    )
    absent = [] if before is None else sorted(set(before["sku"]) - set(frame["sku"]))
    with link.ledger.transaction() as tx:
        _store(tx, link, facts, verdict, str(file))
        news.tell(tx, link, facts, verdict, rows, absent)
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
    """Ask Whistl, in one cheap request, whether `read_latest_snapshot` would find something.

    Raises:
        IntegrationError: Whistl does not say what its newest snapshot is.
    """
    head = link.whistl.latest_snapshot()
    with link.ledger.reading() as tx:
        known = stock_rows.snapshot(tx, head.snapshot_id)
    return known is None or _may_be_whole_now(known, head)


def _read(link: Link, head: SnapshotHead) -> SnapshotRows:
    try:
        with closing(link.whistl.snapshot_rows(head.snapshot_id)) as pages:
            return read_rows(pages, link.configuration.stock.convention)
    except ContractBroken as error:
        news.tell_of_unreadable(link, head, error)
        raise


def _may_be_whole_now(known: Row, head: SnapshotHead) -> bool:
    had_rows_to_come = {RefusalReason.NOT_COMPLETE, RefusalReason.ROWS_MISSING} & reasons_of(known)
    is_refused = known.verdict == stock_rows.Verdict.REFUSED
    return is_refused and head.is_complete and bool(had_rows_to_come)


def _as_known(row: Row) -> SnapshotRead:
    return SnapshotRead(
        snapshot_id=row.snapshot_id,
        taken_at=row.taken_at,
        row_count=row.row_count,
        is_new=False,
        is_accepted=row.verdict == stock_rows.Verdict.ACCEPTED,
        reason=row.reason,
    )


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


def _taken_since(tx: Transaction, last_good: Row | None, head: SnapshotHead) -> pd.DataFrame:
    """Return units that Whistl took for our orders between two snapshots: sold, not lost."""
    since = last_good.taken_at if last_good else head.taken_at
    taken = standings.units_taken(tx, since=since, until=head.taken_at)
    skus = pd.Series(list(taken), dtype="str")
    return pd.DataFrame({"sku": skus, "taken": pd.Series(list(taken.values()), dtype="int64")})


def _compare(
    frame: pd.DataFrame, before: pd.DataFrame | None, last_good: Row | None, ours: pd.DataFrame
) -> Against | None:
    if before is None or last_good is None:
        return None
    columns = columns_of(
        align(
            {"now": frame[["sku", "available"]], "before": before[["sku", "available"]]},
            {"ours": ours},
        )
    )
    is_in_both = np.asarray(columns["in_now"] & columns["in_before"], dtype=bool)
    return against(
        taken_at=last_good.taken_at,
        rows_before=last_good.row_count,
        is_in_both=is_in_both,
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


def _store(tx: Transaction, link: Link, facts: SnapshotFacts, verdict: Verdict, file: str) -> None:
    is_good = verdict.outcome is Outcome.USE
    move = movement(facts.against, facts.taken_at) if facts.against and is_good else None
    stock_rows.add_snapshot(
        tx,
        snapshot_id=facts.snapshot_id,
        taken_at=facts.taken_at,
        read_at=link.now(),
        row_count=facts.rows,
        verdict=stock_rows.Verdict.ACCEPTED if is_good else stock_rows.Verdict.REFUSED,
        reason=_reason(verdict),
        file=file,
        move=move,
    )


def _reason(verdict: Verdict) -> str:
    return _BETWEEN_REASONS.join(refusal.reason for refusal in verdict.refusals)


def reasons_of(snapshot: Row) -> set[str]:
    """Return why a kept snapshot was refused."""
    return set(snapshot.reason.split(_BETWEEN_REASONS))
