"""Exceptions about a stock snapshot, and about single SKUs of it: raised and resolved."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import numpy as np

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, Problem, SubjectType
from centra_whistl_dagster.domain.stock.guards import Outcome, SnapshotFacts, Verdict
from centra_whistl_dagster.domain.stock.snapshot_rows import BadRow, SnapshotRows
from centra_whistl_dagster.ledger import absences, catalogues, exceptions
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.transport import ContractBroken
from centra_whistl_dagster.whistl.client import SnapshotHead
from centra_whistl_dagster.workflows.link import Link

LATEST = "latest"
"""The subject of exceptions about the feed: a feed refused again and again is one exception."""


def about_the_feed(snapshot_id: str, message: str) -> Problem:
    """Return a problem of the feed as a whole; the message says which."""
    return Problem(
        kind=ExceptionKind.STOCK_SNAPSHOT_REFUSED,
        subject_type=SubjectType.SNAPSHOT,
        subject=LATEST,
        field="stock",
        value=snapshot_id,
        message=f"{message} Centra keeps the last good figures.",
    )


def raise_unreadable(link: Link, head: SnapshotHead, error: ContractBroken) -> None:
    """Raise an exception about a snapshot whose pages break the contract.

    The next one that can be read resolves it.
    """
    message = f"Whistl's stock of {head.taken_at:%H:%M} UTC cannot be read: {error.detail}."
    with link.ledger.transaction() as tx:
        exceptions.open_or_refresh(tx, [about_the_feed(head.snapshot_id, message)])


def update_snapshot_exceptions(
    tx: Transaction,
    facts: SnapshotFacts,
    verdict: Verdict,
    rows: SnapshotRows,
    absent: Collection[str],
) -> None:
    """Raise an exception about a refused snapshot, or update those about SKUs of a good one.

    Args:
        tx: the transaction that stores the snapshot.
        facts: what was measured of it.
        verdict: the judgement of it.
        rows: its rows.
        absent: SKUs of the last good one that it has no usable row of.
    """
    if verdict.outcome is Outcome.QUARANTINE:
        exceptions.open_or_refresh(tx, [_refused(facts, verdict)])
        return
    kinds = [ExceptionKind.STOCK_SNAPSHOT_REFUSED]
    exceptions.resolve(tx, SubjectType.SNAPSHOT, LATEST, kinds)
    update_exceptions_of_used(tx, facts.taken_at, rows, absent, is_whole=facts.is_complete)


def update_exceptions_of_used(
    tx: Transaction,
    taken_at: datetime,
    rows: SnapshotRows,
    absent: Collection[str],
    *,
    is_whole: bool,
) -> None:
    """Update the exceptions about SKUs of a snapshot that is used from now on, and count absences.

    Args:
        tx: the transaction that lets it be used.
        taken_at: when it was taken.
        rows: its rows.
        absent: SKUs of the last good one that it has no usable row of.
        is_whole: it is complete, and all its bad rows are known.
    """
    _update_left_out(tx, taken_at, rows, absent, is_whole=is_whole)
    _update_overpromised(tx, taken_at, rows)


def _update_left_out(
    tx: Transaction,
    taken_at: datetime,
    rows: SnapshotRows,
    absent: Collection[str],
    *,
    is_whole: bool,
) -> None:
    kind = ExceptionKind.SKU_ABSENT_FROM_SNAPSHOT
    # A SKU that neither system knows is a garbled one. No later feed would list it, and an
    # exception about it would never be resolved.
    missing = {*absent, *catalogues.active_centra_skus(tx)} - set(rows.skus)
    unusable = {row.sku: row for row in rows.bad if row.sku in missing}
    absences.note_snapshot(
        tx,
        taken_at=taken_at,
        usable=rows.skus,
        unusable=[row.sku for row in rows.bad],
        absent={*absent, *unusable},
        counts=is_whole,
    )
    left_out = sorted({*absent, *unusable})
    still_absent = exceptions.unended_subjects(tx, kind) - set(rows.skus)
    exceptions.resolve_kind(tx, kind, except_subjects={*left_out, *still_absent})
    lacks = "does not list" if is_whole else "has no usable row of"
    problems = [_left_out(sku, unusable.get(sku), taken_at, lacks) for sku in left_out]
    exceptions.open_or_refresh(tx, problems)


def _update_overpromised(tx: Transaction, taken_at: datetime, rows: SnapshotRows) -> None:
    kind, problems = ExceptionKind.NEGATIVE_AVAILABLE, _overpromised(rows, taken_at)
    subjects = {problem.subject for problem in problems}
    # Of a SKU that the feed leaves out nothing new is known, unless neither system has it any more.
    left_out = exceptions.unended_subjects(tx, kind) - set(rows.skus)
    if left_out:
        left_out &= {row.sku for row in rows.bad} | set(catalogues.active_centra_skus(tx))
    exceptions.resolve_kind(tx, kind, except_subjects=subjects | left_out)
    exceptions.open_or_refresh(tx, problems)


def _refused(facts: SnapshotFacts, verdict: Verdict) -> Problem:
    reasons = "; ".join(refusal.message for refusal in verdict.refusals)
    message = f"Whistl's stock of {facts.taken_at:%H:%M} UTC was not used: {reasons}."
    return about_the_feed(facts.snapshot_id, message)


def _left_out(sku: str, unusable: BadRow | None, taken_at: datetime, lacks: str) -> Problem:
    reason = f"{lacks} {sku}, which the snapshot before it listed"
    if unusable is not None:
        reason = f"cannot be used for {sku}: {unusable.message}"
    return Problem(
        kind=ExceptionKind.SKU_ABSENT_FROM_SNAPSHOT,
        subject_type=SubjectType.SKU,
        subject=sku,
        field=unusable.field if unusable else "sku",
        value=unusable.value if unusable else sku,
        message=(
            f"Whistl's stock of {taken_at:%H:%M} UTC {reason}. Its quantity in Centra was "
            "left unchanged."
        ),
        # Each feed has another time, and may have another unusable figure.
        contents=f"absent: {unusable.field if unusable else 'sku'}",
    )


def _overpromised(rows: SnapshotRows, taken_at: datetime) -> list[Problem]:
    available = np.asarray(rows.stock.available)
    return [
        Problem(
            kind=ExceptionKind.NEGATIVE_AVAILABLE,
            subject_type=SubjectType.SKU,
            subject=rows.skus[at],
            field="available",
            value=str(available[at]),
            message=(
                f"Whistl's stock of {taken_at:%H:%M} UTC shows {-available[at]} more of "
                f"{rows.skus[at]} promised than it holds."
            ),
        )
        for at in np.flatnonzero(available < 0).tolist()
    ]
