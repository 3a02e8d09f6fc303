"""In a round cancellations go first and look-ups last; no failing step keeps another back."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, cast

import pytest

from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.simulator.centra.rules import cancel_order
from centra_whistl_dagster.simulator.wire.fault_rules import FaultKind
from centra_whistl_dagster.transport import IntegrationError
from centra_whistl_dagster.workflows.orders import handover, intake

if TYPE_CHECKING:
    from centra_whistl_dagster.whistl.client import WhistlClient
    from centra_whistl_dagster_tests.workflows.conftest import Desk


class WhistlThatIsOverheard:
    """Whistl, and the names of what it was asked, in order."""

    def __init__(self, client: WhistlClient) -> None:
        self._client = client
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        self.asked.append(name)
        return getattr(self._client, name)


def test_cancellations_are_passed_on_before_orders_are_sent_and_doubts_are_settled_last(
    desk: Desk,
) -> None:
    desk.world.settings.speed = 0.001
    cancelled = desk.order()
    desk.relay_orders()
    desk.fault("whistl", "create_order", FaultKind.LOSE_ANSWER_AFTER, nth=1)
    doubted = desk.order()
    desk.relay_orders()
    desk.wait(60)
    ready = desk.order()
    desk.make_ready(ready)
    cancelled.is_locked = False
    cancel_order(desk.world, cancelled)
    intake.take_in_orders(desk.link)
    overheard = WhistlThatIsOverheard(desk.link.whistl)

    handover.hand_over(dataclasses.replace(desk.link, whistl=cast("WhistlClient", overheard)))

    assert overheard.asked == ["cancel_order", "submit_order", "find_order"]
    assert desk.held(cancelled).status == "CANCELLED"
    assert [desk.state(order) for order in (ready, doubted)] == [OrderState.SUBMITTED] * 2


def test_a_step_that_fails_is_told_once_every_other_step_is_done(desk: Desk) -> None:
    desk.fault("whistl", "create_order", FaultKind.LOSE_ANSWER_AFTER, nth=1)
    order = desk.order()
    desk.relay_orders()
    desk.wait(60)
    desk.order()
    intake.take_in_orders(desk.link)
    desk.make_ready()
    desk.reopen(CENTRA_BASE_URL="http://127.0.0.1:9")  # the discard port: nobody listens

    with pytest.raises(IntegrationError):
        handover.hand_over(desk.link)

    # Sending and locking ask Centra; the look-up asks Whistl alone.
    assert desk.state(order) is OrderState.SUBMITTED
