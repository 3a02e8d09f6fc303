"""What Whistl holds under an order's number: ours, an older attempt of ours, or a stranger."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import pytest

from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import order_contents, submissions
from centra_whistl_dagster.ledger.states import SubmissionOutcome
from centra_whistl_dagster.simulator.centra.rules import touch
from centra_whistl_dagster.simulator.wire.fault_rules import FaultKind
from centra_whistl_dagster.simulator.world.records import CentraOrder
from centra_whistl_dagster.whistl.client import Acceptance, WhistlClient
from centra_whistl_dagster.whistl.mapping import payload_hash
from centra_whistl_dagster.workflows.orders import look_up, submission
from centra_whistl_dagster.workflows.upkeep.doctor import examine

if TYPE_CHECKING:
    from centra_whistl_dagster_tests.workflows.conftest import Desk


def test_a_number_that_whistl_holds_with_other_contents_is_told_and_never_overwritten(
    desk: Desk,
) -> None:
    desk.switch(whistl_accepts_repeated_numbers=False)
    order = desk.order((desk.skus[0], 1))
    desk.relay_orders()
    ours = desk.world.whistl_orders.pop(f"C{order.number}")
    (line,) = ours.body["lines"]
    other_lines = [{**line, "sku": desk.skus[1]}]
    stranger = dataclasses.replace(
        ours,
        payload_hash="0" * 64,
        body={**ours.body, "lines": other_lines},
        lines={1: {**ours.lines[1], "sku": desk.skus[1]}},
    )
    desk.reopen(STATE_DIR=desk.environment["STATE_DIR"] + "/second_installation")
    order.is_locked = False
    desk.wait(1)
    touch(desk.world, order)
    desk.world.whistl_orders[stranger.order_number] = stranger

    desk.settle(order, rounds=4)

    assert desk.state(order) == OrderState.IN_DOUBT
    assert desk.problems(str(order.number)) == ["order_number_conflict"]
    assert desk.at_whistl(order) == 1
    assert desk.world.whistl_orders[stranger.order_number].payload_hash == "0" * 64


class WhistlThatAnswersLate:
    """Whistl, with something that happens while its answer to a new order is on its way."""

    def __init__(self, client: WhistlClient, meanwhile: Callable[[], None]) -> None:
        self._client, self._meanwhile = client, meanwhile

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def submit_order(self, body: dict[str, Any], *, idempotency_key: str) -> Acceptance:
        answer = self._client.submit_order(body, idempotency_key=idempotency_key)
        self._meanwhile()
        return answer


def test_an_answer_that_comes_after_the_order_has_left_does_not_bring_it_back(desk: Desk) -> None:
    order = desk.order()
    desk.make_ready(order)

    def meanwhile() -> None:
        for _ in range(8):
            desk.wait(100)
            look_up.resolve_orders_in_doubt(link)
            desk.relay_despatches()

    link = desk.link
    late = WhistlThatAnswersLate(link.whistl, meanwhile)
    submission.submit_ready_orders(dataclasses.replace(link, whistl=cast("Any", late)))

    with link.ledger.reading() as tx:
        outcomes = [row.outcome for row in submissions.of_order(tx, order.order_id)]
    assert desk.state(order) == OrderState.COMPLETED
    assert outcomes == [SubmissionOutcome.ACCEPTED]


def lose_track_of(desk: Desk, order: CentraOrder) -> None:
    """Bring an order of which Whistl has an older attempt into doubt about a newer one."""
    desk.fault("whistl", "create_order", FaultKind.LOSE_ANSWER_AFTER, nth=1)
    desk.relay_orders()
    with desk.link.ledger.transaction() as tx:
        body = order_contents.outgoing(tx, order.order_id) | {"currency": "EUR"}
        order_contents.store_outgoing(tx, order.order_id, body)
        submissions.open_intent(
            tx,
            centra_id=order.order_id,
            whistl_number=f"C{order.number}",
            payload_hash=payload_hash(body),
        )
    desk.wait(200)


def test_an_older_attempt_found_at_whistl_is_ours_and_told_as_out_of_date(desk: Desk) -> None:
    order = desk.order()
    lose_track_of(desk, order)

    look_up.resolve_orders_in_doubt(desk.link)
    desk.wait(5)
    touch(desk.world, order)
    desk.relay_orders()

    assert desk.state(order) == OrderState.SUBMITTED
    assert desk.at_whistl(order) == 1
    assert desk.problems(str(order.number)) == ["edited_after_sending"]


@pytest.mark.parametrize("is_ours", [True, False])
def test_an_order_found_without_a_fingerprint_is_ours_only_with_the_same_lines(
    desk: Desk, is_ours: bool
) -> None:
    desk.fault("whistl", "create_order", FaultKind.LOSE_ANSWER_AFTER, nth=1)
    order = desk.order()
    desk.relay_orders()
    held = desk.world.whistl_orders[f"C{order.number}"]
    held.payload_hash = ""
    if not is_ours:
        held.lines[1]["ordered"] += 1
    desk.wait(40)

    look_up.resolve_orders_in_doubt(desk.link)

    told = desk.problems(str(order.number))
    if is_ours:
        assert (desk.state(order), told) == (OrderState.SUBMITTED, [])
    else:
        assert (desk.state(order), told) == (OrderState.IN_DOUBT, ["order_number_conflict"])


@pytest.mark.parametrize(("prefix", "is_warned"), [("C", False), ("UK-", True)])
def test_doctor_warns_of_open_orders_under_another_prefix(
    desk: Desk, prefix: str, is_warned: bool
) -> None:
    desk.order()
    desk.relay_orders()
    desk.reopen(ORDER_NUMBER_PREFIX=prefix)

    warnings = [finding.detail for finding in examine(desk.link) if finding.is_warning]

    assert any("orders under another prefix: 1." in each for each in warnings) is is_warned
