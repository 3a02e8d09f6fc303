"""A process that forks relays, each of which may be killed: `kill -9`, as a machine would do it.

It has everything imported and no thread, so that a relay begins in milliseconds. One JSON object a
line on standard input; one line back for each: the signal that ended the relay, or 0.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from centra_whistl_dagster.ledger.engine import LeaseTaken, Ledger
from centra_whistl_dagster.settings import load_settings
from centra_whistl_dagster.transport import IntegrationError
from centra_whistl_dagster.transport.calls import Transport
from centra_whistl_dagster.workflows.link import open_link
from centra_whistl_dagster.workflows.orders import handover, intake, screening, statuses
from centra_whistl_dagster.workflows.shipments import completion, despatches


@dataclass(slots=True, kw_only=True)
class Order:
    """What one relay is to do."""

    environment: dict[str, str]
    now: str
    """Where its clock stands; only waiting moves it."""
    dies_at: str = ""
    """A named point, such as `after create_order` or `inside transaction 3`; empty for none."""
    killed_after: float | None = None
    """Seconds of real time; None for never."""


def serve() -> None:
    """Fork one relay for each line, and answer with how it ended."""
    for line in sys.stdin:
        order = Order(**json.loads(line))
        child = os.fork()
        if not child:
            _relay_and_leave(order)
        if order.killed_after is not None:
            time.sleep(order.killed_after)
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        ended_by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else -os.WEXITSTATUS(status)
        print(ended_by, flush=True)  # noqa: T201 - the answer


def _relay_and_leave(order: Order) -> None:
    try:
        _relay(order)
    except (IntegrationError, LeaseTaken):
        os._exit(0)
    except BaseException as error:  # noqa: BLE001 - a forked process must not go on in `serve`
        print(f"{type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201
        os._exit(1)
    os._exit(0)


def _relay(order: Order) -> None:
    clock = datetime.fromisoformat(order.now)

    def sleep(seconds: float) -> None:
        nonlocal clock
        clock += timedelta(seconds=seconds)

    _watch(order.dies_at)
    dice = random.Random(order.dies_at)  # noqa: S311 - spreads retries
    settings = load_settings(order.environment)
    with open_link(settings, now=lambda: clock, sleep=sleep, rng=dice) as link:
        intake.take_in_orders(link)
        screening.screen_waiting_orders(link)
        handover.hand_over(link)
        statuses.follow_order_statuses(link)
        despatches.pull_despatches(link)
        despatches.apply_despatches(link)
        completion.complete_shipments(link)


def _watch(dies_at: str) -> None:
    """Kill this process when it comes to a point of that name."""
    passed: Counter[str] = Counter()

    def point(name: str) -> None:
        if name == dies_at:
            os.kill(os.getpid(), signal.SIGKILL)

    begin = Ledger.transaction

    @contextlib.contextmanager
    def transaction(ledger: Ledger) -> Iterator[Any]:
        passed["transactions"] += 1
        number = passed["transactions"]
        point(f"before transaction {number}")
        with begin(ledger) as tx:
            yield tx
            point(f"inside transaction {number}")
        point(f"after transaction {number}")

    one_try: Callable[..., Any] = Transport._one_try

    def watched(transport: Transport, call: Any, request: Any) -> Any:
        point(f"before {call.operation}")
        answer = one_try(transport, call, request)
        point(f"after {call.operation}")
        return answer

    setattr(Ledger, "transaction", transaction)  # noqa: B010 - a method may not be assigned
    setattr(Transport, "_one_try", watched)  # noqa: B010


if __name__ == "__main__":
    serve()
