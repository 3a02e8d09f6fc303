"""Whistl as others may have built it: another fingerprint, other refusals, other spellings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import exceptions, submissions
from centra_whistl_dagster.ledger.states import SubmissionOutcome
from centra_whistl_dagster.simulator.centra.rules import touch
from centra_whistl_dagster.simulator.wire.fault_rules import FaultKind
from centra_whistl_dagster.workflows.orders import look_up, submission

if TYPE_CHECKING:
    from centra_whistl_dagster_tests.workflows.conftest import Desk


@pytest.fixture(autouse=True)
def _whistl_that_keeps_numbers_single(desk: Desk) -> None:
    desk.switch(whistl_accepts_repeated_numbers=False)


def test_another_reading_of_the_fingerprint_makes_no_lost_answer_a_conflict(desk: Desk) -> None:
    desk.switch(whistl_hashes_otherwise=True)
    placed = desk.order_some(16)
    desk.fault("whistl", "create_order", FaultKind.LOSE_ANSWER_AFTER, share=0.4)

    for _ in range(40):
        desk.relay_orders()
        desk.wait(60)
        desk.world.faults.clear()

    assert desk.problems() == []
    assert [desk.at_whistl(order) for order in placed] == [1] * 16
    assert desk.counts() == {OrderState.SUBMITTED: 16}


@pytest.mark.parametrize(
    "change",
    [
        {"external_reference": "centra-of-another"},
        {"delivery_address": {"postcode": "LS1 4DY"}},
        {"delivery_address": {"country": "IE"}},
        {"delivery_address": {"name": "Grace Hopper"}},
    ],
)
def test_another_reference_or_destination_under_our_number_is_a_conflict(
    desk: Desk, change: dict[str, Any]
) -> None:
    desk.switch(whistl_hashes_otherwise=True)
    desk.fault("whistl", "create_order", FaultKind.LOSE_ANSWER_AFTER, nth=1)
    order = desk.order()
    desk.relay_orders()
    held = desk.held(order)
    for name, value in change.items():
        old = held.body[name]
        held.body[name] = {**old, **value} if isinstance(value, dict) else value
    desk.wait(40)

    look_up.resolve_orders_in_doubt(desk.link)

    assert desk.state(order) is OrderState.IN_DOUBT
    assert desk.problems() == ["order_number_conflict"]


@pytest.mark.parametrize("answered", [409, 422])
def test_a_repeated_number_that_is_refused_after_a_lost_answer_is_looked_up(
    desk: Desk, answered: int
) -> None:
    """The first look-up comes too early, so the order is sent again and refused."""
    desk.switch(whistl_repeated_number=answered, whistl_lookup_lag_seconds=60.0)
    desk.fault("whistl", "create_order", FaultKind.LOSE_ANSWER_AFTER, nth=1)
    order = desk.order()

    for _ in range(20):
        desk.relay_orders()
        desk.wait(20)

    assert desk.state(order) is OrderState.SUBMITTED
    assert desk.problems() == []
    assert desk.at_whistl(order) == 1
    with desk.link.ledger.reading() as tx:
        outcomes = [row.outcome for row in submissions.of_order(tx, order.order_id)]
    assert outcomes[-1] is SubmissionOutcome.FOUND


def test_a_code_of_this_account_for_a_number_in_use_is_a_setting(desk: Desk) -> None:
    desk.reopen(WHISTL_DUPLICATE_CODES="order_number_too_long, other")
    desk.switch(whistl_order_number_length=3)
    order = desk.order()

    desk.relay_orders()

    assert desk.state(order) is OrderState.IN_DOUBT


def test_other_names_of_products_and_other_spellings_of_an_acceptance_are_read(desk: Desk) -> None:
    desk.switch(whistl_other_spellings=True)
    order = desk.order()

    desk.relay_orders()

    row = desk.row(order)
    assert (row.state, row.whistl_status, row.whistl_status_version) == (
        OrderState.SUBMITTED,
        "RECEIVED",
        1,
    )
    line = desk.held(order).body["lines"][0]
    assert line["unit_weight_kg"]
    assert line["product_type"]


def test_fields_of_a_line_go_out_under_the_names_that_the_setting_gives(desk: Desk) -> None:
    desk.reopen(WHISTL_LINE_FIELDS="product_type=type,unit_weight_kg=weight")
    order = desk.order()
    desk.make_ready(order)

    submission.submit_ready_orders(desk.link)

    line = desk.held(order).body["lines"][0]
    assert {"type", "weight"} <= set(line)
    assert not {"product_type", "unit_weight_kg"} & set(line)


def test_an_order_that_was_replaced_is_compared_with_what_was_sent_under_its_new_number(
    desk: Desk,
) -> None:
    """Its attempts under the number before say nothing of what Whistl has under this one."""
    desk.switch(whistl_hashes_otherwise=True)
    desk.world.settings.speed = 0.001  # nothing happens in the building meanwhile
    order = desk.order()
    desk.relay_orders()
    desk.clock.advance(1)
    order.is_locked = False
    order.address = {**(order.address or {}), "zipCode": "LS1 4DY", "city": "Leeds"}
    touch(desk.world, order)
    desk.fault("whistl", "create_order", FaultKind.LOSE_ANSWER_AFTER, nth=1)
    for _ in range(10):
        desk.relay()

    row = desk.row(order)
    assert (row.whistl_number, row.state) == (f"C{order.number}-2", OrderState.SUBMITTED)
    assert desk.world.faults.fired.total() == 1
    assert desk.problems() == []
    with desk.link.ledger.reading() as tx:
        assert "edited_after_sending" not in exceptions.counts_by_kind(tx)
