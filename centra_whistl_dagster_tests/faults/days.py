"""Days on which everything happens at once, each decided by one seed.

Several orders, people in both systems, faults of every kind at every request and transaction,
processes that die, a second process on the same ledger, lists that shift while they are read,
nights on which the clocks change, clocks that jump. Then nothing goes wrong any more,
and the rounds are counted until both systems agree.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from centra_whistl_dagster.ledger.engine import LeaseTaken
from centra_whistl_dagster.simulator.centra.rules import cancel_order, cancel_units, release, touch
from centra_whistl_dagster.simulator.truth.scoreboard import is_drained
from centra_whistl_dagster.simulator.world import warehouse
from centra_whistl_dagster.simulator.world.catalogue import EXPRESS, POP_UP, STANDARD
from centra_whistl_dagster.simulator.world.clock import BEGINNING
from centra_whistl_dagster.simulator.world.world import CentraOrder
from centra_whistl_dagster.transport import IntegrationError
from centra_whistl_dagster.workflows.orders import intake
from centra_whistl_dagster_tests.faults.exploring import Lived
from centra_whistl_dagster_tests.faults.installation import Installation, installed
from centra_whistl_dagster_tests.faults.judging import Verdict, judge
from centra_whistl_dagster_tests.faults.wire import Call, Died, Fault

MOST_TICKS = 240
TICK_SECONDS = 30.0
STEPS = 12
MOST_ORDERS = 5
OF_A_CALL = tuple(fault for fault in Fault if fault not in {Fault.DIES_BEFORE, Fault.DIES_AFTER})
CLOCKS_GO_FORWARD = datetime(2026, 3, 29, 0, 56, tzinfo=UTC)
CLOCKS_GO_BACK = datetime(2026, 10, 25, 0, 56, tzinfo=UTC)
DAYLIGHT_NIGHTS = {CLOCKS_GO_FORWARD: "clocks go forward", CLOCKS_GO_BACK: "clocks go back"}
SHARES = (
    "unknown_status_share",
    "duplicate_despatch_share",
    "out_of_order_despatch_share",
    "corrected_tracking_share",
    "null_tracking_share",
    "no_tracking_share",
    "despatch_without_carrier_share",
)
"""Mishaps of Whistl's that put themselves right, so that every order must still go all the way."""
NEW_ADDRESS = {"address1": "7 Station Road", "address2": None}

HAPPENINGS = (
    "ordered",
    "edited",
    "units cancelled",
    "cancelled",
    "put on hold",
    "released",
    "unlocked by a person",
    "mapping edited",
    "ended by Whistl",
)
CIRCUMSTANCES = (
    *HAPPENINGS,
    *DAYLIGHT_NIGHTS.values(),
    "clock jumped",
    "restarted",
    "two processes",
    "page shifted",
)
"""Everything that must have happened at least once in a long run, beside every fault."""


class Day:
    """One day: whose fates a seed decides, and what people do meanwhile."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(f"{seed} day")  # noqa: S311 - decides a scenario, guards nothing
        self.fired: Counter[str] = Counter()
        self.happened: Counter[str] = Counter()
        self.touched: set[int] = set()
        self.faults_left = self.rng.choice((1, 2, 3, 5, 8))
        self.is_over = True
        self.desk: Installation
        self._is_nested = False
        self._mapping = ""

    # ---- fates
    def of_call(self, call: Call) -> Fault | None:
        """Let something happen just before a request, and perhaps something go wrong with it."""
        if self.is_over or self._is_nested:
            return None
        if self.rng.random() < 0.1:
            self._meanwhile(call)
        return self._choose(OF_A_CALL, 0.12)

    def of_transaction(self) -> Fault | None:
        """Let the process die around a transaction of the ledger, perhaps."""
        if self.is_over or self._is_nested:
            return None
        return self._choose((Fault.DIES_BEFORE, Fault.DIES_AFTER), 0.03)

    def _choose(self, faults: tuple[Fault, ...], share: float) -> Fault | None:
        if not self.faults_left or self.rng.random() >= share:
            return None
        self.faults_left -= 1
        fault = self.rng.choice(faults)
        self.fired[fault] += 1
        return fault

    def _meanwhile(self, call: Call) -> None:
        self._is_nested = True
        if self.rng.random() < 0.4:
            self._let_another_process_run()
        else:
            self.let_people_act()
            self.happened["page shifted"] += _is_a_later_page(call)
        self._is_nested = False

    def _let_another_process_run(self) -> None:
        desk, mine = self.desk, self.desk.link
        desk.link = desk.process_of_its_own()
        self.happened["two processes"] += 1
        try:
            self.rng.choice((desk.relay_orders, desk.relay_despatches))()
        except (IntegrationError, LeaseTaken):
            pass
        finally:
            desk.link = mine

    # ---- what people do
    def let_people_act(self) -> None:
        """Let one thing happen in one of the systems, and time pass."""
        act = self.rng.choice((self.place_order, self.place_order, *self._acts()))
        act()
        self.desk.wait(self.rng.uniform(0, 3))

    def _acts(self) -> Iterator[Callable[[], None]]:
        yield self._map_otherwise
        open_orders = [
            order
            for order in self.desk.world.orders.values()
            if order.status not in {"CANCELLED", "SHIPPED"}
        ]
        for order in open_orders:
            for change in (_edit, _take_units_off, _cancel, _hold, _release, _unlock, _end):
                yield lambda change=change, order=order: self._change(change, order)  # type: ignore[misc]

    def _change(
        self, change: Callable[[Installation, CentraOrder], str], order: CentraOrder
    ) -> None:
        if what := change(self.desk, order):
            self.happened[what] += 1
            self.touched.add(order.number)

    def place_order(self) -> None:
        if len(self.desk.world.orders) >= MOST_ORDERS:
            return
        skus = self.rng.sample(self.desk.skus, self.rng.randint(1, 3))
        is_held = self.rng.random() < 0.15
        option = self.rng.choices((STANDARD, EXPRESS, POP_UP), weights=(6, 3, 1))[0]
        order = self.desk.order(
            *((sku, self.rng.randint(1, 2)) for sku in skus), is_on_hold=is_held, option=option
        )
        self.happened["ordered"] += 1
        if option is POP_UP:
            # Nobody has mapped it; at the end somebody does.
            self.touched.add(order.number)

    def _map_otherwise(self) -> None:
        """Let ecommerce change what the options stand for; the next process reads it."""
        path = Path(self.desk.environment["CONFIG_DIR"]) / "shipping_services.csv"
        self._mapping = self._mapping or path.read_text()
        row = "Standard delivery,GB,,SIM-RMT,TRK48,,,ecommerce,simulated\n"
        other = "Standard delivery,GB,,SIM-DPD,NEXTDAY,,,ecommerce,simulated\n"
        path.write_text(self._mapping.replace(row, self.rng.choice((row, other, ""))))
        self.happened["mapping edited"] += 1

    def set_right(self) -> None:
        """Let people finish what they began: release, map every option."""
        path = Path(self.desk.environment["CONFIG_DIR"]) / "shipping_services.csv"
        text = self._mapping or path.read_text()
        path.write_text(text + "Pop-up collection,GB,,SIM-RMT,TRK48,,,ecommerce,simulated\n")
        for order in self.desk.world.orders.values():
            if order.is_on_hold and order.status != "CANCELLED":
                release(self.desk.world, order)


def _edit(desk: Installation, order: CentraOrder) -> str:
    order.address = {**(order.address or {}), **NEW_ADDRESS}
    touch(desk.world, order)
    return "edited"


def _take_units_off(desk: Installation, order: CentraOrder) -> str:
    line = next((each for each in order.lines if each.quantity - each.shipped > 0), None)
    if line is None or sum(each.quantity for each in order.lines) < 2 or order.shipments:
        return ""
    cancel_units(desk.world, order, line, 1)
    return "units cancelled"


def _cancel(desk: Installation, order: CentraOrder) -> str:
    if order.shipments:
        return ""
    order.is_locked = False
    cancel_order(desk.world, order)
    return "cancelled"


def _hold(desk: Installation, order: CentraOrder) -> str:
    if order.is_on_hold or order.shipments:
        return ""
    order.is_on_hold = True
    touch(desk.world, order)
    return "put on hold"


def _release(desk: Installation, order: CentraOrder) -> str:
    if not order.is_on_hold:
        return ""
    release(desk.world, order)
    return "released"


def _unlock(desk: Installation, order: CentraOrder) -> str:
    if not order.is_locked:
        return ""
    order.is_locked = False
    touch(desk.world, order)
    return "unlocked by a person"


def _end(desk: Installation, order: CentraOrder) -> str:
    held = desk.world.whistl_orders.get(desk.world.whistl_number(order))
    if held is None or held.status not in warehouse.FREELY_CANCELLABLE:
        return ""
    warehouse._end(desk.world, held, "CANCELLED")
    return "ended by Whistl"


def _is_a_later_page(call: Call) -> bool:
    if call.system == "whistl":
        return b"cursor=" in call.query or b"after_sequence=" in call.query
    return int(json.loads(call.body).get("variables", {}).get("page", 1)) > 1


def live_through(seed: int) -> Lived:
    """Live through the day of one seed."""
    day = Day(seed)
    rng = day.rng
    start = rng.choice((BEGINNING, CLOCKS_GO_FORWARD, CLOCKS_GO_BACK))
    with ExitStack() as stack:
        desk = day.desk = stack.enter_context(
            installed(
                day,
                seed=seed,
                start=start,
                world_settings={"speed": rng.choice((60, 240)), "several_parcels_share": 0.3},
                switches=_awkward(rng),
                page_size=rng.choice((2, 50)),
            )
        )
        day.happened[DAYLIGHT_NIGHTS.get(start, "ordinary day")] += 1
        crashes = list(_trouble(day, desk))
        desk.clock_ahead = max(desk.clock_ahead, timedelta())
        ticks, verdict = _until_at_rest(day, desk)
    verdict.unbalanced += crashes
    fired = day.fired + day.happened
    return Lived(schedule=(), seed=seed, verdict=verdict, ticks=ticks, fired=fired)


def _awkward(rng: random.Random) -> dict[str, Any]:
    switches: dict[str, Any] = {name: rng.choice((0.0, 0.0, 0.3)) for name in SHARES}
    switches["whistl_accepts_repeated_numbers"] = rng.random() < 0.8
    switches["whistl_ignores_idempotency_key"] = rng.random() < 0.8
    switches["whistl_lookup_lag_seconds"] = rng.choice((0.0, 10.0, 25.0))
    switches["centra_resume_touches_updated_at"] = rng.random() < 0.7
    switches["centra_clock_behind_seconds"] = rng.choice((0.0, 0.0, 10.0))
    switches["centra_repeated_complete"] = rng.choice(("error", "no-op"))
    switches["whistl_repeated_number"] = rng.choice(("as agreed", 409, 422))
    switches["whistl_hashes_otherwise"] = rng.random() < 0.2
    switches["whistl_spelling"] = rng.choice(((), (), ("lower_case", "numbers_as_text")))
    # Of two messages of one id and version the later one holds: nobody can tell that it is the
    # older one and came late.
    is_late = bool(switches["out_of_order_despatch_share"])
    switches["despatch_correction_keeps_id"] = not is_late and rng.random() < 0.4
    switches["broken_despatch_share"] = rng.choice((0.0, 0.0, 0.3))
    switches["cancel_while_picking_share"] = rng.choice((0.0, 1.0))
    return switches


def _trouble(day: Day, desk: Installation) -> Iterator[str]:
    """Let people act, steps run and things go wrong; yield what no step may ever raise."""
    day.place_order()
    day.is_over = False
    steps = (desk.relay_orders, desk.relay_despatches, lambda: _sweep(desk))
    for _ in range(STEPS):
        if day.rng.random() < 0.5:
            day.let_people_act()
        if day.rng.random() < 0.05:
            desk.clock_ahead = timedelta(seconds=day.rng.choice((-90, -5, 5, 240)))
            day.happened["clock jumped"] += 1
        try:
            day.rng.choices(steps, weights=(5, 3, 1))[0]()
        except (IntegrationError, LeaseTaken):
            pass
        except Died:
            desk.reopen()
            day.happened["restarted"] += 1
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding of this seed
            yield f"{type(error).__name__}: {error}"
        if day.rng.random() < 0.3:
            desk.reopen()
        desk.wait(day.rng.uniform(1, 40))
    day.is_over = True


def _sweep(desk: Installation) -> None:
    intake.take_in_orders(desk.link, is_sweep=True)


def _until_at_rest(day: Day, desk: Installation) -> tuple[int, Verdict]:
    """Let nothing go wrong any more; return the rounds it took until all was at its end."""
    day.set_right()
    verdict = Verdict()
    for tick in range(1, MOST_TICKS + 1):
        desk.reopen()
        try:
            if tick % 10 == 0:
                _sweep(desk)
            desk.relay_orders()
            desk.relay_despatches()
        except LeaseTaken:
            pass  # of a process that died: it runs out
        desk.wait(TICK_SECONDS)
        if is_drained(desk.world):
            verdict = judge(desk, touched=frozenset(day.touched))
            if verdict.is_good:
                return tick, verdict
    return MOST_TICKS, judge(desk, touched=frozenset(day.touched))


def days(seeds: range) -> Iterator[Lived]:
    """Live through the days of several seeds."""
    for seed in seeds:
        yield live_through(seed)
