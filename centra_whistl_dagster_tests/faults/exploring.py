"""Every schedule of at most so many faults, for one order's submission and for one despatch.

At each point where the process can die or a call can fail, a fate is chosen. The exploration walks
through all schedules, depth first: one more fault at each point that the last run passed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.simulator.truth.scoreboard import is_drained
from centra_whistl_dagster.transport import IntegrationError
from centra_whistl_dagster.workflows.orders import handover
from centra_whistl_dagster_tests.faults.installation import Installation, installed
from centra_whistl_dagster_tests.faults.judging import Verdict, judge
from centra_whistl_dagster_tests.faults.wire import Call, Died, Fault

Schedule = tuple[Fault | None, ...]

AROUND_A_TRANSACTION = (Fault.DIES_BEFORE, Fault.DIES_AFTER)
READ_FAULTS = (Fault.LOST_BEFORE,)
WRITE_FAULTS = (
    Fault.LOST_BEFORE,
    Fault.LOST_AFTER,
    Fault.LATE,
    Fault.NOT_SENT,
    Fault.DIES_DURING,
)
"""What differs for us: refusals and broken answers are read as one of these (`transport`)."""
MOST_ROUNDS = 60
LEASE_SECONDS = 305.0
"""A dead process's lease has run out by then: each try to take it would be one more point."""


class Planned:
    """Follows a schedule, one entry for each point, and lets all go well after its end."""

    def __init__(self, schedule: Schedule = ()) -> None:
        self._schedule = schedule
        self._of_call: dict[str, Fault | None] = {}
        self.is_armed = False
        self.taken: list[Fault | None] = []
        self.offered: list[tuple[Fault, ...]] = []

    @property
    def is_over(self) -> bool:
        """Whether every fault has struck."""
        return len(self.taken) >= len(self._schedule)

    def of_call(self, call: Call) -> Fault | None:
        """Choose once for a call: it fails in every try, or in none."""
        if not self.is_armed or call.operation == "token":
            return None
        if call.correlation_id not in self._of_call:
            offered = WRITE_FAULTS if call.is_write else READ_FAULTS
            self._of_call[call.correlation_id] = self._choose(offered)
        return self._of_call[call.correlation_id]

    def of_transaction(self) -> Fault | None:
        """Choose whether the process dies here."""
        return self._choose(AROUND_A_TRANSACTION) if self.is_armed else None

    def _choose(self, offered: tuple[Fault, ...]) -> Fault | None:
        place = len(self.taken)
        fault = self._schedule[place] if place < len(self._schedule) else None
        assert fault is None or fault in offered, "a schedule must meet the same points each time"
        self.taken.append(fault)
        self.offered.append(offered)
        return fault


@dataclass(slots=True, kw_only=True)
class Lived:
    """What became of one schedule."""

    schedule: Schedule = ()
    seed: int | None = None
    """Of a day; None for a schedule that was planned."""
    verdict: Verdict
    ticks: int
    """Rounds of the relay after the last fault until all was at its end."""
    fired: Counter[str] = field(default_factory=Counter)


Scene = Callable[[Schedule], tuple[Planned, Lived]]


def submission(
    schedule: Schedule,
    *,
    lag_seconds: int = 30,
    pause: float = 35.0,
    switches: dict[str, Any] | None = None,
) -> tuple[Planned, Lived]:
    """Let one order that is ready be sent under a schedule of faults.

    Args:
        schedule: what goes wrong.
        lag_seconds: within which Whistl is thought to show an order; it takes 25.
        pause: between two rounds.
        switches: how Whistl behaves otherwise than forgiving nothing.
    """
    planned = Planned(schedule)
    lag = {"WHISTL_LOOK_UP_LAG_SECONDS": str(lag_seconds)}
    with installed(
        planned, world_settings={"speed": 1e-3}, environment=lag, switches=switches
    ) as desk:
        order = desk.order()
        desk.make_ready(order)
        ticks = _rounds(
            desk,
            planned,
            lambda: handover.hand_over(desk.link),
            until=lambda: desk.state(order) == OrderState.SUBMITTED and order.is_locked,
            pause=pause,
        )
        desk.wait(60)  # what arrives late has arrived
        found = desk.at_whistl(order)
        verdict = Verdict(
            lost=[] if found and desk.state(order) == OrderState.SUBMITTED else ["not sent"],
            twice=[f"{found} times"] if found > 1 else [],
        )
    return planned, Lived(schedule=schedule, verdict=verdict, ticks=ticks, fired=_fired(planned))


def despatch(schedule: Schedule) -> tuple[Planned, Lived]:
    """Let one order that has left in one parcel be completed under a schedule of faults."""
    planned = Planned(schedule)
    with installed(planned, world_settings={"several_parcels_share": 0.0}) as desk:
        order = desk.order()
        desk.leave_the_building([order])
        ticks = _rounds(
            desk,
            planned,
            desk.relay_despatches,
            until=lambda: desk.state(order) == OrderState.COMPLETED and is_drained(desk.world),
        )
        verdict = judge(desk)
    return planned, Lived(schedule=schedule, verdict=verdict, ticks=ticks, fired=_fired(planned))


SCENES: dict[str, Scene] = {"submission": submission, "despatch": despatch}


def _rounds(
    desk: Installation,
    planned: Planned,
    relay: Callable[[], object],
    *,
    until: Callable[[], bool],
    pause: float = 35.0,
) -> int:
    ticks = 0
    for _ in range(MOST_ROUNDS):
        planned.is_armed = True
        ticks += planned.is_over
        try:
            relay()
        except IntegrationError:
            pass  # the next run tries again
        except Died:
            planned.is_armed = False
            desk.wait(LEASE_SECONDS)
            desk.reopen()
        planned.is_armed = False
        if until():
            break
        desk.wait(pause)
    return ticks


def explore(scene: Scene, *, most_faults: int, start: Schedule = ()) -> Iterator[Lived]:
    """Live through every schedule of at most so many faults that begins with `start`."""
    pending: list[Schedule] = [start]
    while pending:
        schedule = pending.pop()
        planned, lived = scene(schedule)
        assert tuple(planned.taken[: len(schedule)]) == schedule, f"not reached: {schedule}"
        yield lived
        if sum(fault is not None for fault in schedule) < most_faults:
            pending += _one_fault_more(schedule, planned)


def beginnings(scene: Scene) -> list[Schedule]:
    """Return every schedule of one fault: together with the one of none, all others follow."""
    planned, _ = scene(())
    return _one_fault_more((), planned)


def _one_fault_more(schedule: Schedule, planned: Planned) -> list[Schedule]:
    return [
        (*planned.taken[:place], fault)
        for place in range(len(schedule), len(planned.taken))
        for fault in planned.offered[place]
    ]


def _fired(planned: Planned) -> Counter[str]:
    return Counter(str(fault) for fault in planned.taken if fault is not None)
