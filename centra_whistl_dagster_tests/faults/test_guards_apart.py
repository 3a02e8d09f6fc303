"""Where two guards cover each other, each holds with the others off.

| what must not happen | guards |
| --- | --- |
| an order sent twice | our look-up; Whistl's check of the number; the idempotency key |
| a parcel completed twice | the lease of Centra's stock; the claim of the parcel |
| a parcel completed twice | what the ledger holds; what Centra shows |
| a despatch applied twice | the cursor of the feed; what was kept of each message |
| a held order sent | intake; the reading just before sending |
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa

from centra_whistl_dagster.ledger import engine, state
from centra_whistl_dagster.ledger.engine import LeaseTaken
from centra_whistl_dagster.ledger.tables import parcels
from centra_whistl_dagster.simulator.centra.rules import touch
from centra_whistl_dagster.simulator.world.world import CentraOrder
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders import handover
from centra_whistl_dagster.workflows.shipments import attempts, completion
from centra_whistl_dagster_tests.faults.exploring import explore, submission
from centra_whistl_dagster_tests.faults.installation import AllWell, Installation, installed
from centra_whistl_dagster_tests.faults.judging import judge
from centra_whistl_dagster_tests.faults.wire import Call, Fault

NO_LOOK_UP: dict[str, Any] = {"lag_seconds": 0, "pause": 1.0}
"""A look-up that comes before Whistl shows the order finds nothing: as good as none."""


@pytest.mark.parametrize(
    "only_guard",
    [
        pytest.param({}, id="our look-up"),
        pytest.param(
            {**NO_LOOK_UP, "switches": {"whistl_accepts_repeated_numbers": False}},
            id="Whistl's check of the number",
        ),
        pytest.param(
            {**NO_LOOK_UP, "switches": {"whistl_ignores_idempotency_key": False}},
            id="the idempotency key",
        ),
    ],
)
def test_one_guard_is_enough_for_an_order_to_be_sent_once(only_guard: dict[str, Any]) -> None:
    lived = list(explore(partial(submission, **only_guard), most_faults=1))

    assert [each for each in lived if each.verdict.twice] == []
    assert len(lived) > 15


class AnotherProcess(AllWell):
    """Lets another process complete shipments just before the first one's request arrives."""

    def __init__(self) -> None:
        self.desk: Installation | None = None
        self.has_run = False

    def of_call(self, call: Call) -> Fault | None:
        if call.operation == "CreateShipment" and self.desk is not None and not self.has_run:
            self.has_run = True
            try:
                completion.complete_shipments(self.desk.process_of_its_own())
            except LeaseTaken:
                return None
        return None


@contextmanager
def one_has_left(fates: AnotherProcess | AllWell) -> Iterator[tuple[Installation, CentraOrder]]:
    """Send one order and let it leave; nobody here has heard of it yet."""
    with installed(fates, world_settings={"several_parcels_share": 0.0}) as desk:
        order = desk.order()
        desk.leave_the_building([order])
        yield desk, order


def complete_in_two_processes() -> int:
    """Complete one parcel in two processes at once; return how often Centra was asked to.

    Centra would refuse the second time, since no unit is left: one more guard, not counted on.
    """
    other = AnotherProcess()
    with one_has_left(other) as (desk, order):
        other.desk = desk
        desk.relay_despatches()
        assert other.has_run
        assert len(order.shipments) == 1
        return desk.world.calls["centra createShipment"]


@contextmanager
def _alone_or_not(link: Link, name: str, *, seconds: float) -> Iterator[engine.Lease]:
    yield engine.Lease(name=name, holder=link.holder, seconds=seconds)


@pytest.fixture
def without_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Link, "alone", _alone_or_not)
    monkeypatch.setattr(engine.Lease, "renew", lambda *_: None)


@pytest.fixture
def without_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "CLAIM_LASTS", timedelta())
    monkeypatch.setattr(attempts, "wait_out", lambda *_: None)


@pytest.mark.usefixtures("without_lease")
def test_the_claim_alone_keeps_two_processes_from_completing_a_parcel_twice() -> None:
    assert complete_in_two_processes() == 1


@pytest.mark.usefixtures("without_claim")
def test_the_lease_alone_keeps_two_processes_from_completing_a_parcel_twice() -> None:
    assert complete_in_two_processes() == 1


@pytest.mark.usefixtures("without_lease", "without_claim")
def test_with_neither_guard_two_processes_do_ask_twice() -> None:
    assert complete_in_two_processes() == 2


def test_a_ledger_that_forgot_a_completed_parcel_finds_it_in_centra() -> None:
    with one_has_left(AllWell()) as (desk, order):
        desk.relay(3)
        assert order.status == "SHIPPED"
        with desk.link.ledger.transaction() as tx:
            forgotten = {"state": "open", "centra_shipment_id": None, "due_at": None}
            tx.execute(sa.update(parcels).values(**forgotten))

        desk.relay(3)

        assert len(order.shipments) == 1
        assert judge(desk).is_good


def test_a_feed_read_again_from_its_beginning_changes_nothing() -> None:
    with one_has_left(AllWell()) as (desk, order):
        desk.relay(3)
        before = desk.effects()
        with desk.link.ledger.transaction() as tx:
            state.set_to(tx, state.WHISTL_DESPATCHES, "")

        desk.relay(3)

        assert desk.effects() == before
        assert len(order.shipments) == 1


def hold(desk: Installation, order: CentraOrder) -> None:
    desk.wait(1)
    order.is_on_hold = True
    touch(desk.world, order)


def send(desk: Installation) -> None:
    handover.hand_over(desk.link)


@pytest.mark.parametrize("then", [Installation.relay_orders, send])
def test_a_held_order_is_not_sent_whether_intake_reads_it_first_or_not(
    then: Callable[[Installation], None],
) -> None:
    with installed(AllWell()) as desk:
        order = desk.order()
        desk.make_ready(order)
        hold(desk, order)

        then(desk)

        assert desk.at_whistl(order) == 0
