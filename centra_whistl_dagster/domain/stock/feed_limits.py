"""How much a snapshot may move before a person has to confirm it.

Every measure has a limit for one snapshot, learnt from the good ones before it, and some have a
limit for a day and for a week: a fault may come drop by drop, each drop below the limit. A person's
release begins all sums anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import islice
from statistics import median

from centra_whistl_dagster.domain.stock.feed_movement import Count, Counts, Measure, Movement


_A_DAY, _A_WEEK = timedelta(days=1), timedelta(days=7)
_DAYS_NEEDED = 3
_LEAST_UNITS = 0.05
"""A change of units up to this share is never suspect, however steady the past was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardPolicy:
    """What operators set. Shares are between 0 and 1."""

    oldest_minutes: float = 60.0
    least_rows_share: float = 0.95
    least_known_share: float = 0.95
    bad_rows_share: float = 0.01
    zeroed_share: float = 0.02
    """SKUs. Used until the history is long enough to learn a limit from."""
    zeroed_ceiling_share: float = 0.10
    """Whatever happened before, a person decides about more than this, at once or in a day."""
    zeroed_share_a_week: float = 0.15
    drop_share: float = 0.30
    """Units, at once or in a day. A longer history makes the limit for one snapshot stricter."""
    drop_share_a_week: float = 0.60
    rise_share: float = 0.20
    """Units, at once or in a day, net of goods-in that Whistl announced as on order."""
    rise_share_a_week: float = 0.60
    changed_share: float = 0.10
    """SKUs with fewer units than our orders explain, and SKUs with more."""
    allocated_share: float = 0.60
    """Units, of those that were allocated, net of our own orders."""
    undone_share: float = 0.10
    """Of the SKUs that our orders took units of lately, those that have such units back."""
    unmoved_share: float = 0.50
    """Of the SKUs that our orders moved, those that the snapshot shows as they were."""
    unallocated_share: float = 0.20
    """Of the SKUs that our orders hold in the building, those with too few allocated."""
    new_skus_share: float = 0.10
    most_units_of_a_sku: int = 100_000
    """A row with more is not used. Far above what any SKU of the shop ever has."""
    always_allowed_skus: int = 5
    """So that a small catalogue may sell out of a few SKUs."""
    always_allowed_units: int = 25
    """So that a shop with little stock left may sell it."""
    history_needed: int = 100
    """Good snapshots before limits are learnt: an extreme share is not known from a handful."""
    clock_tolerance_minutes: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """The limits of one measure."""

    default: float
    """Until the history is long enough."""
    floor: float
    """A share up to this one is never suspect, however steady the past was."""
    ceiling: float
    """However wild the past was."""
    always: int
    """So many are never suspect."""
    gap: float
    """The most after a long gap, in which more moves."""
    a_day: float | None = None
    a_week: float | None = None

    @property
    def over(self) -> dict[timedelta, float | None]:
        """The limits over several snapshots."""
        return {_A_DAY: self.a_day, _A_WEEK: self.a_week}


def rules(policy: GuardPolicy) -> dict[Measure, Rule]:
    """Return the limits that operators set, measure by measure."""
    skus, units = policy.always_allowed_skus, policy.always_allowed_units
    changed = Rule(
        default=policy.changed_share,
        floor=policy.changed_share / 3,
        ceiling=policy.changed_share,
        always=skus,
        gap=3 * policy.changed_share,
    )
    drop, rise = policy.drop_share, policy.rise_share
    return {
        Measure.ZEROED: Rule(
            default=policy.zeroed_share,
            floor=policy.zeroed_share,
            ceiling=max(policy.zeroed_share, policy.zeroed_ceiling_share),
            always=skus,
            gap=max(policy.zeroed_share, policy.zeroed_ceiling_share),
            a_day=policy.zeroed_ceiling_share,
            a_week=policy.zeroed_share_a_week,
        ),
        Measure.PLUNGED: Rule(
            default=policy.zeroed_share,
            floor=policy.zeroed_share,
            ceiling=max(policy.zeroed_share, policy.zeroed_ceiling_share),
            always=skus,
            gap=max(policy.zeroed_share, policy.zeroed_ceiling_share),
        ),
        Measure.FALLEN_SKUS: _fixed(policy.changed_share, skus, gap=3.0),
        Measure.RISEN_SKUS: changed,
        Measure.FALLEN_UNITS: Rule(
            default=drop,
            floor=min(drop, _LEAST_UNITS),
            ceiling=drop,
            always=units,
            gap=drop,
            a_day=drop,
            a_week=policy.drop_share_a_week,
        ),
        Measure.RISEN_UNITS: Rule(
            default=rise,
            # A delivery comes once a week: too seldom for a short history to know it.
            floor=rise / 2,
            ceiling=rise,
            always=units,
            gap=rise,
            a_day=rise,
            a_week=policy.rise_share_a_week,
        ),
        Measure.ALLOCATED_UNITS: _fixed(policy.allocated_share, 2 * units, gap=4.0),
        Measure.UNDONE: _fixed(policy.undone_share, skus, gap=3.0),
        Measure.UNMOVED: _fixed(policy.unmoved_share, skus, a_day=policy.unmoved_share),
        Measure.UNALLOCATED: _fixed(policy.unallocated_share, skus),
        Measure.NEW_SKUS: _fixed(policy.new_skus_share, skus),
    }


def _fixed(share: float, always: int, *, gap: float = 1.0, a_day: float | None = None) -> Rule:
    """Return a rule that learns nothing, and is so many times wider after a long gap."""
    return Rule(
        default=share, floor=share, ceiling=share, always=always, gap=gap * share, a_day=a_day
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What may happen between two snapshots a usual gap apart."""

    shares: Mapping[Measure, float]
    usual_gap_seconds: float | None = None
    """None until learnt."""
    a_day: Mapping[Measure, float] = field(default_factory=dict)
    """What may add up in a day, where that is learnt."""
    a_week: Mapping[Measure, float] = field(default_factory=dict)


def learn(history: Sequence[Movement], policy: GuardPolicy) -> Limits:
    """Set the limits from what good snapshots did before, or the defaults while that is too little.

    A limit is the larger of twice the largest share seen and six robust deviations (1.4826 x the
    median absolute deviation) above the median, between the measure's floor and ceiling.
    """
    gap = median(move.gap_seconds for move in history) if history else None
    known = rules(policy)
    if len(history) < policy.history_needed:
        return Limits(
            shares={each: rule.default for each, rule in known.items()}, usual_gap_seconds=gap
        )
    return Limits(
        shares={each: _learnt(each, rule, history) for each, rule in known.items()},
        usual_gap_seconds=gap,
        **_learnt_over_days(known, history),
    )


def _learnt(of: Measure, rule: Rule, history: Sequence[Movement]) -> float:
    shares = [move.counts[of].share for move in history if of in move.counts]
    usual = median(shares) if shares else 0.0
    deviation = 1.4826 * median(abs(share - usual) for share in shares) if shares else 0.0
    return min(rule.ceiling, max(rule.floor, usual + 6 * deviation, 2 * max(shares, default=0.0)))


def _learnt_over_days(
    known: Mapping[Measure, Rule], history: Sequence[Movement]
) -> dict[str, dict[Measure, float]]:
    """Learn what may add up, from whole days.

    In a day: twice the most of any day, between half of what operators set and all of it. In a
    week: ten times the usual day, between what operators set and twice that. The last day is left
    out: a fault that comes drop by drop would raise its own limit.
    """
    until = max(move.taken_at for move in history) - _A_DAY
    by_day: dict[date, list[Movement]] = {}
    for move in sorted(history, key=lambda move: move.taken_at):
        if move.taken_at <= until:
            by_day.setdefault(move.taken_at.date(), []).append(move)
    a_day, a_week = {}, {}
    for of, rule in known.items():
        if rule.a_day is None or rule.a_week is None or len(by_day) < _DAYS_NEEDED:
            continue
        totals = [
            _sum(of, [move.counts[of] for move in moves if of in move.counts]).share
            for moves in by_day.values()
        ]
        a_day[of] = min(rule.a_day, max(rule.a_day / 2, 2 * max(totals)))
        a_week[of] = min(2 * rule.a_week, max(rule.a_week, 10 * median(totals)))
    return {"a_day": a_day, "a_week": a_week}


@dataclass(frozen=True, slots=True, kw_only=True)
class Excess:
    """A measure that is beyond a limit."""

    measure: Measure
    count: Count
    limit: float
    since: timedelta | None = None
    """The time that it was added up over; None: in this snapshot alone."""


def excesses(
    counts: Counts,
    *,
    taken_at: datetime,
    gap_seconds: float,
    recent: Sequence[Movement],
    limits: Limits,
    policy: GuardPolicy,
) -> list[Excess]:
    """Return every limit that a snapshot exceeds, by itself or together with those before it.

    Args:
        counts: of the snapshot.
        taken_at: when it was taken.
        gap_seconds: since the last good one.
        recent: how far the good snapshots moved since the last one that a person released, oldest
            first.
        limits: for one snapshot.
        policy: what operators set.
    """
    found, known = [], rules(policy)
    wider = max(1.0, gap_seconds / limits.usual_gap_seconds) if limits.usual_gap_seconds else 1.0
    since_then = {
        since: [move for move in recent if move.taken_at > taken_at - since]
        for since in (_A_DAY, _A_WEEK)
    }
    for of, count in counts.items():
        rule, usual = known[of], limits.shares[of]
        # After a gap of hours more has moved than between two snapshots a quarter of an hour apart.
        tried = [Excess(measure=of, count=count, limit=min(usual * wider, max(usual, rule.gap)))]
        tried += [
            Excess(
                measure=of,
                count=_sum(of, [*(move.counts[of] for move in moves if of in move.counts), count]),
                limit=(limits.a_day if since == _A_DAY else limits.a_week).get(of, limit),
                since=since,
            )
            for since, moves in since_then.items()
            if (limit := rule.over[since]) is not None
        ]
        too_much = (
            excess
            for excess in tried
            if excess.count.hits > rule.always and excess.count.share > excess.limit
        )
        found += list(islice(too_much, 1))
    return found


def _sum(of: Measure, counts: Sequence[Count]) -> Count:
    """Add up a measure over several snapshots, oldest first.

    What our orders moved is another lot each time; stock is the same stock, as it was at first.
    """
    hits = sum(count.hits for count in counts)
    if of is Measure.UNMOVED:
        return Count(hits=hits, of=sum(count.of for count in counts))
    return Count(hits=hits, of=counts[0].of if counts else 0)
