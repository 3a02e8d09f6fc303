"""Who is told what of a stock snapshot, and when that is over.

Belongs here: exceptions about the feed and about single SKUs of it. Does not belong here: the
judgement (`domain.stock.guards`), or reading and keeping (`workflows.stock.snapshots`).
"""

from __future__ import annotations

import numpy as np

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, Problem, SubjectType
from centra_whistl_dagster.domain.stock.guards import Outcome, SnapshotFacts, Verdict
from centra_whistl_dagster.domain.stock.snapshot_rows import BadRow, SnapshotRows
from centra_whistl_dagster.ledger import catalogues, exceptions
from centra_whistl_dagster.ledger.engine import Row, Transaction
from centra_whistl_dagster.transport import ContractBroken
from centra_whistl_dagster.whistl.client import SnapshotHead
from centra_whistl_dagster.workflows.link import Link

LATEST = "latest"
"""The subject of exceptions about the feed as such: a refused feed is one trouble, not many."""


def tell_if_it_stands_still(link: Link, row: Row) -> None:
    """Tell of a feed whose newest snapshot has grown too old to be used."""
    age_minutes = (link.now() - row.taken_at).total_seconds() / 60
    if age_minutes <= link.configuration.stock.guard.oldest_minutes:
        return
    told = (
        f"Whistl has published no stock since {row.taken_at:%H:%M} UTC, {age_minutes:.0f} minutes "
        "ago."
    )
    with link.ledger.transaction() as tx:
        link.raise_exceptions(tx, [_about_the_feed(row.snapshot_id, told)])


def tell_of_unreadable(link: Link, head: SnapshotHead, error: ContractBroken) -> None:
    """Tell of a snapshot whose pages break the contract. The next that can be read closes it."""
    told = f"Whistl's stock of {head.taken_at:%H:%M} UTC cannot be read: {error.detail}."
    with link.ledger.transaction() as tx:
        link.raise_exceptions(tx, [_about_the_feed(head.snapshot_id, told)])


def tell(
    tx: Transaction,
    link: Link,
    facts: SnapshotFacts,
    verdict: Verdict,
    rows: SnapshotRows,
    absent: list[str],
) -> None:
    """Tell of a refused snapshot, or of single SKUs of a good one; close what is told no more.

    Args:
        tx: in which the snapshot is stored.
        link: the connection.
        facts: what was measured of it.
        verdict: what was made of it.
        rows: its rows.
        absent: SKUs of the last good one that it has no usable row of.
    """
    if verdict.outcome is Outcome.QUARANTINE:
        link.raise_exceptions(tx, [_refused(facts, verdict)])
        return
    exceptions.resolve(
        tx,
        SubjectType.SNAPSHOT,
        LATEST,
        kinds=[ExceptionKind.STOCK_SNAPSHOT_REFUSED],
        now=link.now(),
    )
    # A name that nobody knows is a garbled one: no later feed would list it and close what is told.
    missing = {*absent, *catalogues.active_centra_skus(tx)} - set(rows.skus)
    unusable = {row.sku: row for row in rows.bad if row.sku in missing}
    without = sorted({*absent, *unusable})
    exceptions.resolve_kind(
        tx,
        ExceptionKind.SKU_ABSENT_FROM_SNAPSHOT,
        except_subjects={*without, *_still_absent(tx, rows)},
        now=link.now(),
    )
    overpromised = _overpromised(rows, facts)
    exceptions.resolve_kind(
        tx,
        ExceptionKind.NEGATIVE_AVAILABLE,
        except_subjects={problem.subject for problem in overpromised},
        now=link.now(),
    )
    left_out = [_left_out(sku, unusable.get(sku), facts) for sku in without]
    link.raise_exceptions(tx, [*left_out, *overpromised])


def _still_absent(tx: Transaction, rows: SnapshotRows) -> set[str]:
    open_now = exceptions.open_subjects(tx, ExceptionKind.SKU_ABSENT_FROM_SNAPSHOT)
    return open_now - set(rows.skus)


def _refused(facts: SnapshotFacts, verdict: Verdict) -> Problem:
    why = "; ".join(refusal.message for refusal in verdict.refusals)
    told = f"Whistl's stock of {facts.taken_at:%H:%M} UTC was not used: {why}."
    return _about_the_feed(facts.snapshot_id, told)


def _about_the_feed(snapshot_id: str, told: str) -> Problem:
    return Problem(
        kind=ExceptionKind.STOCK_SNAPSHOT_REFUSED,
        subject_type=SubjectType.SNAPSHOT,
        subject=LATEST,
        field="stock",
        value=snapshot_id,
        message=f"{told} Centra keeps the last good figures.",
    )


def _left_out(sku: str, unusable: BadRow | None, facts: SnapshotFacts) -> Problem:
    why = f"does not list {sku}, which was there before"
    if unusable is not None:
        why = f"cannot be used for {sku}: {unusable.message}"
    return Problem(
        kind=ExceptionKind.SKU_ABSENT_FROM_SNAPSHOT,
        subject_type=SubjectType.SKU,
        subject=sku,
        field=unusable.field if unusable else "sku",
        value=unusable.value if unusable else sku,
        message=(
            f"Whistl's stock of {facts.taken_at:%H:%M} UTC {why}. Its quantity in Centra was left "
            "as it is."
        ),
    )


def _overpromised(rows: SnapshotRows, facts: SnapshotFacts) -> list[Problem]:
    available = np.asarray(rows.stock.available)
    return [
        Problem(
            kind=ExceptionKind.NEGATIVE_AVAILABLE,
            subject_type=SubjectType.SKU,
            subject=rows.skus[at],
            field="available",
            value=str(available[at]),
            message=(
                f"Whistl's stock of {facts.taken_at:%H:%M} UTC shows {-available[at]} more of "
                f"{rows.skus[at]} promised than it holds."
            ),
        )
        for at in np.flatnonzero(available < 0).tolist()
    ]
