"""How old each asset may be before Dagster shows it late, and what keeps that promise honest.

Relays run only when a sensor finds work, so the age of what they make says nothing by itself. What
makes it a promise is a sweep by the clock, which runs the same job with or without work: an asset
that is late means that the sweep does not run or does not succeed.
"""

from datetime import timedelta

import dagster as dg
from dagster._core.definitions.freshness import TimeWindowFreshnessPolicy

from centra_whistl_dagster.domain.london import LONDON
from centra_whistl_dagster.domain.stock.policy import StockPolicy


def _within(warn_minutes: int, fail_minutes: int) -> dg.FreshnessPolicy:
    return dg.FreshnessPolicy.time_window(
        warn_window=timedelta(minutes=warn_minutes), fail_window=timedelta(minutes=fail_minutes)
    )


def fails_after(policy: dg.FreshnessPolicy) -> timedelta:
    """Return the age at which one of the promises below is broken."""
    if not isinstance(policy, TimeWindowFreshnessPolicy):
        raise TypeError("a promise by the clock has no age")
    return policy.fail_window.to_timedelta()


ORDER_RELAY = _within(15, 30)
"""`sweep_of_orders` runs every 10 minutes; the limits allow for none and for one missed sweep."""

DESPATCH_RELAY = _within(75, 135)
"""`sweep_of_despatches` runs every hour; the limits allow for none and for one missed sweep."""

REFERENCE = _within(50, 90)
"""`reference_when_old` re-reads what is older than 30 minutes, and checks every 5."""

BALANCE = _within(15, 30)
"""`balance_every_five_minutes`; the limits allow for two and for five missed runs."""

HISTORY = _within(10, 30)
"""`history_every_two_minutes`; a first load of a large archive takes some minutes."""

OPERATIONS = _within(25, 45)
"""`operations_every_ten_minutes`; the limits allow for one and for three missed runs."""

DAILY = dg.FreshnessPolicy.cron(
    deadline_cron="30 7 * * *", lower_bound_delta=timedelta(minutes=30), timezone=LONDON.key
)
"""`daily_brief_at_seven`, London time: half an hour for the job to wait its turn and run."""


def of_stock(policy: StockPolicy) -> dg.FreshnessPolicy:
    """Return the promise for stock under the operators' own cadence and limits.

    A full sync is due at the longest interval of the ladder, if Whistl has published stock since
    the last one. Stock that Whistl does not renew grows as old as stock that is not synced, and
    past `oldest_minutes` no sync will use it: so that limit fails the asset, one interval later.
    """
    interval = policy.cadence.ladder_minutes[-1]
    warn = 2 * interval
    return _within(warn, max(warn, round(policy.guard.oldest_minutes)) + interval)
