"""Centra's quotas are read from Centra; the plan that is typed in serves where it does not say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from centra_whistl_dagster.ledger import state
from centra_whistl_dagster.simulator.wire.fault_rules import FaultKind
from centra_whistl_dagster.simulator.world.world import CentraLimits, Settings
from centra_whistl_dagster.workflows import quotas
from centra_whistl_dagster.workflows.upkeep.doctor import Finding, examine
from centra_whistl_dagster_tests.workflows.conftest import Desk

TIMES_THE_PLAN = 8
"""What this Centra allows, as a multiple of the Growth plan that is typed in."""
LACKING = pytest.mark.parametrize(
    "settings", [{"centra_shows_rate_limits": False}], indirect=True, ids=["lacking"]
)


@pytest.fixture
def settings(request: pytest.FixtureRequest) -> Settings:
    """A Centra that allows more than the plan that was typed in."""
    asked: dict[str, Any] = getattr(request, "param", {})
    limits = CentraLimits(
        requests_per_10_seconds=60 * TIMES_THE_PLAN, requests_per_hour=5_000 * TIMES_THE_PLAN
    )
    return Settings(
        seed=7,
        skus=40,
        speed=20,
        centra_limits=limits,
        switches={"whistl_requests_per_minute": None, **asked},
    )


@pytest.fixture
def shop(desk: Desk) -> Desk:
    desk.reopen(CENTRA_PLAN="growth")
    return desk


def an_hour(desk: Desk) -> int:
    requests = desk.link.centra.stock_requests_an_hour()
    assert requests is not None
    return requests


def refresh(desk: Desk) -> None:
    quotas.refresh(desk.link.centra, desk.link.ledger)


def keep(desk: Desk, windows: list[dict[str, Any]]) -> None:
    """Let the ledger hold quotas, as if they had been read a moment ago."""
    with desk.link.ledger.transaction() as tx:
        state.set_to(tx, state.CENTRA_QUOTAS, json.dumps(windows))


def readings(desk: Desk) -> int:
    return desk.world.calls["centra rateLimits"]


def finding(desk: Desk) -> Finding:
    (found,) = [one for one in examine(desk.link) if one.subject == "Centra: quotas"]
    return found


def test_what_centra_says_replaces_the_plan_here_and_in_every_later_process(shop: Desk) -> None:
    by_plan = an_hour(shop)

    refresh(shop)

    assert an_hour(shop) == by_plan * TIMES_THE_PLAN
    shop.reopen()
    assert an_hour(shop) == by_plan * TIMES_THE_PLAN
    assert readings(shop) == 1


def test_quotas_are_read_again_every_few_minutes_and_a_lower_one_holds(shop: Desk) -> None:
    by_plan = an_hour(shop)
    for _ in range(3):
        refresh(shop)
        shop.sleep(1)
    assert readings(shop) == 1

    shop.fault("centra", "rateLimits", FaultKind.ERROR_503_BEFORE)
    shop.sleep(quotas.READ_EVERY.total_seconds())
    refresh(shop)

    assert an_hour(shop) == by_plan * TIMES_THE_PLAN
    shop.world.faults.clear()
    refresh(shop)
    assert readings(shop) == 1
    shop.sleep(quotas.READ_EVERY.total_seconds())
    refresh(shop)
    assert readings(shop) == 2


def test_a_quota_that_leaves_no_request_to_read_it_again_gives_way_to_the_plan(
    shop: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    by_plan = an_hour(shop)
    keep(shop, [{"resource": "requests", "seconds": 3600, "units": 1, "used": 0}])
    shop.reopen()
    assert an_hour(shop) < by_plan
    shop.link.centra.count_open_orders()
    shop.sleep(quotas.READ_EVERY.total_seconds())

    refresh(shop)

    assert an_hour(shop) == by_plan
    assert "the quotas of the plan apply" in caplog.text
    shop.sleep(quotas.READ_EVERY.total_seconds())
    refresh(shop)
    assert an_hour(shop) == by_plan * TIMES_THE_PLAN


def test_quotas_that_another_release_kept_are_read_anew(shop: Desk) -> None:
    by_plan = an_hour(shop)
    keep(shop, [{"name": "requests", "allowed": 1}])

    shop.reopen()

    assert an_hour(shop) == by_plan
    shop.sleep(quotas.READ_EVERY.total_seconds())
    refresh(shop)
    assert an_hour(shop) == by_plan * TIMES_THE_PLAN


@LACKING
def test_a_centra_that_does_not_say_leaves_the_plan_and_doctor_says_so(shop: Desk) -> None:
    by_plan = an_hour(shop)

    refresh(shop)
    refresh(shop)

    assert an_hour(shop) == by_plan
    shown = finding(shop)
    assert shown.is_warning
    assert "CENTRA_PLAN=growth" in shown.detail


def test_doctor_does_not_call_the_plan_in_force_when_centra_could_not_be_asked(shop: Desk) -> None:
    refresh(shop)
    shop.fault("centra", "rateLimits", FaultKind.ERROR_503_BEFORE)

    shown = finding(shop)

    assert not shown.is_well
    assert shown.detail.startswith("Centra could not be asked; the quotas that were read last")
    assert "CENTRA_PLAN" not in shown.detail


def test_doctor_shows_what_centra_allows_and_what_is_used(shop: Desk) -> None:
    shown = finding(shop)

    assert (shown.is_well, shown.is_warning) == (True, False)
    assert "40,000 requests in 3,600 s" in shown.detail
    assert "30,000 thousand of query complexity in 3,600 s" in shown.detail
    assert "50%" in shown.detail
