"""Whether a snapshot of Whistl's stock may be used.

A feed cut off between two records is perfectly valid JSON, so only its contents can show it. A
refused snapshot changes nothing in Centra: the last good numbers stay. One unreadable row is not a
reason to refuse the rest: its SKU stays as it is, like one that is absent.

Does not belong here: measuring a snapshot (`feed_movement`), how much of it is too much
(`feed_limits`), keeping and releasing a refused one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from centra_whistl_dagster.domain.stock.feed_limits import Excess, Limits, excesses
from centra_whistl_dagster.domain.stock.feed_movement import Counts, Measure, Movement
from centra_whistl_dagster.domain.stock.guard_policy import GuardPolicy


class RefusalReason(StrEnum):
    """What is wrong with a snapshot as a whole."""

    NOT_COMPLETE = "not_complete"  # Whistl itself says it is not finished
    ROWS_MISSING = "rows_missing"  # other than the number of rows that it announced
    EMPTY = "empty"
    OLDER_THAN_LAST = "older_than_last"  # one taken later was used already
    TOO_OLD = "too_old"
    FROM_THE_FUTURE = "from_the_future"  # a clock is wrong, so its age means nothing
    BAD_ROWS = (
        "bad_rows"  # more unreadable, repeated or self-contradicting rows than a slip explains
    )
    FEW_ROWS = "few_rows"  # fewer than the last good one had
    FEW_KNOWN_SKUS = "few_known_skus"  # SKUs of the last good one are gone
    MANY_TO_ZERO = "many_to_zero"  # more SKUs sold out than ever before
    LARGE_DROP = "large_drop"  # more units gone than ever before, of some SKUs or of all
    LARGE_RISE = "large_rise"  # more units added than ever before, and not announced
    MANY_CHANGES = "many_changes"  # more SKUs changed than sales and goods-in explain
    MANY_NEW_SKUS = "many_new_skus"  # SKUs with stock that were never named before
    OUR_ORDERS_UNDONE = "our_orders_undone"  # units that our orders took are back, or never went
    OUR_UNITS_NOT_ALLOCATED = "our_units_not_allocated"  # Whistl said that they were


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """A snapshot measured against what was known before it."""

    taken_at: datetime | None
    """When the last good one was taken; None where there is none, so that Centra's figures stand in
    for it."""
    rows: int
    """SKUs that it had usable rows of; those that were left out of it cannot be missed."""
    still_named: int
    """Of its SKUs, those that the new one names."""
    counts: Counts

    def movement(self, taken_at: datetime) -> Movement | None:
        """Say how far a snapshot taken at a moment has moved; None without a last good one."""
        if self.taken_at is None:
            return None
        gap = (taken_at - self.taken_at).total_seconds()
        return Movement(taken_at=taken_at, gap_seconds=gap, counts=self.counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotFacts:
    """What was measured of one snapshot."""

    snapshot_id: str
    taken_at: datetime
    is_complete: bool
    rows_announced: int | None
    """None when Whistl does not announce a number."""
    rows: int
    """Rows read, bad ones included."""
    bad_rows: int
    against: Against | None
    """None when nothing is known to compare it with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One reason not to use a snapshot, for the person who decides."""

    reason: RefusalReason
    message: str


class Outcome(StrEnum):
    """What to do with a snapshot."""

    USE = "use"
    QUARANTINE = "quarantine"  # keep it aside, leave Centra as it is, notify its owner


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What to do with a snapshot, with every reason."""

    outcome: Outcome
    refusals: tuple[Refusal, ...] = ()


_WORDS = {
    Measure.ZEROED: (
        RefusalReason.MANY_TO_ZERO,
        "{hits} of {of} SKUs in stock would sell out",
    ),
    Measure.PLUNGED: (
        RefusalReason.LARGE_DROP,
        "{hits} of {of} SKUs in stock would lose half their units or more",
    ),
    Measure.FALLEN_UNITS: (
        RefusalReason.LARGE_DROP,
        "{hits} of {of} available units would be gone",
    ),
    Measure.RISEN_UNITS: (
        RefusalReason.LARGE_RISE,
        "{hits} units would be added to the {of} available ones, net of goods-in on order",
    ),
    Measure.FALLEN_SKUS: (
        RefusalReason.MANY_CHANGES,
        "{hits} of {of} SKUs in stock would fall, beyond as many as our own orders moved",
    ),
    Measure.RISEN_SKUS: (
        RefusalReason.MANY_CHANGES,
        "{hits} of {of} SKUs would rise, net of our own orders and goods-in on order",
    ),
    Measure.LEAPT: (
        RefusalReason.MANY_CHANGES,
        "{hits} of {of} SKUs would gain five units or more, net of goods-in on order",
    ),
    Measure.ALLOCATED_UNITS: (
        RefusalReason.LARGE_DROP,
        "{hits} units would be allocated beside the {of} that were, net of our own orders",
    ),
    Measure.NEW_SKUS: (
        RefusalReason.MANY_NEW_SKUS,
        "{hits} SKUs with stock were never listed before, beside {of} known ones",
    ),
    Measure.UNDONE: (
        RefusalReason.OUR_ORDERS_UNDONE,
        "{hits} of the {of} SKUs that our orders took in the last days have such units back",
    ),
    Measure.UNMOVED: (
        RefusalReason.OUR_ORDERS_UNDONE,
        "{hits} of {of} movements of our own orders are not in it",
    ),
    Measure.UNALLOCATED: (
        RefusalReason.OUR_UNITS_NOT_ALLOCATED,
        "{hits} of the {of} SKUs that it holds for our orders have too few units allocated",
    ),
}


def judge(
    facts: SnapshotFacts,
    *,
    now: datetime,
    recent: Sequence[Movement],
    limits: Limits,
    policy: GuardPolicy,
) -> Verdict:
    """Judge a snapshot as it is read. How old it is by when it is written is judged again there.

    Args:
        facts: what was measured of it.
        now: the time.
        recent: how far the good snapshots moved since the last one that a person released.
        limits: learnt from the good ones.
        policy: what operators set.
    """
    refusals = [*_of_itself(facts, policy), *_of_its_age(facts, now, policy)]
    if facts.against:
        before = facts.against
        refusals += _of_its_coverage(facts.rows, before, policy)
        gap = (facts.taken_at - before.taken_at).total_seconds() if before.taken_at else 0.0
        beyond = excesses(
            before.counts,
            taken_at=facts.taken_at,
            gap_seconds=gap,
            recent=recent,
            limits=limits,
            policy=policy,
        )
        refusals += [_of_movement(excess) for excess in beyond]
    return Verdict(
        outcome=Outcome.QUARANTINE if refusals else Outcome.USE, refusals=tuple(refusals)
    )


def _of_movement(excess: Excess) -> Refusal:
    reason, words = _WORDS[excess.measure]
    over = f" within {excess.since.days * 24} hours" if excess.since else " at once"
    count = excess.count
    return _refusal(
        reason,
        f"{words.format(hits=count.hits, of=count.of)}{over} "
        f"({count.share:.1%}; at most {excess.limit:.1%} is usual)",
    )


def _of_itself(facts: SnapshotFacts, policy: GuardPolicy) -> list[Refusal]:
    refusals = []
    if not facts.is_complete:
        refusals.append(_refusal(RefusalReason.NOT_COMPLETE, "Whistl marks it as not complete"))
    if facts.rows_announced is not None and facts.rows != facts.rows_announced:
        refusals.append(
            _refusal(
                RefusalReason.ROWS_MISSING,
                f"{facts.rows} rows were read and {facts.rows_announced} announced",
            )
        )
    if facts.rows == 0:
        refusals.append(_refusal(RefusalReason.EMPTY, "it has no rows at all"))
    elif facts.bad_rows > max(1, policy.bad_rows_share * facts.rows):
        refusals.append(
            _refusal(
                RefusalReason.BAD_ROWS,
                f"{facts.bad_rows} of {facts.rows} rows cannot be used; "
                f"at most {policy.bad_rows_share:.1%} may",
            )
        )
    return refusals


def _of_its_age(facts: SnapshotFacts, now: datetime, policy: GuardPolicy) -> list[Refusal]:
    refusals = []
    age = now - facts.taken_at
    last = facts.against.taken_at if facts.against else None
    if last and facts.taken_at < last:
        refusals.append(
            _refusal(
                RefusalReason.OLDER_THAN_LAST,
                f"it was taken at {facts.taken_at:%H:%M:%S} UTC on {facts.taken_at:%d %B}, before "
                f"one of {last:%H:%M:%S} on {last:%d %B} "
                "that was already used",
            )
        )
    if age > timedelta(minutes=policy.oldest_minutes):
        refusals.append(
            _refusal(
                RefusalReason.TOO_OLD,
                f"it is {age.total_seconds() / 60:.0f} minutes old; "
                f"at most {policy.oldest_minutes:.0f} are allowed",
            )
        )
    if -age > timedelta(minutes=policy.clock_tolerance_minutes):
        refusals.append(
            _refusal(
                RefusalReason.FROM_THE_FUTURE,
                f"it says it will be taken in {-age.total_seconds() / 60:.0f} minutes: "
                "one of the clocks is wrong",
            )
        )
    return refusals


def _of_its_coverage(rows: int, against: Against, policy: GuardPolicy) -> list[Refusal]:
    refusals = []
    if rows < policy.least_rows_share * against.rows:
        refusals.append(
            _refusal(
                RefusalReason.FEW_ROWS,
                f"it has {rows} rows and the last good one had {against.rows}; "
                f"at least {policy.least_rows_share:.0%} are expected",
            )
        )
    if against.still_named < policy.least_known_share * against.rows:
        refusals.append(
            _refusal(
                RefusalReason.FEW_KNOWN_SKUS,
                f"it names {against.still_named} of the {against.rows} SKUs of the last good one; "
                f"at least {policy.least_known_share:.0%} are expected",
            )
        )
    return refusals


def _refusal(reason: RefusalReason, message: str) -> Refusal:
    return Refusal(reason=reason, message=message)
