"""An order that Whistl has accepted is locked in Centra within seconds, not at the round's end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from centra_whistl_dagster.simulator.wire.fault_rules import FaultKind
from centra_whistl_dagster.transport import IntegrationError
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders import handover
from centra_whistl_dagster.workflows.orders.submission import PART
from centra_whistl_dagster_tests.workflows.conftest import Desk


class WhistlWatched:
    """Counts, before each order is sent, those that Whistl has and that are not locked."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._whistl = desk, desk.link.whistl
        self.most_unlocked = 0
        self.left = 10_000

    def __getattr__(self, name: str) -> Any:
        return getattr(self._whistl, name)

    def submit_order(self, body: Mapping[str, object], **options: Any) -> Any:
        self.most_unlocked = max(self.most_unlocked, unlocked(self._desk))
        if not self.left:
            raise InterruptedError("the process ended")
        self.left -= 1
        return self._whistl.submit_order(body, **options)


def unlocked(desk: Desk) -> int:
    at_whistl = desk.world.whistl_orders
    sold = desk.world.orders.values()
    return sum(desk.world.whistl_number(o) in at_whistl and not o.is_locked for o in sold)


def watched(desk: Desk) -> tuple[Link, WhistlWatched]:
    whistl = WhistlWatched(desk)
    return replace(desk.link, whistl=cast("Any", whistl)), whistl


def test_never_more_accepted_orders_than_one_part_wait_for_their_lock(desk: Desk) -> None:
    placed = [desk.order() for _ in range(5 * PART)]
    desk.make_ready(*placed)
    link, whistl = watched(desk)
    done = handover.hand_over(link)
    assert whistl.most_unlocked <= PART
    assert unlocked(desk) == 0
    assert done.locked.written == done.locked.read == len(placed)


def test_locking_that_fails_keeps_no_order_from_being_sent(desk: Desk) -> None:
    placed = [desk.order() for _ in range(3 * PART)]
    desk.make_ready(*placed)
    desk.fault("centra", "setOrdersLock", FaultKind.ERROR_503_BEFORE)
    link, _ = watched(desk)
    failed = False
    try:
        handover.hand_over(link)
    except IntegrationError:
        failed = True
    assert failed
    assert [desk.at_whistl(order) for order in placed] == [1] * len(placed)
    desk.world.faults.clear()
    desk.relay_orders()
    assert unlocked(desk) == 0
