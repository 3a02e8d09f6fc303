"""What Centra says of its quotas never stops every call of ours."""

from __future__ import annotations

from centra_whistl_dagster.centra.quotas import quota_windows
from centra_whistl_dagster.transport import Json


def row(kind: str, quota: int) -> Json:
    return {"type": kind, "intervalSeconds": "ONE_HOUR", "quota": quota, "usedQuota": 0}


def test_a_quota_of_nothing_is_left_to_the_plan() -> None:
    windows = quota_windows([row("REQUEST_COUNT", 0), row("MUTATION_COUNT", 7)])

    assert [(window.resource, window.units) for window in windows] == [("mutations", 7)]


def test_a_quota_of_less_complexity_than_our_unit_allows_one_unit() -> None:
    (window,) = quota_windows([row("QUERY_COMPLEXITY", 999)])

    assert window.units == 1
