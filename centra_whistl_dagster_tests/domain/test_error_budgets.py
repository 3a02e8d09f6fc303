"""How much of a service level's error budget is used."""

from __future__ import annotations

import pytest

from centra_whistl_dagster.domain.service_targets import ErrorBudget


@pytest.mark.parametrize(
    ("measured", "met", "wanted", "used", "is_kept"),
    [(100, 95, 95, 1.0, True), (100, 94, 95, 1.2, False), (200, 200, 95, 0.0, True)],
)
def test_the_budget_is_what_may_miss_the_target(
    measured: int, met: int, wanted: int, used: float, is_kept: bool
) -> None:
    budget = ErrorBudget(measured=measured, met=met, wanted_percent=wanted)

    assert budget.share_used == pytest.approx(used)
    assert budget.is_kept is is_kept


def test_a_target_that_nothing_may_miss_has_no_budget() -> None:
    budget = ErrorBudget(measured=10, met=9, wanted_percent=100)

    assert budget.share_used is None
    assert not budget.is_kept
