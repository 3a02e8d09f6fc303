"""Orders reach Whistl, one that cannot go delays no other, and what is accepted is locked."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import order_contents
from centra_whistl_dagster.simulator.centra.rules import touch
from centra_whistl_dagster.simulator.people.shoppers import ADA
from centra_whistl_dagster.simulator.people.spoilage import spoil
from centra_whistl_dagster.simulator.wire.fault_rules import FaultKind
from centra_whistl_dagster.transport import IntegrationError, NotSent
from centra_whistl_dagster.workflows.orders import locks, submission

if TYPE_CHECKING:
    from centra_whistl_dagster_tests.workflows.conftest import Desk


def test_a_confirmed_order_reaches_whistl_in_one_round_and_is_locked_in_centra(desk: Desk) -> None:
    order = desk.order((desk.skus[0], 2), (desk.skus[1], 1))

    desk.relay_orders()

    held = desk.world.whistl_orders[f"C{order.number}"]
    assert {n: (line["sku"], line["ordered"]) for n, line in held.lines.items()} == {
        1: (desk.skus[0], 2),
        2: (desk.skus[1], 1),
    }
    assert desk.state(order) == OrderState.SUBMITTED
    assert order.is_locked


def test_an_order_is_declared_duty_paid_just_where_its_service_delivers_so(desk: Desk) -> None:
    place = {"city": "Paris", "zipCode": "75011", "cellPhoneNumber": "+33639980123"}
    abroad = desk.order(address={**ADA, **place, "country": {"code": "FR"}})
    at_home = desk.order()

    desk.relay_orders()

    terms = [desk.held(order).body["customs"]["terms"] for order in (abroad, at_home)]
    assert terms == ["DDP", "DDU"]


def test_while_whistl_cannot_be_reached_nothing_is_lost_and_later_everything_goes(
    desk: Desk, unused_port: int
) -> None:
    placed = [desk.order() for _ in range(5)]
    good_address = desk.environment["WHISTL_BASE_URL"]
    desk.reopen()
    desk.make_ready(*placed)
    desk.reopen(WHISTL_BASE_URL=f"http://127.0.0.1:{unused_port}")

    tally = submission.submit_ready_orders(desk.link)
    states = {desk.state(order) for order in placed}
    desk.reopen(WHISTL_BASE_URL=good_address)
    desk.wait(400)
    desk.settle(*placed)

    assert tally.written == 0
    assert tally.is_balanced
    assert states == {OrderState.READY}
    assert [desk.at_whistl(order) for order in placed] == [1] * 5


@pytest.fixture
def unused_port() -> int:
    """A port on which nobody listens: connecting is refused at once."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# ---- many at once
def test_a_poisoned_order_delays_none_of_three_hundred_and_no_call_is_wasted(desk: Desk) -> None:
    placed = [desk.order((desk.skus[n % 40], 1)) for n in range(300)]
    poisoned = placed[17]
    spoil(poisoned, "malformed_postcode", 0)

    desk.relay_orders()

    assert desk.counts() == {OrderState.SUBMITTED: 299, OrderState.BLOCKED: 1}
    assert [desk.at_whistl(order) for order in placed if order is not poisoned] == [1] * 299
    assert desk.world.calls["whistl create_order"] == 299
    assert all(order.is_locked for order in placed if order is not poisoned)
    assert not poisoned.is_locked
    assert desk.problems(str(poisoned.number)) == ["postcode_malformed"]


def test_an_order_whistl_refuses_is_told_with_its_reasons_and_goes_once_corrected(
    desk: Desk,
) -> None:
    order, other = desk.order(), desk.order()
    desk.make_ready(order, other)
    with desk.link.ledger.transaction() as tx:
        body = order_contents.outgoing(tx, order.order_id)
        body["delivery_address"]["postcode"] = ""
        order_contents.store_outgoing(tx, order.order_id, body)

    submission.submit_ready_orders(desk.link)
    refused = (desk.state(order), desk.problems(str(order.number)), desk.at_whistl(other))
    calls = desk.world.calls["whistl create_order"]
    desk.relay(3)
    calls_while_it_waits = desk.world.calls["whistl create_order"] - calls
    order.address = {**ADA, "address1": "7 The Shambles"}
    touch(desk.world, order)
    desk.settle(order)

    assert refused == (OrderState.BLOCKED, ["whistl_refused"], 1)
    assert calls_while_it_waits == 0
    assert desk.at_whistl(order) == 1
    assert desk.problems() == []


def test_one_order_that_centra_will_not_lock_keeps_no_other_from_being_locked(desk: Desk) -> None:
    placed = [desk.order() for _ in range(4)]
    desk.make_ready(*placed)
    submission.submit_ready_orders(desk.link)
    gone = placed[1]
    del desk.world.orders[gone.order_id]

    tally = locks.lock_accepted_orders(desk.link)

    assert [order.is_locked for order in placed] == [True, False, True, True]
    assert (tally.written, tally.failed.total()) == (3, 1)
    before = desk.effects()
    locks.lock_accepted_orders(desk.link)
    assert desk.effects() == before


def test_an_edit_that_slips_in_between_sending_and_locking_is_noticed(desk: Desk) -> None:
    order = desk.order()
    desk.make_ready(order)
    submission.submit_ready_orders(desk.link)
    desk.wait(1)
    order.address = {**ADA, "address1": "7 The Shambles"}
    touch(desk.world, order)

    locks.lock_accepted_orders(desk.link)
    for _ in range(3):
        desk.relay_orders()

    old, new = desk.world.whistl_orders_of(order)
    assert old.status == "CANCELLED"
    assert new.body["delivery_address"]["line1"] == "7 The Shambles"
    assert order.is_locked
    assert desk.problems() == []


def test_an_edit_while_the_answer_is_lost_is_told_once_whistl_is_known_to_have_it(
    desk: Desk,
) -> None:
    order = desk.order()
    desk.fault("whistl", "create_order", FaultKind.LOSE_ANSWER_AFTER, nth=1)
    desk.relay_orders()
    desk.wait(1)
    order.address = {**ADA, "address1": "7 The Shambles"}
    touch(desk.world, order)
    desk.settle(order)
    desk.relay_orders()  # what was settled last in a round is locked, and read again, in the next

    assert desk.at_whistl(order) == 1
    assert desk.problems(str(order.number)) == ["edited_after_sending"]


# ---- when a system refuses us, or is not there
def test_credentials_that_whistl_refuses_stop_the_batch_and_keep_every_order(desk: Desk) -> None:
    placed = [desk.order() for _ in range(8)]
    desk.make_ready(*placed)
    good = desk.environment["WHISTL_CLIENT_SECRET"]
    desk.reopen(WHISTL_CLIENT_SECRET="wrong")

    tally = submission.submit_ready_orders(desk.link)
    with pytest.raises(IntegrationError, match="client id, the secret"):
        desk.link.whistl.services()
    states = desk.counts()
    desk.reopen(WHISTL_CLIENT_SECRET=good)
    desk.wait(400)
    desk.settle(*placed)

    assert tally.written == 0
    assert states == {OrderState.READY: 8}
    assert desk.world.calls["whistl token"] <= 6
    assert [desk.at_whistl(order) for order in placed] == [1] * 8


def test_when_centra_cannot_be_asked_once_more_nothing_is_sent(desk: Desk) -> None:
    placed = [desk.order() for _ in range(3)]
    desk.make_ready(*placed)
    desk.reopen(CENTRA_BASE_URL="http://127.0.0.1:9")  # the discard port: nobody listens

    with pytest.raises(NotSent):
        submission.submit_ready_orders(desk.link)

    assert desk.world.whistl_orders == {}
    assert desk.counts() == {OrderState.READY: 3}
