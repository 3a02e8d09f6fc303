"""A restored ledger repeats nothing, and loses nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from centra_whistl_dagster_tests.faults.days import _cancel, _edit, _hold, _unlock
from centra_whistl_dagster_tests.faults.restoring import AGES, HABITS, Way, drilled, table
from centra_whistl_dagster_tests.faults.wire import Died
from centra_whistl_dagster_tests.workflows.conftest import PROJECT


@pytest.mark.parametrize(
    "is_locking",
    [True, pytest.param(False, marks=pytest.mark.long)],
    ids=["locks", "no locks"],
)
@pytest.mark.parametrize("habit", HABITS)
@pytest.mark.parametrize("age", AGES)
def test_a_restored_ledger_sends_nothing_twice_and_loses_nothing(
    age: str, habit: str, is_locking: bool, tmp_path: Path
) -> None:
    with drilled(tmp_path, habit=habit, is_locking=is_locking) as drill:
        drill.lose(AGES[age])
        drill.restore(Way.FILE)
        assert drill.until_at_rest().faults() == {}


@pytest.mark.parametrize("way", [Way.COMMAND, Way.EVERYTHING])
@pytest.mark.parametrize("age", AGES)
def test_it_does_not_matter_how_the_old_ledger_came_back(
    age: str, way: Way, tmp_path: Path
) -> None:
    with drilled(tmp_path, habit="takes it as a second order") as drill:
        drill.lose(AGES[age])
        drill.restore(way)
        assert drill.until_at_rest().faults() == {}


@pytest.mark.parametrize("way", [Way.FILE, Way.COMMAND])
def test_what_people_did_after_the_backup_is_seen_and_nothing_goes_twice(
    way: Way, tmp_path: Path
) -> None:
    with drilled(tmp_path, habit="takes it as a second order") as drill:
        drill.back_up()
        placed = [drill.order() for _ in range(6)]
        drill.tick()
        # The last two are known to nobody here when the ledger is back.
        for act, order in zip((_edit, _cancel, _hold, _unlock), placed, strict=False):
            act(drill.desk, order)
            drill.touched.add(order.number)
        drill.restore(way)
        assert drill.until_at_rest().twice == []
        for order in placed[4:]:
            assert order.status == "SHIPPED"


def test_an_order_that_was_sent_again_under_its_next_number_is_known_under_it(
    tmp_path: Path,
) -> None:
    # Each is held for a person at first, so that it can still be stopped.
    held = {"whistl_lookup_lag_seconds": 0.0, "hold_after_accept_share": 1.0}
    with drilled(tmp_path, habit="takes it as a second order", switches=held) as drill:
        order = drill.order()
        drill.tick(wait=1)
        drill.back_up()
        _unlock(drill.desk, order)
        _edit(drill.desk, order)
        drill.touched.add(order.number)
        for _ in range(6):
            drill.tick(wait=2)
        numbers = [held.order_number for held in drill.desk.world.whistl_orders_of(order)]
        assert len(numbers) == 2
        drill.restore(Way.FILE)
        assert drill.until_at_rest().faults() == {}
        after = [held.order_number for held in drill.desk.world.whistl_orders_of(order)]
        assert after == numbers


def test_the_lag_that_is_assumed_is_waited_for_where_nobody_has_stated_one(tmp_path: Path) -> None:
    with drilled(
        tmp_path,
        habit="takes it as a second order",
        is_locking=False,
        switches={"whistl_lookup_lag_seconds": 840.0},
        environment={"WHISTL_LOOK_UP_LAG_SECONDS": ""},
    ) as drill:
        drill.lose(AGES["1 s"])
        drill.restore(Way.FILE)
        assert drill.until_at_rest().faults() == {}


def test_a_shipment_made_just_before_the_process_died_is_not_made_again(tmp_path: Path) -> None:
    with drilled(tmp_path, habit="takes it as a second order") as drill:
        drill.tick(orders=4)
        drill.back_up()
        drill.moments.count_anew(die_at=2, counted="CreateShipment")
        with pytest.raises(Died):
            drill.trade(rounds=40)
        drill.moments.count_anew()
        drill.restore(Way.FILE)
        assert drill.until_at_rest().faults() == {}
        for order in drill.desk.world.orders.values():
            assert all(line.shipped == line.quantity for line in order.lines)


def test_the_document_has_the_result_of_each_drill_above() -> None:
    text = (PROJECT / "docs" / "reliability.md").read_text(encoding="utf-8")
    _, _, rest = text.partition("<!-- restores: begin -->\n")
    shown, end, _ = rest.partition("<!-- restores: end -->")
    assert end
    assert shown.splitlines() == table()
