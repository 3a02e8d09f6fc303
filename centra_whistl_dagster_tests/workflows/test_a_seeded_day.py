"""Days on which everything happens at once, in any order: nothing is lost, doubled or invented.

One seed decides who shops, what goes wrong and which step runs when. A failing seed stays in the
list.
"""

from __future__ import annotations

import random
from contextlib import suppress

import pytest

from centra_whistl_dagster.ledger import orders
from centra_whistl_dagster.ledger.engine import LeaseTaken
from centra_whistl_dagster.simulator.people.behaviour import People
from centra_whistl_dagster.simulator.truth.scoreboard import is_drained
from centra_whistl_dagster.simulator.wire.fault_rules import FaultKind
from centra_whistl_dagster.simulator.world.world import CentraOrder, Settings
from centra_whistl_dagster.transport import IntegrationError
from centra_whistl_dagster.workflows.orders import intake
from centra_whistl_dagster.workflows.stock.reconciliation import NothingToReconcile
from centra_whistl_dagster_tests.workflows.conftest import Desk

STEPS = 70
WIRE_FAULTS = (
    FaultKind.LOSE_ANSWER_AFTER,
    FaultKind.ERROR_500_AFTER,
    FaultKind.EMPTY_200,
    FaultKind.TRUNCATE,
    FaultKind.ERROR_503_BEFORE,
    FaultKind.HTML_200,
    FaultKind.RATE_LIMITED,
)


@pytest.fixture
def settings(request: pytest.FixtureRequest) -> Settings:
    return Settings(
        seed=request.param,
        skus=40,
        speed=30,
        orders_per_minute=8.0,
        unseen_orders_per_minute=1.0,
        goods_in_per_minute=0.5,
        several_parcels_share=0.3,
        cancelled_share=0.1,
        hold_share=0.1,
        centra_limits=None,
        switches={
            "whistl_requests_per_minute": None,
            "whistl_accepts_repeated_numbers": True,
            "whistl_ignores_idempotency_key": True,
            "whistl_lookup_lag_seconds": 20.0,
            "centra_resume_touches_updated_at": False,
            "hold_after_accept_share": 0.1,
            "late_rejected_share": 0.05,
            "unknown_status_share": 0.1,
            "short_line_share": 0.1,
            "duplicate_despatch_share": 0.2,
            "out_of_order_despatch_share": 0.2,
            "corrected_tracking_share": 0.1,
            "null_tracking_share": 0.1,
            "no_tracking_share": 0.1,
            "despatch_without_carrier_share": 0.1,
            "quarantined_per_snapshot": 1,
        },
    )


def live_through_the_day(desk: Desk, seed: int) -> None:
    """Let people shop and steps run, in an order that the seed decides, over a faulty network."""
    rng = random.Random(f"{seed} day")  # noqa: S311 - decides a scenario, guards nothing
    people = People(desk.world)
    with desk.world.lock:
        people.open()
    for system in ("centra", "whistl"):
        for kind in WIRE_FAULTS:
            desk.fault(system, "*", kind, share=0.01)

    def sync_some_stock() -> None:
        desk.sync_stock(within_minutes=rng.choice((None, 1, 10)))

    steps = (desk.relay_orders, desk.relay_despatches, sync_some_stock)
    for _ in range(STEPS):
        desk.wait(rng.uniform(1, 20))
        with suppress(IntegrationError, LeaseTaken, NothingToReconcile):
            rng.choices(steps, weights=(5, 3, 2))[0]()
    with desk.world.lock:
        people.close()
    desk.world.faults.clear()


def settle(desk: Desk) -> None:
    """Let everything under way finish, then sync stock once more."""
    for _ in range(60):
        desk.relay()
        if is_drained(desk.world) and not intake.look_for_news(desk.link).orders:
            break
    intake.take_in_orders(desk.link, is_sweep=True)
    for _ in range(4):
        desk.relay(every=100)
    desk.wait(desk.world.settings.snapshot_seconds / desk.world.settings.speed)
    desk.relay_despatches()
    desk.sync_stock()


@pytest.mark.parametrize("settings", [1, pytest.param(2, marks=pytest.mark.long)], indirect=True)
def test_a_day_of_everything_loses_doubles_and_invents_nothing(
    desk: Desk, settings: Settings
) -> None:
    live_through_the_day(desk, settings.seed)
    settle(desk)

    truth = desk.truth()
    found = truth["orders"]
    assert found["confirmed"] > 70
    never = ("late", "duplicated", "strangers", "spoiled_but_sent", "shipments_wrong")
    assert {name: found[name] for name in never} == dict.fromkeys(never, 0)
    assert truth["shipments"]["parcels_completed"] > 40
    assert truth["stock"]["resurrected_units"] == 0
    assert truth["stock"]["unexplained"] == []
    assert sum(truth["faults"].values()) > 5
    assert_every_order_is_in_the_state_that_the_world_is_in(desk)


def assert_every_order_is_in_the_state_that_the_world_is_in(desk: Desk) -> None:
    """Conservation: each confirmed order is in one state, and it is the one the systems show."""
    confirmed = [order for order in desk.world.orders.values() if order.confirmed_at is not None]
    with desk.link.ledger.reading() as tx:
        rows = {order.number: orders.find(tx, order.order_id) for order in confirmed}
    states = {number: row.state for number, row in rows.items() if row is not None}
    expected = {order.number: what_the_systems_show(desk, order) for order in confirmed}
    for number in expected.keys() - states.keys():
        assert expected.pop(number) == "cancelled"  # before anybody here had seen it
    assert states == expected
    assert sum(desk.counts().values()) == len(expected)


def what_the_systems_show(desk: Desk, order: CentraOrder) -> str:
    is_cancelled = order.status == "CANCELLED"
    held = desk.world.whistl_orders.get(f"C{order.number}")
    if held is None or held.status in {"CANCELLED", "REJECTED"}:
        return "cancelled" if is_cancelled else "blocked"
    return "completed" if held.status == "DESPATCHED" else "submitted"
