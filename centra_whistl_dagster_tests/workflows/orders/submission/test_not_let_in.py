"""Orders that never leave, because Whistl refuses us or cannot be reached, are reported."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, cast

import pytest

from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.transport import NotSent, Throttled
from centra_whistl_dagster.whistl.client import Acceptance, WhistlClient
from centra_whistl_dagster.workflows.orders import submission

if TYPE_CHECKING:
    from centra_whistl_dagster_tests.workflows.conftest import Desk


class WhistlThatTakesNothing:
    """Whistl, to which no new order can be sent."""

    def __init__(self, client: WhistlClient, error: Exception) -> None:
        self._client, self._error = client, error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def submit_order(self, body: dict[str, Any], *, idempotency_key: str) -> Acceptance:
        raise self._error


def send_without_success(desk: Desk, error: Exception, *, minutes: int) -> None:
    whistl = cast("WhistlClient", WhistlThatTakesNothing(desk.link.whistl, error))
    link = dataclasses.replace(desk.link, whistl=whistl)
    for _ in range(minutes * 6):
        submission.submit_ready_orders(link)
        desk.wait(10)


def test_a_refused_right_to_create_orders_is_reported_at_once_until_an_order_is_taken(
    desk: Desk,
) -> None:
    order, other = desk.order(), desk.order()
    desk.make_ready(order, other)
    desk.switch(whistl_client_code="OTHER")

    tally = submission.submit_ready_orders(desk.link)
    at_once = desk.problems()
    desk.wait(1)
    submission.submit_ready_orders(desk.link)
    while_nothing_is_due = desk.problems()
    desk.switch(whistl_client_code="ACME")
    desk.settle(order, other)

    assert "Whistl does not answer" not in tally.skipped
    assert tally.is_balanced
    assert (at_once, while_nothing_is_due) == (["credentials_refused"],) * 2
    assert [desk.at_whistl(order), desk.at_whistl(other)] == [1, 1]
    assert desk.problems() == []


def test_an_order_that_keeps_failing_to_leave_is_reported_until_one_is_taken(desk: Desk) -> None:
    order = desk.order()
    desk.make_ready(order)

    error = NotSent(system="Whistl", operation="create_order", detail="no connection")

    send_without_success(desk, error, minutes=1)
    early = desk.problems()
    send_without_success(desk, error, minutes=3)
    late = desk.problems()
    desk.wait(300)
    desk.settle(order)

    assert (early, late) == ([], ["system_unreachable"])
    assert desk.state(order) is OrderState.SUBMITTED
    assert desk.problems() == []


@pytest.mark.parametrize("retry_after_seconds", [60.0, None])
def test_a_limit_that_lets_nothing_through_for_a_quarter_of_an_hour_is_reported(
    desk: Desk, retry_after_seconds: float | None
) -> None:
    order = desk.order()
    desk.make_ready(order)
    error = Throttled(
        system="Whistl",
        operation="create_order",
        detail="too many calls",
        retry_after_seconds=retry_after_seconds,
    )

    send_without_success(desk, error, minutes=10)
    early = desk.problems()
    send_without_success(desk, error, minutes=12)

    assert (early, desk.problems()) == ([], ["system_unreachable"])
    assert desk.state(order) is OrderState.READY
