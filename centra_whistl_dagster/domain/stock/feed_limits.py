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
from centra_whistl_dagster.domain.stock.guard_policy import (
    A_DAY,
    A_WEEK,
    GuardPolicy,
    Rule,
    rules,
)

LONGEST_SUM = A_WEEK
_DAYS_NEEDED = 3
_MORE_OVER = {None: 1, A_DAY: 3, A_WEEK: 4}
"""How many times as much as at once is never suspect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What may happen between two snapshots a usual gap apart."""

    shares: Mapping[Measure, float]
    usual_gap_seconds: float | None = None
    """None until learnt."""
    a_day: Mapping[Measure, float] = field(default_factory=dict)
    """What may add up in a day, where that is learnt."""
    a_week: Mapping[Measure, float] = field(default_factory=dict)
    usual_units: int = 0
    """In stock, most of the time. After a clear-out, goods-in is much beside what is left."""


def learn(
    history: Sequence[Movement], policy: GuardPolicy, *, released_at: datetime | None = None
) -> Limits:
    """Set the limits from what good snapshots did before, or the defaults while that is too little.

    What was usual before a person released a snapshot, `released_at`, is so no longer: after a
    clear-out the same sales are a larger share of what is left.

    A limit is the larger of twice the largest share seen and six robust deviations (1.4826 x the
    median absolute deviation) above the median, between the measure's floor and ceiling.
    """
    if not history:
        return Limits(shares={each: rule.default for each, rule in rules(policy).items()})
    gap = median(move.gap_seconds for move in history)
    units = int(median(move.counts[Measure.RISEN_UNITS].of for move in history))
    known = rules(policy)
    if released_at is not None:
        history = [move for move in history if move.taken_at > released_at]
    if len(history) < policy.history_needed:
        return Limits(
            shares={each: rule.default for each, rule in known.items()},
            usual_gap_seconds=gap,
            usual_units=units,
        )
    return Limits(
        shares={each: _learnt(each, rule, history) for each, rule in known.items()},
        usual_gap_seconds=gap,
        usual_units=units,
        **_learnt_over_days(known, history),
    )


def _learnt(of: Measure, rule: Rule, history: Sequence[Movement]) -> float:
    shares = [move.counts[of].share for move in history if of in move.counts]
    usual = median(shares) if shares else 0.0
    deviation = 1.4826 * median(abs(share - usual) for share in shares) if shares else 0.0
    return min(rule.ceiling, max(rule.floor, usual + 6 * deviation, 2 * max(shares, default=0.0)))


_BY_DELIVERY = frozenset({Measure.RISEN_UNITS, Measure.LEAPT})
"""Their limit for a day is not learnt: a delivery comes too seldom for a few days to know it."""


def _learnt_over_days(
    known: Mapping[Measure, Rule], history: Sequence[Movement]
) -> dict[str, dict[Measure, float]]:
    """Learn what may add up, from whole days.

    In a day: twice the most of any day, between half of what operators set and all of it. In a
    week: ten times the usual day, between what operators set and twice that. The last day is left
    out: a fault that comes drop by drop would raise its own limit.
    """
    until = max(move.taken_at for move in history) - A_DAY
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
        if of not in _BY_DELIVERY:
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
        for since in (A_DAY, A_WEEK)
    }
    for of, exact in counts.items():
        rule, usual = known[of], limits.shares[of]
        count = exact
        if of is Measure.RISEN_UNITS:
            count = Count(hits=exact.hits, of=max(exact.of, limits.usual_units))
        # After a gap of hours more has moved than between two snapshots a quarter of an hour apart.
        tried = [Excess(measure=of, count=count, limit=min(usual * wider, max(usual, rule.gap)))]
        tried += [
            Excess(
                measure=of,
                count=_sum(of, [*(move.counts[of] for move in moves if of in move.counts), count]),
                limit=(limits.a_day if since == A_DAY else limits.a_week).get(of, limit),
                since=since,
            )
            for since, moves in since_then.items()
            if (limit := rule.over[since]) is not None
        ]
        too_much = (
            excess
            for excess in tried
            if excess.count.hits > rule.always * _MORE_OVER[excess.since]
            and excess.count.share > excess.limit
        )
        found += list(islice(too_much, 1))
    return found


def _sum(of: Measure, counts: Sequence[Count]) -> Count:
    """Add up a measure over several snapshots, oldest first.

    What our orders moved is another lot each time; stock is the same stock.
    """
    hits = sum(count.hits for count in counts)
    if of is Measure.UNMOVED:
        return Count(hits=hits, of=sum(count.of for count in counts))
    return Count(hits=hits, of=max(counts[0].of, counts[-1].of) if counts else 0)
