"""What Centra allows: typed in by plan, or as `rateLimits` says it for this environment.

Source: https://centra.dev/integration-api/api-rate-limits. The quotas are shared by everything that
calls one environment, and Centra may lower them for a while.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from centra_whistl_dagster.centra.graphql import COMPLEXITY_UNIT
from centra_whistl_dagster.transport import Json, Quota
from centra_whistl_dagster.transport.fields import Fields

_RESOURCES = {
    "REQUEST_COUNT": ("requests", 1),
    "MUTATION_COUNT": ("mutations", 1),
    "QUERY_COMPLEXITY": ("complexity", COMPLEXITY_UNIT),
}
"""By Centra's type: our name of the resource, and how many of Centra's units one of ours is."""
_SECONDS = {"TEN_SECONDS": 10, "ONE_HOUR": 3600}


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaWindow:
    """One of the six windows that Centra counts in."""

    resource: str
    """`requests`, `mutations` or `complexity`."""
    seconds: int
    units: int
    """What Centra allows in that time; complexity in thousands."""
    used: int
    """Taken by everything that calls this environment, in the same units."""


def quota_windows(rows: Iterable[Json]) -> list[QuotaWindow]:
    """Read the windows that we know; of another type or length there may be more one day.

    A window that allows nothing is left out: nothing could be asked any more, not even whether it
    allows something again.

    Raises:
        BrokenRecord: a row is not as documented.
    """
    windows = []
    for row in rows:
        fields = Fields(row, "rateLimits")
        kind = fields.required_text("type")
        length = fields.required_text("intervalSeconds")
        quota, used = (fields.required_quantity(name) for name in ("quota", "usedQuota"))
        if quota > 0 and kind in _RESOURCES and length in _SECONDS:
            resource, unit = _RESOURCES[kind]
            window = QuotaWindow(
                resource=resource,
                seconds=_SECONDS[length],
                units=max(1, quota // unit),
                used=math.ceil(used / unit),
            )
            windows.append(window)
    return windows


def quotas_of(
    plan: Mapping[str, Sequence[Quota]], windows: Iterable[QuotaWindow]
) -> dict[str, list[Quota]]:
    """Return the quotas of a plan, each replaced by what Centra says of the same window."""
    by_window = {
        (resource, quota.seconds): quota for resource, quotas in plan.items() for quota in quotas
    }
    for window in windows:
        quota = Quota(units=window.units, seconds=window.seconds)
        by_window[window.resource, quota.seconds] = quota
    merged: dict[str, list[Quota]] = {}
    for (resource, _), quota in by_window.items():
        merged.setdefault(resource, []).append(quota)
    return merged
