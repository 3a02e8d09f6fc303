"""Every schedule of up to two faults for one order, with the real code over real HTTP.

At each point where the process can die or a call can fail, a fate is chosen; the exploration walks
through all of them, depth first. Whistl here stores a repeated number as a second order, ignores
idempotency keys and shows an order late, so that only this project keeps an order single.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import pytest
from pydantic import TypeAdapter

from centra_whistl_dagster.domain.orders.breaker import Breaker
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import breaker, state
from centra_whistl_dagster.simulator.world.world import CentraOrder
from centra_whistl_dagster.transport import NotSent, OutcomeUnknown
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders import intake, lag, look_up, screening, submission

if TYPE_CHECKING:
    from centra_whistl_dagster_tests.workflows.conftest import Desk

WELL = "goes well"
DIES_BEFORE, DIES_AFTER = "dies before", "dies after"
LOST_BEFORE, LOST_AFTER = "lost on the way there", "lost on the way back"
LATE = "arrives after the caller has left"
NOT_SENT = "cannot be sent"

SHOWN_AFTER_SECONDS = 25.0
LATE_SECONDS = 4.0
MOST_ROUNDS = 14

Schedule = tuple[str, ...]


class Died(Exception):
    """The process ended here."""


class Fates:
    """Chooses what happens at each point: as the schedule says, and after its end all goes well."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self.taken: list[str] = []
        self.offered: list[tuple[str, ...]] = []

    def choose(self, *faults: str) -> str:
        place = len(self.taken)
        fate = self._schedule[place] if place < len(self._schedule) else WELL
        assert fate in (WELL, *faults), "a schedule must meet the same points each time"
        self.taken.append(fate)
        self.offered.append(faults)
        if fate == DIES_BEFORE:
            raise Died
        return fate


class FatefulLedger:
    def __init__(self, ledger: Any, fates: Fates) -> None:
        self._ledger, self._fates = ledger, fates

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        fate = self._fates.choose(DIES_BEFORE, DIES_AFTER)
        with self._ledger.transaction() as tx:
            yield tx
        if fate == DIES_AFTER:
            raise Died


class FatefulWhistl:
    """Whistl over a bad wire. To die around a call is to die beside the ledger's transactions."""

    def __init__(self, client: Any, fates: Fates, late: list[Callable[[], Any]]) -> None:
        self._client, self._fates, self._late = client, fates, late

    def submit_order(self, body: Any, *, idempotency_key: str) -> Any:
        def send() -> Any:
            return self._client.submit_order(body, idempotency_key=idempotency_key)

        fate = self._fates.choose(LOST_BEFORE, LOST_AFTER, LATE, NOT_SENT)
        if fate == NOT_SENT:
            raise NotSent(system="Whistl", operation="create_order", detail="refused")
        if fate == LATE:
            self._late.append(send)
        if fate in {LATE, LOST_BEFORE}:
            raise OutcomeUnknown(system="Whistl", operation="create_order", detail="silence")
        answer = send()
        if fate == LOST_AFTER:
            raise OutcomeUnknown(system="Whistl", operation="create_order", detail="cut off")
        return answer

    def find_order(self, number: str) -> Any:
        if self._fates.choose(LOST_BEFORE) == LOST_BEFORE:
            raise OutcomeUnknown(system="Whistl", operation="read_order", detail="silence")
        return self._client.find_order(number)


def forget_the_schedules_before(desk: Desk) -> None:
    """A schedule must meet the same points each time, whatever was learnt of Whistl before it."""
    with desk.link.ledger.transaction() as tx:
        breaker.keep(tx, Breaker())
        state.set_to(tx, state.LONGEST_LAG, "0")
        sample = lag.Sample(whistl_number="C1", accepted_at=tx.now, is_shown=True)
        state.set_to(tx, state.LAG_SAMPLE, TypeAdapter(lag.Sample).dump_json(sample).decode())


def live_through(
    desk: Desk, schedule: Schedule, between_rounds: float
) -> tuple[Fates, CentraOrder]:
    """Let one order be sent under a schedule of fates, and then until it has arrived."""
    forget_the_schedules_before(desk)
    order = desk.order()
    intake.take_in_orders(desk.link)
    screening.screen_waiting_orders(desk.link)
    fates = Fates(schedule)
    late: list[Any] = []
    link: Link = dataclasses.replace(
        desk.link,
        ledger=cast("Any", FatefulLedger(desk.link.ledger, fates)),
        whistl=cast("Any", FatefulWhistl(desk.link.whistl, fates, late)),
    )
    for _ in range(MOST_ROUNDS):
        try:
            look_up.resolve_orders_in_doubt(link)
            submission.submit_ready_orders(link)
        except Died:
            pass  # the next round is another process: it has nothing but the ledger
        if desk.state(order) == OrderState.SUBMITTED:
            break
        desk.clock.advance(LATE_SECONDS)
        while late:
            late.pop()()
        desk.clock.advance(between_rounds)
    return fates, order


def explore(
    desk: Desk, *, most_faults: int, between_rounds: float = 35.0
) -> dict[Schedule, CentraOrder]:
    """Live through every schedule of at most so many faults."""
    lived: dict[Schedule, CentraOrder] = {}
    pending: list[Schedule] = [()]
    while pending:
        schedule = pending.pop()
        fates, order = live_through(desk, schedule, between_rounds)
        assert tuple(fates.taken[: len(schedule)]) == schedule, f"not reached: {schedule}"
        lived[schedule] = order
        if sum(fate != WELL for fate in schedule) == most_faults:
            continue
        for place in range(len(schedule), len(fates.taken)):
            before = tuple(fates.taken[:place])
            pending += [(*before, fault) for fault in fates.offered[place]]
    return lived


@pytest.fixture(autouse=True)
def _whistl_that_shows_orders_late(desk: Desk) -> None:
    desk.switch(whistl_lookup_lag_seconds=SHOWN_AFTER_SECONDS)
    desk.world.settings.speed = 0.001  # nothing happens in the building meanwhile


def test_no_schedule_of_two_faults_loses_an_order_or_sends_it_twice(desk: Desk) -> None:
    lived = explore(desk, most_faults=2)

    held = {schedule: desk.at_whistl(order) for schedule, order in lived.items()}
    assert {schedule: count for schedule, count in held.items() if count != 1} == {}
    assert desk.counts() == {OrderState.SUBMITTED: len(lived)}
    assert len(lived) > 100
    met = {fate for schedule in lived for fate in schedule}
    assert met == {WELL, DIES_BEFORE, DIES_AFTER, LOST_BEFORE, LOST_AFTER, LATE, NOT_SENT}


def test_the_exploration_finds_the_duplicates_of_a_look_up_that_comes_too_early(desk: Desk) -> None:
    desk.reopen(WHISTL_LOOK_UP_LAG_SECONDS="0")

    lived = explore(desk, most_faults=1, between_rounds=1.0)

    twice = [schedule for schedule, order in lived.items() if desk.at_whistl(order) > 1]
    assert any(LOST_AFTER in schedule for schedule in twice)
