"""The day that a mapping begins or ends on is London's: in summer it begins at 23:00 UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from centra_whistl_dagster.simulator.world.catalogue import POP_UP
from centra_whistl_dagster.simulator.world.clock import ManualClock

if TYPE_CHECKING:
    from centra_whistl_dagster_tests.workflows.conftest import Desk

TEN_TO_MIDNIGHT = datetime(2026, 6, 30, 22, 50, tzinfo=UTC)
FIRST_DAY, LAST_DAY = "2026-07-01", "2026-06-30"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(TEN_TO_MIDNIGHT)


def map_pop_up(desk: Desk, *, active_from: str = "", active_to: str = "") -> None:
    table = Path(desk.environment["CONFIG_DIR"]) / "shipping_services.csv"
    with table.open("a") as file:
        file.write(f"{POP_UP['name']},GB,,SIM-RMT,TRK48,{active_from},{active_to},ecommerce,\n")
    desk.reopen()


def test_a_mapping_holds_from_midnight_in_london(desk: Desk) -> None:
    map_pop_up(desk, active_from=FIRST_DAY)
    order = desk.order(option=POP_UP)
    desk.relay_orders()
    assert desk.at_whistl(order) == 0

    desk.wait(15 * 60)
    desk.relay_orders()

    assert desk.at_whistl(order) == 1


def test_a_mapping_holds_to_midnight_in_london_and_no_longer(desk: Desk) -> None:
    map_pop_up(desk, active_to=LAST_DAY)
    in_time = desk.order(option=POP_UP)
    desk.relay_orders()
    desk.wait(15 * 60)
    too_late = desk.order(option=POP_UP)

    desk.relay_orders()

    assert desk.at_whistl(in_time) == 1
    assert desk.at_whistl(too_late) == 0
