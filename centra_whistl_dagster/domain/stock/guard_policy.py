"""What operators set for the guards on a stock feed, and the limits of each measure that follow.

Does not belong here: limits learnt from history (`feed_limits`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from centra_whistl_dagster.domain.stock.feed_movement import Measure

A_DAY, A_WEEK = timedelta(days=1), timedelta(days=7)
_LEAST_UNITS = 0.05
"""A fall of units up to this share is never suspect, however steady the past was."""


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
    rise_share_a_week: float = 0.33
    changed_share: float = 0.10
    """SKUs with fewer units than our orders explain, and SKUs with more."""
    goods_in_share_a_day: float = 0.15
    """SKUs with at least five units more, net of goods-in that Whistl announced as on order."""
    goods_in_share_a_week: float = 0.40
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
    second_person_units: int = 500
    """The release of a refused snapshot that changes more units in Centra takes a second person."""


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
        return {A_DAY: self.a_day, A_WEEK: self.a_week}


def rules(policy: GuardPolicy) -> dict[Measure, Rule]:
    """Return the limits that operators set, measure by measure."""
    skus, units = policy.always_allowed_skus, policy.always_allowed_units
    changed = Rule(
        default=policy.changed_share,
        floor=policy.changed_share / 2,
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
        Measure.LEAPT: replace(
            changed,
            floor=policy.changed_share,
            a_day=policy.goods_in_share_a_day,
            a_week=policy.goods_in_share_a_week,
        ),
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
