"""After a gap, every order that Whistl has and the ledger does not know is taken over."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from itertools import repeat
from pathlib import Path
from typing import Any, cast

import pytest

from centra_whistl_dagster.domain.generations import Beginning
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import orders
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.simulator.centra.permissions import ALL_PERMISSIONS
from centra_whistl_dagster.simulator.centra.rules import add_shipment, in_no_shipment, ship
from centra_whistl_dagster.simulator.world.settings import CentraToken
from centra_whistl_dagster.simulator.world.world import CentraOrder
from centra_whistl_dagster.whistl.client import UnreadableOrderView, WhistlClient, WhistlOrderView
from centra_whistl_dagster.workflows.access import CallGroup, allow_again
from centra_whistl_dagster.workflows.continuity import keep_alive
from centra_whistl_dagster.workflows.orders import after_gap, found_after_gap
from centra_whistl_dagster.workflows.orders.after_gap import account_for_gap
from centra_whistl_dagster.workflows.orders.statuses import apply_view
from centra_whistl_dagster.workflows.shipments import completion
from centra_whistl_dagster_tests.workflows.conftest import Desk
from centra_whistl_dagster_tests.workflows.restore.test_generations import (
    newest,
    running,
    stock_writes,
)

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


class BusyWhistl:
    """Whistl, with very many orders of other channels changed before ours."""

    def __init__(self, client: WhistlClient) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def orders_updated_since(self, since: datetime | None) -> Iterator[object]:
        other = UnreadableOrderView(order_number="SHOP-7", field="status", detail="is missing")
        yield from repeat(other, 25_000)
        yield from self._client.orders_updated_since(since)


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


def test_an_order_that_cannot_be_taken_over_does_not_keep_later_ones_out(
    desk: Desk, lose: Lose, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(after_gap, "_TOGETHER", 1)
    stranger, *placed = lose()
    del desk.world.orders[stranger.order_id]

    go_on(desk, 12)

    assert known(desk, placed) == [True] * 2
    assert newest(desk).accounted_for_at is not None


def test_a_sweep_of_several_rounds_counts_from_its_beginning(
    desk: Desk, lose: Lose, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An order that Whistl shows late may stand before those that were tried already."""
    monkeypatch.setattr(after_gap, "_TOGETHER", 1)
    late, *placed = lose()
    hidden = desk.world.whistl_orders.pop(desk.world.whistl_number(late))
    keep_alive(desk.link)
    desk.relay_orders()
    assert known(desk, placed) == [True, False]
    desk.world.whistl_orders[hidden.order_number] = hidden
    began_at = newest(desk).began_at
    desk.wait((began_at - desk.clock()).total_seconds() + 121)

    go_on(desk, 12)

    assert known(desk, [late, *placed]) == [True] * 3


def test_the_list_of_a_busy_warehouse_is_read_to_its_end(desk: Desk, lose: Lose) -> None:
    placed = lose()
    keep_alive(desk.link)

    account_for_gap(replace(desk.link, whistl=cast("Any", BusyWhistl(desk.link.whistl))))

    assert known(desk, placed) == [True] * 3


def test_one_order_that_cannot_be_stored_is_reported_and_keeps_no_other_out(
    desk: Desk, lose: Lose, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, *placed = lose()

    def fails_for_one(tx: Transaction, centra_id: str, view: WhistlOrderView) -> None:
        if centra_id == bad.order_id:
            raise ValueError("a bug in our own code")
        apply_view(tx, centra_id, view)

    monkeypatch.setattr(found_after_gap, "apply_view", fails_for_one)
    go_on(desk, 12)
    reported = desk.problems(str(bad.number))
    is_open = newest(desk).accounted_for_at is None
    monkeypatch.undo()
    go_on(desk, 20)

    assert known(desk, placed) == [True] * 2
    assert (reported, is_open) == (["unreadable_record"], True)
    assert known(desk, [bad]) == [True]
    assert desk.problems() == []
    assert newest(desk).accounted_for_at is not None


def test_an_order_that_cannot_be_read_at_whistl_is_reported_and_keeps_the_gap_open(
    desk: Desk, lose: Lose
) -> None:
    bad, *placed = lose()
    desk.switch(whistl_damaged_views={desk.world.whistl_number(bad): {"status": None}})
    keep_alive(desk.link)
    tally = account_for_gap(desk.link)
    go_on(desk, 12)
    while_broken = (known(desk, [bad, *placed]), desk.problems(str(bad.number)))
    is_open = newest(desk).accounted_for_at is None
    desk.switch(whistl_damaged_views={})
    go_on(desk, 20)

    assert tally.failed == {"cannot be read at Whistl": 1}
    assert tally.is_balanced
    assert while_broken == ([False, True, True], ["unreadable_record"])
    assert is_open
    assert known(desk, [bad]) == [True]
    assert desk.problems() == []
    assert newest(desk).accounted_for_at is not None


def test_an_unreadable_order_that_turns_out_not_to_be_ours_is_reported_no_longer(
    desk: Desk, lose: Lose
) -> None:
    stranger, *_ = lose()
    del desk.world.orders[stranger.order_id]
    desk.switch(whistl_damaged_views={desk.world.whistl_number(stranger): {"status": None}})
    go_on(desk, 3)
    reported = desk.problems(str(stranger.number))
    desk.switch(whistl_damaged_views={})
    go_on(desk, 20)

    assert reported == ["unreadable_record"]
    assert desk.problems(str(stranger.number)) == []
    assert newest(desk).accounted_for_at is not None


def test_an_order_without_a_number_at_whistl_keeps_the_gap_open(desk: Desk, lose: Lose) -> None:
    bad, *_ = lose()
    desk.switch(whistl_damaged_views={desk.world.whistl_number(bad): {"order_number": None}})
    go_on(desk, 12)
    is_open = newest(desk).accounted_for_at is None
    desk.switch(whistl_damaged_views={})
    go_on(desk, 20)

    assert is_open
    assert known(desk, [bad]) == [True]
    assert newest(desk).accounted_for_at is not None


def test_a_lost_ledger_is_reported_until_whistl_was_asked_for_its_orders(desk: Desk) -> None:
    running(desk)
    placed = [desk.order() for _ in range(3)]
    desk.relay_orders()
    desk.link.ledger.close()
    shutil.rmtree(desk.environment["STATE_DIR"])
    desk.reopen()
    keep_alive(desk.link)
    desk.relay_orders()
    reported = (desk.problems(), desk.messages())

    go_on(desk, 12)

    assert newest(desk).reason is Beginning.NEW
    assert reported[0] == ["ledger_gap"]
    assert "was empty, and Whistl already had orders of this shop" in reported[1][0]
    assert {desk.state(order) for order in placed} == {OrderState.COMPLETED}
    assert desk.problems() == []


def test_a_first_installation_reports_no_gap(desk: Desk) -> None:
    running(desk)
    assert desk.problems() == []


def test_a_token_that_may_not_write_shipments_keeps_no_stock_from_being_written(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parcels are compared with Centra, which only reads; those that it has are completed."""
    monkeypatch.setattr(completion, "_AT_MOST", 1)
    running(desk)
    by_hand, *others = [desk.order((sku, 1)) for sku in desk.skus[:3]]
    desk.relay_orders()
    keep_alive(desk.link)
    token = desk.environment["CENTRA_TOKEN"]
    denied = CentraToken(permissions=ALL_PERMISSIONS - {"Shipment:write"})
    desk.world.settings.centra_tokens[token] = denied
    desk.wait_a_day()
    desk.relay_despatches()
    assert desk.problems() == ["credentials_refused"]
    units = in_no_shipment(by_hand)
    made = add_shipment(desk.world, by_hand, units, is_good_to_go=True, is_paid=True)
    ship(desk.world, by_hand, made, desk.clock(), send_email=True)
    desk.wait(600)
    before = stock_writes(desk)

    go_on(desk, 12)
    desk.world.shelves[desk.skus[30]].centra_physical += 1
    desk.sync_stock()

    assert newest(desk).accounted_for_at is not None
    assert stock_writes(desk) > before
    assert "ledger_gap" not in desk.problems()
    assert desk.state(by_hand) is OrderState.COMPLETED
    assert {desk.state(order) for order in others} == {OrderState.DESPATCHED}
    desk.world.settings.centra_tokens[token] = CentraToken()
    with desk.link.ledger.transaction() as tx:
        allow_again(tx, CallGroup.SHIPMENTS)
    desk.wait(900)
    desk.live_on(3)
    assert {desk.state(order) for order in others} == {OrderState.COMPLETED}
