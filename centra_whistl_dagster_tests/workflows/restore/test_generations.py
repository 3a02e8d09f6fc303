"""When a generation of the ledger begins, and what waits after it has."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from centra_whistl_dagster.domain.generations import Beginning, Witness
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import generations, witness
from centra_whistl_dagster.ledger.rows import GenerationRow
from centra_whistl_dagster.ledger.witness import WitnessUnusable
from centra_whistl_dagster.workflows.continuity import keep_alive
from centra_whistl_dagster.workflows.due import orders_due, parcels_due
from centra_whistl_dagster.workflows.upkeep.doctor import Finding, examine
from centra_whistl_dagster_tests.workflows.conftest import Desk


def newest(desk: Desk) -> GenerationRow:
    with desk.link.ledger.reading() as tx:
        row = generations.newest(tx)
    assert row is not None
    return row


def running(desk: Desk) -> GenerationRow:
    """An installation that has begun, and found nothing before it."""
    keep_alive(desk.link)
    desk.relay_orders()
    return newest(desk)


def finding(desk: Desk) -> Finding:
    (found,) = [one for one in examine(desk.link) if one.subject == "Ledger generation"]
    return found


def test_a_first_installation_has_no_gap_and_sends_at_once(desk: Desk) -> None:
    placed = desk.order()
    keep_alive(desk.link)
    desk.relay_orders()
    assert newest(desk).reason is Beginning.NEW
    assert newest(desk).accounted_for_at is not None
    assert desk.state(placed) is OrderState.SUBMITTED


def test_a_lost_ledger_that_is_begun_anew_sends_nothing_again(desk: Desk) -> None:
    desk.switch(whistl_accepts_repeated_numbers=True, whistl_ignores_idempotency_key=True)
    running(desk)
    placed = [desk.order() for _ in range(3)]
    desk.relay_orders()
    for order in placed:
        order.is_locked = False
    desk.link.ledger.close()
    shutil.rmtree(desk.environment["STATE_DIR"])
    desk.reopen()
    for _ in range(6):
        keep_alive(desk.link)
        desk.relay(every=40)
    assert [desk.at_whistl(order) for order in placed] == [1, 1, 1]
    assert newest(desk).reason is Beginning.NEW
    assert {desk.state(order) for order in placed} <= {
        OrderState.SUBMITTED,
        OrderState.DESPATCHED,
        OrderState.COMPLETED,
    }


def test_an_order_held_while_a_lost_ledger_was_swept_is_looked_up_when_it_is_freed(
    desk: Desk,
) -> None:
    """Whistl's order has ended, so the sweep over unended orders does not name it."""
    desk.switch(whistl_accepts_repeated_numbers=True, whistl_ignores_idempotency_key=True)
    running(desk)
    placed = desk.order()
    desk.leave_the_building([placed])
    placed.is_locked = False
    placed.is_on_hold = True
    desk.link.ledger.close()
    shutil.rmtree(desk.environment["STATE_DIR"])
    desk.reopen()
    for _ in range(6):
        keep_alive(desk.link)
        desk.relay(every=40)
    assert desk.state(placed) is OrderState.WAITING
    assert newest(desk).reason is Beginning.NEW
    assert newest(desk).accounted_for_at is not None
    placed.is_on_hold = False
    placed.updated_at = desk.clock()
    for _ in range(6):
        keep_alive(desk.link)
        desk.relay(every=40)
    assert desk.at_whistl(placed) == 1
    assert desk.state(placed) is OrderState.COMPLETED


def test_an_order_at_whistl_that_cannot_be_read_proves_no_first_installation(desk: Desk) -> None:
    running(desk)
    placed = desk.order()
    desk.relay_orders()
    number = desk.world.whistl_number(placed)
    desk.switch(whistl_damaged_views={number: {"status_version": "none"}})
    desk.link.ledger.close()
    shutil.rmtree(desk.environment["STATE_DIR"])
    desk.reopen()
    keep_alive(desk.link)
    desk.relay_orders()
    assert newest(desk).accounted_for_at is None


def test_a_ledger_that_is_kept_alive_stays_in_its_generation(desk: Desk) -> None:
    first = running(desk)
    for _ in range(10):
        desk.wait(50)
        keep_alive(desk.link)
    assert newest(desk).token == first.token


def test_a_silence_of_more_than_two_minutes_begins_a_generation(desk: Desk) -> None:
    running(desk)
    desk.wait(121)
    keep_alive(desk.link)
    assert newest(desk).reason is Beginning.SILENT


def test_an_order_placed_after_the_gap_is_sent_at_once(desk: Desk) -> None:
    running(desk)
    desk.wait(600)
    keep_alive(desk.link)
    desk.wait(301)
    later = desk.order()
    desk.relay_orders()
    assert desk.state(later) is OrderState.SUBMITTED


def test_an_order_dated_in_the_future_is_looked_up_all_the_same(desk: Desk) -> None:
    running(desk)
    order = desk.order()
    desk.wait(600)
    order.created_at = desk.clock.advance(0).replace(year=2030)
    keep_alive(desk.link)
    desk.relay_orders()
    assert desk.state(order) is OrderState.IN_DOUBT
    assert desk.at_whistl(order) == 0


def test_a_blocked_order_of_before_the_gap_is_looked_up_when_it_is_freed(desk: Desk) -> None:
    """However long ago the gap was."""
    running(desk)
    held = desk.order()
    held.is_on_hold = True
    desk.relay_orders()
    desk.wait(600)
    keep_alive(desk.link)
    desk.wait(3_000)
    held.is_on_hold = False
    held.updated_at = desk.clock()
    before = desk.world.calls["whistl read_order"]
    desk.relay_orders()
    desk.relay_orders()
    assert desk.world.calls["whistl read_order"] > before
    assert desk.at_whistl(held) == 1


def test_a_damaged_witness_stops_everything_with_a_sentence(desk: Desk) -> None:
    running(desk)
    desk.link.settings.witness_path.write_text("{")
    with pytest.raises(WitnessUnusable, match=r"is damaged.*restore --mark"):
        keep_alive(desk.link)


def test_the_witness_never_goes_back(tmp_path: Path) -> None:
    path = tmp_path / "witness.json"
    for effects in (3, 12, 5):
        witness.note(path, Witness(token="t", effects=effects))
    assert witness.read(path) == Witness(token="t", effects=12)


def test_a_ledger_ahead_of_its_witness_goes_on(desk: Desk) -> None:
    """Another machine may have used it."""
    first = running(desk)
    with desk.link.ledger.transaction() as tx:
        generations.count_effect(tx)
    keep_alive(desk.link)
    assert newest(desk).token == first.token


def test_doctor_says_that_the_ledger_is_older_than_its_witness(desk: Desk) -> None:
    row = running(desk)
    seen = Witness(token=row.token, effects=99)
    witness.note(desk.link.settings.witness_path, seen)
    assert finding(desk).is_warning
    assert "older than its witness" in finding(desk).detail


def test_doctor_says_what_waits_until_the_gap_is_accounted_for(desk: Desk) -> None:
    running(desk)
    desk.order()
    desk.wait(300)
    keep_alive(desk.link)
    desk.relay_orders()
    assert finding(desk).is_warning
    assert "nothing ran for a while" in finding(desk).detail
    assert "1 orders on their way are looked up" in finding(desk).detail
    for _ in range(8):
        assert due_or_waiting(desk)
        desk.relay(every=40)
        keep_alive(desk.link)
    assert not finding(desk).is_warning
    assert "accounted for" in finding(desk).detail


def test_stock_is_not_written_before_parcels_are_compared_with_centra(desk: Desk) -> None:
    """An old ledger takes completed parcels for open, and would add their units once more."""
    running(desk)
    placed = desk.order_some(3)
    desk.relay_orders()
    desk.wait_a_day()
    keep_alive(desk.link)
    desk.world.shelves[desk.skus[30]].centra_physical += 1
    before = stock_writes(desk)
    desk.sync_stock()
    assert stock_writes(desk) == before
    desk.relay(4, every=45)
    desk.sync_stock()
    assert stock_writes(desk) > before
    assert [desk.at_whistl(order) for order in placed] == [1, 1, 1]


def due_or_waiting(desk: Desk) -> bool:
    """Say whether the ledger starts a relay by itself within two minutes, unless all is done."""
    if newest(desk).accounted_for_at is not None:
        return True
    due_at = newest(desk).sweep_due_at
    is_due = orders_due(desk.link).total + parcels_due(desk.link).total > 0
    return is_due or (due_at is not None and due_at - desk.clock() <= timedelta(minutes=2))


def stock_writes(desk: Desk) -> int:
    """How many quantities Centra has been given."""
    return sum(n for name, n in desk.effects().items() if "stock" in name)
