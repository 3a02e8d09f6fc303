"""Attempts of one order: one key for one content, and no answer settles another attempt."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import pytest

from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import submissions
from centra_whistl_dagster.ledger.states import SubmissionOutcome
from centra_whistl_dagster.simulator.people.shoppers import ADA
from centra_whistl_dagster.simulator.wire.fault_rules import FaultKind
from centra_whistl_dagster.transport import NotSent, OutcomeUnknown, Reason, Refused
from centra_whistl_dagster.whistl.client import Acceptance, WhistlClient
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders import look_up, screening, submission

if TYPE_CHECKING:
    from centra_whistl_dagster_tests.workflows.conftest import Desk


class WhistlThatIsWatched:
    """Whistl, with something that happens while its answer to a new order is on its way."""

    def __init__(
        self,
        client: WhistlClient,
        meanwhile: Callable[[], None] = lambda: None,
        fails_with: Exception | None = None,
    ) -> None:
        self._client, self._meanwhile, self._fails_with = client, meanwhile, fails_with
        self.keys: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def submit_order(self, body: dict[str, Any], *, idempotency_key: str) -> Acceptance:
        self.keys.append(idempotency_key)
        if self._fails_with is not None:
            self._meanwhile()
            raise self._fails_with
        answer = self._client.submit_order(body, idempotency_key=idempotency_key)
        self._meanwhile()
        return answer


def with_whistl(link: Link, whistl: WhistlThatIsWatched) -> Link:
    return dataclasses.replace(link, whistl=cast("WhistlClient", whistl))


REFUSED = Refused(
    system="Whistl",
    operation="create_order",
    detail="it says no",
    status=422,
    code="validation_failed",
    reasons=(Reason(code="invalid_postcode", field="delivery_address.postcode"),),
)
LOST = OutcomeUnknown(system="Whistl", operation="create_order", detail="silence")
UNSENT = NotSent(system="Whistl", operation="create_order", detail="no connection")


def test_every_attempt_with_the_same_contents_has_one_key_and_other_contents_another(
    desk: Desk,
) -> None:
    order = desk.order()
    desk.make_ready(order)
    watched = WhistlThatIsWatched(desk.link.whistl, fails_with=LOST)
    link = with_whistl(desk.link, watched)
    for _ in range(3):
        submission.submit_ready_orders(link)
        desk.wait(400)
        look_up.resolve_orders_in_doubt(desk.link)
        desk.wait(400)
    same = list(watched.keys)
    order.address = {**ADA, "address1": "7 The Shambles"}
    submission.submit_ready_orders(link)
    screening.screen_waiting_orders(desk.link)
    submission.submit_ready_orders(link)

    assert len(same) == 3
    assert len(set(same)) == 1
    assert watched.keys[-1] != same[0]


def test_a_whistl_that_honours_keys_gets_an_order_once_though_it_shows_it_late(desk: Desk) -> None:
    """The look-up comes too early and the number is no guard: only the key is left."""
    desk.switch(whistl_ignores_idempotency_key=False, whistl_lookup_lag_seconds=300.0)
    desk.fault("whistl", "create_order", FaultKind.LOSE_ANSWER_AFTER, nth=1)
    order = desk.order()

    for _ in range(40):
        desk.relay_orders()
        desk.wait(20)

    assert desk.world.calls["whistl create_order"] > 1
    assert desk.at_whistl(order) == 1
    assert desk.state(order) is OrderState.SUBMITTED


@pytest.mark.parametrize("late_answer", [REFUSED, LOST, UNSENT])
def test_a_late_answer_to_the_first_attempt_does_not_settle_the_second(
    desk: Desk, late_answer: Exception
) -> None:
    """The second attempt is under way when the answer to the first comes."""
    order = desk.order()
    desk.make_ready(order)
    seen: list[OrderState] = []
    link = desk.link

    def second_attempt() -> None:
        for _ in range(3):
            desk.wait(200)
            look_up.resolve_orders_in_doubt(link)
        with link.ledger.reading() as tx:
            first = submissions.latest(tx, order.order_id)
        assert first is not None
        assert first.outcome is SubmissionOutcome.ABSENT
        submission.submit_ready_orders(with_whistl(link, second))

    def answer_to_the_first_arrives() -> None:
        submission_of_first.settle_late()
        seen.append(desk.state(order))

    second = WhistlThatIsWatched(link.whistl, meanwhile=answer_to_the_first_arrives)
    submission_of_first = LateAttempt(desk, late_answer, meanwhile=second_attempt)
    submission_of_first.send()

    with link.ledger.reading() as tx:
        outcomes = [row.outcome for row in submissions.of_order(tx, order.order_id)]
    assert seen == [OrderState.SENDING]
    assert desk.state(order) is OrderState.SUBMITTED
    assert desk.at_whistl(order) == 1
    assert outcomes[-1] is SubmissionOutcome.ACCEPTED
    assert desk.problems() == []


class LateAttempt:
    """An attempt that is sent on a thread of its own and settles when it is told to."""

    def __init__(self, desk: Desk, answer: Exception, meanwhile: Callable[[], None]) -> None:

        self._desk, self._answer, self._second = desk, answer, meanwhile
        self._is_under_way, self._may_settle = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._send)

    def send(self) -> None:
        self._thread.start()
        assert self._is_under_way.wait(30)
        self._second()
        self._thread.join(30)

    def settle_late(self) -> None:
        self._may_settle.set()
        self._thread.join(30)
        assert not self._thread.is_alive()

    def _send(self) -> None:
        def wait() -> None:
            self._is_under_way.set()
            assert self._may_settle.wait(30)

        whistl = WhistlThatIsWatched(
            self._desk.link.whistl, meanwhile=wait, fails_with=self._answer
        )
        submission.submit_ready_orders(with_whistl(self._desk.link, whistl))
