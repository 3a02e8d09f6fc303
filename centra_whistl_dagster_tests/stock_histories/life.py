"""Live through one history: a small world, a ledger and a clock of its own, the product's own runs.

Does not belong here: what people do (`acts_in_centra`, `acts_at_whistl`), what is true (`truth`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from unittest.mock import patch

from centra_whistl_dagster.ledger import exception_news, stock
from centra_whistl_dagster.ledger.engine import LeaseTaken
from centra_whistl_dagster.simulator.centra import stock as centra_stock
from centra_whistl_dagster.simulator.world.world import World
from centra_whistl_dagster.transport import IntegrationError
from centra_whistl_dagster.workflows.orders import intake, statuses
from centra_whistl_dagster.workflows.stock.reconciliation import NothingToReconcile
from centra_whistl_dagster_tests.faults.installation import Installation
from centra_whistl_dagster_tests.faults.wire import Call, Died, Fault
from centra_whistl_dagster_tests.stock_histories.acts_at_whistl import ActsAtWhistl
from centra_whistl_dagster_tests.stock_histories.acts_in_centra import ActsInCentra
from centra_whistl_dagster_tests.stock_histories.cheap import cheaply
from centra_whistl_dagster_tests.stock_histories.lags import Lags
from centra_whistl_dagster_tests.stock_histories.small_world import small_world
from centra_whistl_dagster_tests.stock_histories.steps import PRODUCT, History, Step
from centra_whistl_dagster_tests.stock_histories.truth import Judge, room

SECONDS_BETWEEN = 7.0
MOST_ROUNDS = 8
EXPECTED = (IntegrationError, LeaseTaken, NothingToReconcile)


@dataclass(slots=True, kw_only=True)
class Lived:
    """What became of one history."""

    seed: int | None = None
    steps: History
    back_on_sale: list[str] = field(default_factory=list)
    oversold: list[str] = field(default_factory=list)
    disagreeing: list[str] = field(default_factory=list)
    """SKUs of which both systems do not agree in the end, and that no open exception is about."""
    crashed: list[str] = field(default_factory=list)
    """What no run may ever raise."""
    happened: Counter[str] = field(default_factory=Counter)
    writes: int = 0
    sales: int = 0
    with_exception: int = 0
    """SKUs of which both do not agree in the end, with an open exception."""

    def faults(self) -> dict[str, list[str]]:
        """Return what is wrong, by sort; empty is what is wanted."""
        sorts = ("back_on_sale", "oversold", "disagreeing", "crashed")
        return {name: found for name in sorts if (found := getattr(self, name))}


class Life:
    """One history on its way. It is the fates of the product's processes, too."""

    def __init__(self, desk: Installation) -> None:
        self.desk = desk
        self.judge = Judge(desk.world)
        self.lags = Lags(desk.world)
        self.acts = {
            **ActsInCentra(desk.world, self.judge).by_name,
            **ActsAtWhistl(desk.world, desk.clock, self.judge, self.lags).by_name,
        }
        self.happened: Counter[str] = Counter()
        self.crashed: list[str] = []
        self._pending: list[Step] = []
        self._calls = self._transactions = 0
        self._depth = 0
        self._runs: dict[str, Callable[[int], None]] = {
            "orders relayed": self._relay_orders,
            "despatches relayed": lambda _: self.desk.relay_despatches(),
            "stock synced": lambda _: self._sync(None),
            "part of stock synced": lambda much: self._sync((1, 5, 15)[much % 3]),
            "Centra swept": self._sweep,
        }

    # ---- fates of the product's processes
    def of_call(self, call: Call) -> Fault | None:
        """Let happen what happens just before this request; say whether the process dies."""
        self.desk.clock.advance(0.001)
        if call.operation == "SetStock" or "setStock" in str(call.body[:4000]):
            found = re.search(r"S-\d{6}", call.body.decode())
            self.judge.written_snapshot = found.group() if found else None
            self.judge.before_writes()
        if self._depth != 1:
            return None
        now = [step for step in self._pending if step.at == self._calls]
        self._calls += 1
        self._pending = [step for step in self._pending if step not in now]
        dies = False
        for step in now:
            if step.act == "killed":
                dies = True
            elif step.act == "killed at a transaction":
                self._pending.append(step)
            else:
                self._meanwhile(step)
        if dies:
            self.happened["killed"] += 1
            return Fault.DIES_DURING
        return None

    def of_transaction(self) -> Fault | None:
        """Say whether the process dies after this transaction."""
        if self._depth != 1:
            return None
        self._transactions += 1
        for step in self._pending:
            if step.act == "killed at a transaction" and step.at == self._transactions - 1:
                self._pending.remove(step)
                self.happened[step.act] += 1
                return Fault.DIES_AFTER if step.much % 2 else Fault.DIES_BEFORE
        return None

    def _meanwhile(self, step: Step) -> None:
        if step.act not in PRODUCT:
            self._act(step)
            return
        desk, mine = self.desk, self.desk.link
        self.happened["two processes"] += 1
        desk.link = desk.process_of_its_own()
        try:
            self._run(step)
        finally:
            desk.link = mine

    # ---- steps
    def step(self, step: Step) -> None:
        """Let one step happen, or wait for its moment in the product's next run."""
        if step.at is not None:
            self._pending.append(step)
            return
        self.desk.clock.run(self.desk.world, SECONDS_BETWEEN)
        if step.act in PRODUCT:
            self._run(step)
        else:
            self._act(step)

    def _act(self, step: Step) -> None:
        before = self.judge.before_act()
        if self.acts[step.act](step.which, step.much):
            self.happened[step.act] += 1
            self.judge.after_act(step.act, before)
        self.desk.clock.advance(0.001)

    def _run(self, step: Step) -> None:
        self._depth += 1
        if self._depth == 1:
            self._calls = self._transactions = 0
        self.happened[step.act] += 1
        try:
            self._runs[step.act](step.much)
        except EXPECTED as error:
            self.happened[type(error).__name__] += 1
        except Died:
            self.desk.reopen()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
            self.crashed.append(f"{step.act}: {type(error).__name__}: {error}")
        finally:
            self._depth -= 1
        if self._depth == 0:
            late, self._pending = self._pending, []
            for each in late:
                if each.act in self.acts:
                    self._act(each)

    # ---- the product's runs
    def _relay_orders(self, much: int) -> None:
        began_at = self.desk.time()
        self.desk.relay_orders()
        self.judge.orders_read(began_at)

    def _sweep(self, much: int) -> None:
        began_at = self.desk.time()
        intake.take_in_orders(self.desk.link, is_sweep=True)
        self.judge.orders_read(began_at)

    def _sync(self, within_minutes: int | None) -> None:
        """Sync stock as the job does: Whistl's statuses first."""
        desk, judge = self.desk, self.judge
        began_at, before = desk.time(), judge.sync_began_at
        orders_from = judge.orders_read_from
        judge.sync_began_at = began_at
        try:
            statuses.follow_order_statuses(desk.link)
            desk.sync_stock(within_minutes)
        finally:
            judge.sync_began_at = before
        with desk.link.ledger.reading() as tx:
            used = stock.latest_accepted(tx)
        if used is not None and within_minutes is None:
            judge.synced(began_at, desk.world.snapshots[used.snapshot_id], orders_from)

    # ---- the end
    def come_to_rest(self) -> list[str]:
        """Let every lag pass and the product run until both systems agree; return what does not."""
        self.lags.over()
        self.judge.statuses_visible_at = None
        wrong: list[str] = []
        for number in range(MOST_ROUNDS):
            self.desk.clock.run(self.desk.world, 400.0 if number == 2 else 40.0)
            for act in ("orders relayed", "Centra swept", "despatches relayed"):
                if act != "Centra swept" or number:
                    self._run(Step(act, 0, 0))
            # Of two things at one moment nobody could say which came first.
            self.desk.clock.advance(1.0)
            self.lags.take_snapshot()
            self.desk.clock.advance(1.0)
            self._run(Step("stock synced", 0, 0))
            wrong = self._wrong()
            if not wrong:
                break
        return wrong

    def _wrong(self) -> list[str]:
        return [
            f"{sku}: {self.desk.world.centra_free(sku)} offered, {room(self.desk.world, sku)} there"
            for sku in self.judge.skus()
            if max(0, self.desk.world.centra_free(sku)) != max(0, room(self.desk.world, sku))
        ]

    def without_exception(self, wrong: list[str]) -> list[str]:
        """Return those of which no open exception is about the SKU or one of its orders."""
        with self.desk.link.ledger.reading() as tx:
            subjects = {row.subject for row in exception_news.listed(tx)}
        return [each for each in wrong if not subjects & self._subjects(each.partition(":")[0])]

    def _subjects(self, sku: str) -> set[str]:
        orders = self.desk.world.centra_orders_with(sku)
        return {sku, *(str(order.number) for order in orders)}


def live_through(steps: History, *, seed: int | None = None) -> Lived:
    """Live through one history and judge it."""
    with ExitStack() as stack:
        stack.enter_context(cheaply())
        life = _begin(stack)
        for step in steps:
            life.step(step)
        wrong = life.come_to_rest()
        disagreeing = life.without_exception(wrong)
        return Lived(
            seed=seed,
            steps=steps,
            back_on_sale=life.judge.back_on_sale,
            oversold=life.judge.oversold,
            disagreeing=disagreeing,
            crashed=life.crashed,
            happened=life.happened,
            writes=life.judge.writes,
            sales=life.judge.sales,
            with_exception=len(wrong) - len(disagreeing),
        )


def _begin(stack: ExitStack) -> Life:
    fates = _Fates()
    desk = stack.enter_context(small_world(fates))
    life = fates.life = Life(desk)
    stack.enter_context(life.lags.shown())
    stack.enter_context(_judged_by(life))
    life.lags.take_snapshot()
    return life


class _Fates:
    """The fates of a history that is still to begin."""

    life: Life | None = None

    def of_call(self, call: Call) -> Fault | None:
        return self.life.of_call(call) if self.life else None

    def of_transaction(self) -> Fault | None:
        return self.life.of_transaction() if self.life else None


@contextmanager
def _judged_by(life: Life) -> Iterator[None]:
    def judged(world: World, sku: str, new_physical: int) -> int:
        life.judge.write(sku, new_physical)
        return 0

    with patch.object(centra_stock, "audit_stock_write", judged):
        yield
