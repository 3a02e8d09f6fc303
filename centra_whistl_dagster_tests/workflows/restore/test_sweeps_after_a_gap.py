"""After a gap, what Whistl has and the ledger does not know is taken over, whatever is in the way."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from centra_whistl_dagster.ledger import orders
from centra_whistl_dagster.simulator.world.world import CentraOrder
from centra_whistl_dagster.workflows.continuity import keep_alive
from centra_whistl_dagster_tests.workflows.conftest import Desk
from centra_whistl_dagster_tests.workflows.restore.test_generations import newest, running

Lose = Callable[..., list[CentraOrder]]


@pytest.fixture
def lose(desk: Desk) -> Lose:
    """Send orders, lock them in Centra, and put the copy of the ledger back that lacks them."""

    def lost(count: int = 3) -> list[CentraOrder]:
        running(desk)
        state = Path(desk.environment["STATE_DIR"])
        backup = state.with_name("backup")
        desk.link.ledger.close()
        shutil.copytree(state, backup)
        desk.reopen()
        placed = [desk.order() for _ in range(count)]
        go_on(desk, 2)
        assert all(order.is_locked for order in placed)
        seen = desk.link.settings.witness_path.read_bytes()
        desk.link.ledger.close()
        shutil.rmtree(state)
        shutil.copytree(backup, state)
        desk.link.settings.witness_path.write_bytes(seen)
        desk.wait(1_800)
        desk.reopen()
        return placed

    return lost


def go_on(desk: Desk, rounds: int) -> None:
    for _ in range(rounds):
        keep_alive(desk.link)
        desk.relay(every=40)


def known(desk: Desk, placed: Iterable[CentraOrder]) -> list[bool]:
    """Which of these orders the ledger has."""
    with desk.link.ledger.reading() as tx:
        return [orders.find(tx, order.order_id) is not None for order in placed]


def test_a_second_gap_before_the_first_is_accounted_for_begins_where_the_first_did(
    desk: Desk, lose: Lose
) -> None:
    placed = lose()
    keep_alive(desk.link)
    first = newest(desk)
    desk.wait(1_800)
    keep_alive(desk.link)
    assert newest(desk).id > first.id

    go_on(desk, 12)

    assert newest(desk).last_known_at == first.last_known_at
    assert known(desk, placed) == [True] * 3
    assert desk.problems() == []
