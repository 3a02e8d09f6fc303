"""Whether a snapshot of Whistl's stock may be used.

A feed cut off between two records is perfectly valid JSON, so only its contents can show it. A
refused snapshot changes nothing in Centra: the last good numbers stay. One unreadable row is not a
reason to refuse the rest: its SKU stays as it is, like one that is absent.

Does not belong here: measuring a snapshot (`snapshot_rows`), keeping and releasing a refused one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import median


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
    MANY_TO_ZERO = "many_to_zero"  # more SKUs sold out at once than ever before
    LARGE_DROP = "large_drop"  # more units gone at once than ever before


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardPolicy:
    """What operators set. Shares are between 0 and 1."""

    oldest_minutes: float = 60.0
    least_rows_share: float = 0.95
    least_known_share: float = 0.95
    bad_rows_share: float = 0.01
    zeroed_share: float = 0.02
    """Used until the history is long enough to learn a limit from."""
    drop_share: float = 0.30
    """Used until the history is long enough to learn a limit from."""
    zeroed_ceiling_share: float = 0.10
    """Whatever happened before, a person decides about more than this."""
    always_allowed_skus: int = 5
    """So that a small catalogue may sell out of a few SKUs."""
    always_allowed_units: int = 25
    """So that a shop with little stock left may sell it."""
    history_needed: int = 100
    """Good snapshots before limits are learnt: an extreme share is not known from a handful."""
    clock_tolerance_minutes: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """How far one good snapshot had moved from the one before it."""

    zeroed_share: float
    """SKUs that had stock and have none, of those that had."""
    drop_share: float
    """Available units gone on balance, of those there were; 0 when they rose."""
    gap_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The most that may happen between two snapshots a usual gap apart."""

    zeroed_share: float
    drop_share: float
    usual_gap_seconds: float | None
    """None until learnt."""


_LEAST_DROP = 0.05
"""A drop up to this share is never suspect, however steady the past was."""


def learn(history: Sequence[Movement], policy: GuardPolicy) -> Limits:
    """Set the limits from what good snapshots did before, or the defaults while that is too little.

    The zeroed limit is twice the largest share seen, no less than the default and no more than its
    ceiling. The drop limit is six robust deviations (1.4826 x the median absolute deviation) above
    the median, no less than twice the largest seen, and never above the default: history can only
    make it stricter.
    """
    if len(history) < policy.history_needed:
        return Limits(
            zeroed_share=policy.zeroed_share,
            drop_share=policy.drop_share,
            usual_gap_seconds=median(move.gap_seconds for move in history) if history else None,
        )
    drops = [move.drop_share for move in history]
    usual = median(drops)
    deviation = 1.4826 * median(abs(drop - usual) for drop in drops)
    zeroed = max(policy.zeroed_share, 2 * max(move.zeroed_share for move in history))
    return Limits(
        zeroed_share=min(zeroed, max(policy.zeroed_share, policy.zeroed_ceiling_share)),
        drop_share=min(policy.drop_share, max(usual + 6 * deviation, 2 * max(drops), _LEAST_DROP)),
        usual_gap_seconds=median(move.gap_seconds for move in history),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """A snapshot measured against the last good one."""

    taken_at: datetime
    """When the last good one was taken."""
    rows: int
    """Rows that it had."""
    still_named: int
    """Of its SKUs, those that the new one names."""
    in_stock: int
    """Of the SKUs in both, those it had available."""
    zeroed: int
    """Of those, SKUs that the new one has none available of."""
    units_before: int
    """Units it had available of the SKUs in both, negative ones counted as none."""
    units_now: int


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
    """None when there is no good snapshot yet."""


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


def movement(against: Against, taken_at: datetime) -> Movement:
    """Say how far a snapshot has moved from the last good one."""
    return Movement(
        zeroed_share=against.zeroed / against.in_stock if against.in_stock else 0.0,
        drop_share=max(0, against.units_before - against.units_now) / against.units_before
        if against.units_before
        else 0.0,
        gap_seconds=(taken_at - against.taken_at).total_seconds(),
    )


def judge(facts: SnapshotFacts, *, now: datetime, limits: Limits, policy: GuardPolicy) -> Verdict:
    """Judge a snapshot. Judge it again just before its numbers are written: by then it has aged."""
    refusals = [*_of_itself(facts, policy), *_of_its_age(facts, now, policy)]
    if facts.against:
        refusals += _of_its_coverage(facts.rows, facts.against, policy)
        refusals += _of_its_movement(facts.taken_at, facts.against, limits, policy)
    return Verdict(
        outcome=Outcome.QUARANTINE if refusals else Outcome.USE, refusals=tuple(refusals)
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
    if facts.against and facts.taken_at < facts.against.taken_at:
        refusals.append(
            _refusal(
                RefusalReason.OLDER_THAN_LAST,
                f"it was taken at {facts.taken_at:%H:%M:%S} UTC on {facts.taken_at:%d %B}, before "
                f"one of {facts.against.taken_at:%H:%M:%S} on {facts.against.taken_at:%d %B} "
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


def _of_its_movement(
    taken_at: datetime, against: Against, limits: Limits, policy: GuardPolicy
) -> list[Refusal]:
    move = movement(against, taken_at)
    # After a gap of hours more has moved than between two snapshots a quarter of an hour apart.
    wider = max(1.0, move.gap_seconds / limits.usual_gap_seconds) if limits.usual_gap_seconds else 1
    zeroed = min(limits.zeroed_share * wider, max(limits.zeroed_share, policy.zeroed_ceiling_share))
    dropped = min(limits.drop_share * wider, max(limits.drop_share, policy.drop_share))
    refusals = []
    if against.zeroed > policy.always_allowed_skus and move.zeroed_share > zeroed:
        refusals.append(
            _refusal(
                RefusalReason.MANY_TO_ZERO,
                f"{against.zeroed} of {against.in_stock} SKUs in stock would sell out at once "
                f"({move.zeroed_share:.1%}; at most {zeroed:.1%} is usual)",
            )
        )
    gone = against.units_before - against.units_now
    if gone > policy.always_allowed_units and move.drop_share > dropped:
        refusals.append(
            _refusal(
                RefusalReason.LARGE_DROP,
                f"{gone} of {against.units_before} available units would be gone at once "
                f"({move.drop_share:.1%}; at most {dropped:.1%} is usual)",
            )
        )
    return refusals


def _refusal(reason: RefusalReason, message: str) -> Refusal:
    return Refusal(reason=reason, message=message)
