"""An upgrade: this release opens the files that the previous one left, and goes on with them.

The files are real ones, of commit 0fb87d8 (24 November 2026): its four ledger migrations and two of
the history. `release_files.py` says how to keep those of a release.
"""

from __future__ import annotations

import sqlite3
import tarfile
from pathlib import Path

import pytest

from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.history.publish import open_published
from centra_whistl_dagster.migrations import migrations_in
from centra_whistl_dagster.simulator.people.shoppers import ADA
from centra_whistl_dagster.simulator.world.world import CentraOrder
from centra_whistl_dagster.workflows.upkeep import history
from centra_whistl_dagster_tests.workflows.conftest import Desk
from centra_whistl_dagster_tests.workflows.upkeep.release_files import FILES, KEPT, a_morning

ROUNDS_OF_AN_HOUR = 60


def applied(ledger: Path) -> list[str]:
    connection = sqlite3.connect(ledger)
    names = connection.execute("SELECT name FROM applied_migrations ORDER BY name").fetchall()
    connection.close()
    return [name for (name,) in names]


@pytest.fixture
def previous(tmp_path: Path) -> Path:
    """The state folder as the previous release left it."""
    folder = tmp_path / "previous"
    with tarfile.open(FILES) as kept:
        kept.extractall(folder, filter="data")
    return folder


@pytest.fixture
def placed(desk: Desk, previous: Path) -> dict[str, list[CentraOrder]]:
    """Two systems in which the same morning has passed, beside the previous release's files."""
    placed = a_morning(desk)
    desk.reopen(STATE_DIR=str(previous))
    return placed


def test_the_files_are_of_an_older_release_and_are_brought_up_to_date(
    desk: Desk, previous: Path
) -> None:
    before = applied(previous / "ledger.db")

    desk.reopen(STATE_DIR=str(previous))

    known = sorted(migration.name for migration in migrations_in("centra_whistl_dagster.ledger"))
    assert {path.name for path in previous.iterdir()} >= set(KEPT)
    assert before == known[: len(before)]
    assert len(before) < len(known)
    assert applied(previous / "ledger.db") == known


def test_every_order_is_in_the_state_that_the_previous_release_left_it_in(
    desk: Desk, placed: dict[str, list[CentraOrder]]
) -> None:
    found = {state: {desk.state(order) for order in placed[state]} for state in placed}

    assert found == {state: {OrderState(state)} for state in placed}


def test_orders_under_way_are_finished_and_nothing_is_sent_twice(
    desk: Desk, placed: dict[str, list[CentraOrder]]
) -> None:
    under_way = [*placed["submitted"], *placed["in_doubt"]]
    desk.switch(whistl_accepts_repeated_numbers=True, whistl_ignores_idempotency_key=True)
    new = desk.order()

    desk.relay(ROUNDS_OF_AN_HOUR, every=60)

    every = [*placed["completed"], *under_way, new]
    assert [desk.at_whistl(order) for order in every] == [1] * len(every)
    assert {desk.state(order) for order in every} == {OrderState.COMPLETED}
    assert {desk.at_whistl(order) for order in placed["blocked"]} == {0}
    desk.assert_every_parcel_is_right()


def test_a_blocked_order_that_is_corrected_after_the_upgrade_goes(
    desk: Desk, placed: dict[str, list[CentraOrder]]
) -> None:
    (blocked,) = placed["blocked"]
    desk.wait(60)
    blocked.address = ADA | {"city": "York"}
    blocked.updated_at = desk.clock()

    desk.relay(5, every=60)

    assert desk.at_whistl(blocked) == 1


def test_the_history_keeps_what_was_in_it_and_takes_what_is_new(
    desk: Desk, placed: dict[str, list[CentraOrder]]
) -> None:
    desk.order()
    desk.relay(ROUNDS_OF_AN_HOUR, every=60)
    desk.sync_stock()
    file = history.open_history(desk.link)

    for step in (history.load_orders, history.load_exceptions, history.load_stock):
        assert all(loaded.failed == 0 for loaded in step(desk.link, file))
    history.publish_history(desk.link, file)

    with open_published(desk.link.settings.published_path) as reader:
        found = reader.row_counts()
    assert found["orders"] == sum(len(orders) for orders in placed.values()) + 1
    assert found["parcels"] == len(placed["completed"]) + len(placed["submitted"]) + 2
    assert found["loads"] > 3
