"""The drill: a backup under load, a kill, a restore of the old ledger, and what became of it all.

Judged by the simulated systems alone. Whistl has one of three habits with a number that it has had
before; Centra lets itself be asked for locks, or does not.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from centra_whistl_dagster.simulator.truth.scoreboard import is_drained
from centra_whistl_dagster.simulator.world.world import CentraOrder
from centra_whistl_dagster.transport import IntegrationError
from centra_whistl_dagster.workflows.continuity import keep_alive
from centra_whistl_dagster.workflows.orders import intake
from centra_whistl_dagster.workflows.upkeep import backup, restore
from centra_whistl_dagster_tests.faults.installation import Installation, _first_ledger, installed
from centra_whistl_dagster_tests.faults.judging import Verdict, judge
from centra_whistl_dagster_tests.faults.wire import Call, Died, Fault

AGES = {
    "1 s": timedelta(seconds=1),
    "1 min": timedelta(minutes=1),
    "1 h": timedelta(hours=1),
}
HABITS: dict[str, dict[str, Any]] = {
    "takes it as a second order": {
        "whistl_accepts_repeated_numbers": True,
        "whistl_ignores_idempotency_key": True,
    },
    "refuses it": {
        "whistl_accepts_repeated_numbers": False,
        "whistl_ignores_idempotency_key": True,
        "whistl_repeated_number": "409",
    },
    "answers as the first time": {
        "whistl_accepts_repeated_numbers": False,
        "whistl_ignores_idempotency_key": False,
    },
}
"""What Whistl does with an order number that it has had before."""
TICK = 45.0
"""Seconds between rounds: less than the silence after which a ledger has a gap."""
_MOST_TICKS = 80
_DOWN = 180.0
"""Seconds for which nothing runs, while a whole machine is brought back."""


class Way(StrEnum):
    """How the old ledger comes back."""

    COMMAND = "centra-whistl restore"
    FILE = "the ledger's file is copied back"
    EVERYTHING = "the whole disk is brought back, the witness too"


@dataclass
class Moments:
    """Makes a backup while orders are being sent, and ends the process some orders later."""

    backup_at: int | None = None
    """At which order from now."""
    die_at: int | None = None
    back_up: Callable[[], None] = lambda: None
    created: int = 0
    counted: str = "create_order"
    """Which calls are meant."""

    def of_call(self, call: Call) -> Fault | None:
        if call.operation != self.counted:
            return None
        self.created += 1
        if self.created == self.backup_at:
            self.back_up()
        return Fault.DIES_DURING if self.created == self.die_at else None

    def of_transaction(self) -> Fault | None:
        return None

    def count_anew(
        self,
        *,
        backup_at: int | None = None,
        die_at: int | None = None,
        counted: str = "create_order",
    ) -> None:
        self.counted = counted
        self.created, self.backup_at, self.die_at = 0, backup_at, die_at


@dataclass
class Drill:
    """One installation that is going to lose its ledger."""

    desk: Installation
    moments: Moments
    folder: Path
    touched: set[int] = field(default_factory=set)
    copies: list[Path] = field(default_factory=list)

    @property
    def state(self) -> Path:
        return Path(self.desk.environment["STATE_DIR"])

    @property
    def witness(self) -> Path:
        return self.desk.link.settings.witness_path

    def back_up(self) -> None:
        made = backup.back_up(self.desk.link.settings, self.folder, now=self.desk.clock)
        if self.witness.exists():
            shutil.copy(self.witness, self.folder / "witness")
        self.copies.append(made)

    def tick(self, *, orders: int = 0, wait: float = TICK) -> None:
        """Let shoppers order, and one round of both relays go by."""
        for _ in range(orders):
            self.order()
        keep_alive(self.desk.link)
        self.desk.relay_orders()
        self.desk.relay_despatches()
        self.desk.wait(wait)

    def trade(self, *, rounds: int) -> None:
        """Let rounds of both relays go by."""
        for _ in range(rounds):
            self.tick()

    def idle(self, *, until: datetime) -> None:
        """Let some minutes pass in which nothing comes in; the connection stays alive."""
        for _ in range(5):
            if self.desk.clock() < until:
                keep_alive(self.desk.link)
                self.desk.wait(TICK)

    def order(self) -> CentraOrder:
        """Let somebody order one unit of whatever there is most of."""
        best = max(self.desk.skus, key=self.desk.world.whistl_available)
        return self.desk.order((best, 1))

    def lose(self, age: timedelta) -> None:
        """Make a backup among sends, live on for its age, and die among other sends."""
        ends_at = self.desk.clock() + age
        if age < timedelta(seconds=TICK):
            self.moments.count_anew(backup_at=3, die_at=6)
        else:
            self.moments.count_anew(backup_at=3)
            self.tick(orders=6)
            while self.desk.clock() < ends_at - timedelta(seconds=TICK):
                self.tick(orders=2)
                self.idle(until=ends_at - timedelta(seconds=TICK))
            self.moments.count_anew(die_at=4)
        try:
            self.tick(orders=7)
        except Died:
            self.moments.count_anew()
        else:
            raise AssertionError("the process did not die")
        self.desk.wait(1)

    def restore(self, way: Way) -> None:
        """Bring the old ledger back while nothing runs, and start again."""
        _first_ledger().close()
        ledger = self.state / "ledger.db"
        if way is Way.COMMAND:
            self.desk.wait(_DOWN)
            restore.restore(self.desk.link.settings, self.copies[-1], now=self.desk.clock)
        else:
            for left in self.state.glob("ledger.db-*"):
                left.unlink()
            shutil.copy(self.copies[-1] / backup.LEDGER, ledger)
        if way is Way.EVERYTHING:
            shutil.copy(self.folder / "witness", self.witness)
            self.desk.wait(_DOWN)
        _first_ledger().close()
        self.desk.reopen()

    def until_at_rest(self) -> Verdict:
        """Trade on until nothing moves any more, and judge."""
        verdict = Verdict()
        for number in range(_MOST_TICKS):
            if number % 10 == 9:
                intake.take_in_orders(self.desk.link, is_sweep=True)
            try:
                self.tick(orders=2 if number < 2 else 0)
            except IntegrationError:
                self.desk.wait(TICK)
            if is_drained(self.desk.world) and number > 3:
                verdict = judge(self.desk, touched=frozenset(self.touched))
                if verdict.is_good:
                    return verdict
        return judge(self.desk, touched=frozenset(self.touched))


@contextmanager
def drilled(
    folder: Path,
    *,
    habit: str,
    is_locking: bool = True,
    switches: dict[str, Any] | None = None,
    environment: dict[str, str] | None = None,
) -> Iterator[Drill]:
    """Make an installation that has traded for some minutes."""
    moments = Moments()
    with installed(
        moments,
        switches={**HABITS[habit], "centra_refuses_locks": not is_locking, **(switches or {})},
        environment={
            "LEDGER_WITNESS_PATH": str(folder / "ledger-witness.json"),
            **(environment or {}),
        },
    ) as desk:
        drill = Drill(desk=desk, moments=moments, folder=folder)
        moments.back_up = drill.back_up
        for _ in range(4):
            drill.tick(orders=2)
        yield drill


def table() -> list[str]:
    """Return the table of `docs/reliability.md`: each row is a test that found both to be 0."""
    rows = [
        "| age of the backup | Whistl, asked to take a number again | sent twice | lost |",
        "| --- | --- | --- | --- |",
    ]
    return rows + [f"| {age} | {habit} | 0 | 0 |" for age in AGES for habit in HABITS]
