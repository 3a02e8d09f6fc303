"""A refusal that may pass is tried again, and a person can have any order tried, or accepted."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from centra_whistl_dagster.cli.orders import orders as commands
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import exceptions, order_contents
from centra_whistl_dagster.ledger.order_story import events
from centra_whistl_dagster.ledger.tables import order_payloads
from centra_whistl_dagster.simulator.centra.rules import touch
from centra_whistl_dagster.simulator.people.shoppers import ADA
from centra_whistl_dagster.simulator.wire.fault_rules import FaultKind
from centra_whistl_dagster.workflows.due import orders_due
from centra_whistl_dagster.workflows.orders import submission
from centra_whistl_dagster.workflows.orders.by_hand import (
    CannotDecide,
    accept_as_ours,
    retry_now,
)

if TYPE_CHECKING:
    from centra_whistl_dagster.simulator.world.world import CentraOrder
    from centra_whistl_dagster_tests.workflows.conftest import Desk


def refuse(desk: Desk, order_sku: str) -> None:
    """Let Whistl's intake of orders not know a SKU that its catalogue shows."""
    desk.switch(whistl_intake_lacks_skus=(order_sku,))


def notes(desk: Desk, order: CentraOrder) -> dict[str, str]:
    """By reason, what people wrote about the order."""
    with desk.link.ledger.reading() as tx:
        found = events(tx, order.order_id)
    return {event.reason: event.note for event in found if event.note}


def live_on(desk: Desk, minutes: int) -> None:
    for _ in range(minutes):
        desk.relay_orders()
        desk.wait(60)


def test_an_order_refused_for_a_sku_that_whistl_has_is_sent_again_by_itself(desk: Desk) -> None:
    order, other = desk.order((desk.skus[0], 1)), desk.order((desk.skus[1], 1))
    refuse(desk, desk.skus[0])
    desk.relay_orders()
    refused = (desk.state(order), desk.problems(str(order.number)), desk.messages())
    refuse(desk, "")

    live_on(desk, 7)

    assert refused[:2] == (OrderState.BLOCKED, ["whistl_refused"])
    assert "It is sent again at" in refused[2][0]
    assert (desk.at_whistl(order), desk.at_whistl(other)) == (1, 1)
    assert desk.problems() == []


def test_one_that_stays_refused_is_tried_ever_more_seldom_under_one_exception(desk: Desk) -> None:
    desk.order((desk.skus[0], 1))
    refuse(desk, desk.skus[0])

    live_on(desk, 6 * 60)
    calls = desk.world.calls["whistl create_order"]

    # At 0, 5, 20, 80 and 320 minutes.
    assert calls == 5
    with desk.link.ledger.reading() as tx:
        assert exceptions.counts_by_kind(tx) == {"whistl_refused": 1}


def test_one_that_only_a_correction_can_free_is_not_tried_again(desk: Desk) -> None:
    order = desk.order()
    desk.make_ready(order)
    with desk.link.ledger.transaction() as tx:
        body = order_contents.outgoing(tx, order.order_id)
        body["delivery_address"]["postcode"] = ""
        order_contents.store_outgoing(tx, order.order_id, body)

    live_on(desk, 60)

    assert desk.world.calls["whistl create_order"] == 1
    assert "It is sent again" not in desk.messages()[0]
    assert orders_due(desk.link).total == 0


def test_a_person_can_have_a_refused_order_sent_again_at_once_and_it_is_kept_who_and_why(
    desk: Desk,
) -> None:
    order = desk.order()
    desk.switch(whistl_order_number_length=3)
    desk.relay_orders()
    assert desk.state(order) is OrderState.BLOCKED
    desk.switch(whistl_order_number_length=12)

    said = retry_now(desk.link, str(order.number), note="Whistl has fixed it", who="Kim")
    desk.relay_orders()

    assert "if nothing is wrong with it, sent" in said
    assert desk.at_whistl(order) == 1
    assert notes(desk, order) == {"tried again by hand": "Kim: Whistl has fixed it"}
    assert desk.problems() == []


def test_an_order_blocked_by_our_own_rules_is_screened_again_and_stays_blocked(desk: Desk) -> None:
    order = desk.order(address=ADA | {"city": None})
    desk.relay_orders()

    said = retry_now(desk.link, str(order.number), note="is it really?", who="Kim")
    desk.relay_orders()

    assert "screened again" in said
    assert desk.at_whistl(order) == 0
    assert desk.problems() == ["address_incomplete"]


def test_an_order_refused_and_then_blocked_by_our_own_rules_stays_blocked_when_tried_again(
    desk: Desk,
) -> None:
    order = desk.order()
    desk.switch(whistl_order_number_length=3)
    desk.relay_orders()
    desk.switch(whistl_order_number_length=12)
    order.address = ADA | {"city": None}
    touch(desk.world, order)
    desk.wait(1)
    desk.relay_orders()
    assert desk.state(order) is OrderState.BLOCKED

    retry_now(desk.link, str(order.number), note="try it", who="Kim")
    desk.relay_orders()

    assert desk.at_whistl(order) == 0
    assert desk.state(order) is OrderState.BLOCKED
    assert "address_incomplete" in desk.problems(str(order.number))


def test_a_ready_order_without_a_stored_request_is_screened_again_and_stops_no_other(
    desk: Desk,
) -> None:
    order, other = desk.order(), desk.order()
    desk.make_ready(order, other)
    with desk.link.ledger.transaction() as tx:
        tx.execute(
            order_payloads.update()
            .where(order_payloads.c.centra_id == order.order_id)
            .values(outgoing=None)
        )

    submission.submit_ready_orders(desk.link)
    after_one_round = (desk.state(order), desk.at_whistl(other))
    desk.relay_orders()

    assert after_one_round == (OrderState.RECEIVED, 1)
    assert desk.at_whistl(order) == 1


def test_an_order_whose_sending_fails_in_our_own_code_is_reported_and_stops_no_other(
    desk: Desk,
) -> None:
    order, other = desk.order(), desk.order()
    desk.make_ready(order, other)
    with desk.link.ledger.transaction() as tx:
        of_order = order_payloads.c.centra_id == order.order_id
        good = order_contents.outgoing(tx, order.order_id)
        tx.execute(order_payloads.update().where(of_order).values(outgoing="{"))

    tally = submission.submit_ready_orders(desk.link)
    reported = desk.problems(str(order.number))
    with desk.link.ledger.transaction() as tx:
        order_contents.store_outgoing(tx, order.order_id, good)
    desk.wait(10)
    desk.relay_orders()

    assert tally.is_balanced
    assert tally.written == 1
    assert reported == ["step_failing"]
    assert [desk.at_whistl(order), desk.at_whistl(other)] == [1, 1]
    assert desk.problems() == []


def test_an_order_that_waits_after_an_outage_can_be_sent_without_its_pause(desk: Desk) -> None:
    order = desk.order()
    desk.make_ready(order)
    desk.reopen(WHISTL_CLIENT_SECRET="wrong")
    for _ in range(4):
        desk.relay_orders()
        desk.wait(200)
    desk.relay_orders()
    desk.reopen(WHISTL_CLIENT_SECRET="whistl-test-secret")
    desk.relay_orders()
    waits = desk.at_whistl(order)

    retry_now(desk.link, str(order.number), note="new secret", who="Kim")
    desk.relay_orders()

    assert (waits, desk.at_whistl(order)) == (0, 1)


@pytest.mark.parametrize("number", ["999999", "C12", "x", ""])
def test_a_number_that_is_no_order_of_ours_is_refused_in_words(desk: Desk, number: str) -> None:
    with pytest.raises(CannotDecide, match="No order"):
        retry_now(desk.link, number, note="-", who="Kim")


def test_an_order_that_whistl_has_is_not_tried_again(desk: Desk) -> None:
    order = desk.order()
    desk.relay_orders()

    with pytest.raises(CannotDecide, match="is submitted"):
        retry_now(desk.link, str(order.number), note="-", who="Kim")
    with pytest.raises(CannotDecide, match="not in doubt"):
        accept_as_ours(desk.link, str(order.number), note="-", who="Kim")


# ---- what Whistl has under our number
@pytest.fixture
def conflicting(desk: Desk) -> CentraOrder:
    """An order in doubt, under whose number Whistl holds other contents."""
    desk.fault("whistl", "create_order", FaultKind.LOSE_ANSWER_AFTER, nth=1)
    order = desk.order()
    desk.relay_orders()
    held = desk.held(order)
    held.payload_hash = "0" * 64
    held.body["delivery_address"] = {**held.body["delivery_address"], "postcode": "LS1 4DY"}
    desk.wait(40)
    desk.relay_orders()
    assert desk.problems() == ["order_number_conflict"]
    assert f"orders accept {order.number}" in desk.messages()[0]
    return order


def test_a_person_can_accept_what_whistl_has_as_ours_and_it_is_kept_who_and_why(
    desk: Desk, conflicting: CentraOrder
) -> None:
    creates = desk.world.calls["whistl create_order"]

    status = accept_as_ours(
        desk.link, str(conflicting.number), note="same order, postcode corrected", who="Kim"
    )
    desk.relay(3)

    assert status == "ALLOCATED"
    assert desk.state(conflicting) is not OrderState.IN_DOUBT
    assert desk.world.calls["whistl create_order"] == creates
    assert desk.problems() == []
    assert conflicting.is_locked
    assert notes(desk, conflicting) == {
        "accepted as ours by hand": "Kim: same order, postcode corrected"
    }


def test_what_whistl_does_not_show_cannot_be_accepted(desk: Desk, conflicting: CentraOrder) -> None:
    del desk.world.whistl_orders[f"C{conflicting.number}"]

    with pytest.raises(CannotDecide, match="shows no order"):
        accept_as_ours(desk.link, str(conflicting.number), note="-", who="Kim")

    assert desk.state(conflicting) is OrderState.IN_DOUBT


def test_the_commands_do_both_and_refuse_in_words(
    desk: Desk, conflicting: CentraOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in desk.environment.items():
        monkeypatch.setenv(name, value)
    number = str(conflicting.number)

    accepted = CliRunner().invoke(commands, ["accept", number, "--note", "same", "--who", "Kim"])
    refused = CliRunner().invoke(commands, ["retry", number, "--note", "again"])
    without_note = CliRunner().invoke(commands, ["retry", number])

    assert (accepted.exit_code, "is accepted" in accepted.output) == (0, True)
    assert refused.exit_code != 0
    assert "waits for another try" in refused.output
    assert without_note.exit_code == 2
    assert desk.state(conflicting) is OrderState.SUBMITTED


def test_an_order_of_the_restored_contents_alone_is_told_apart_by_its_units(desk: Desk) -> None:
    """The same reference and destination with other units is another order."""
    desk.fault("whistl", "create_order", FaultKind.LOSE_ANSWER_AFTER, nth=1)
    order = desk.order()
    desk.relay_orders()
    held = desk.held(order)
    desk.world.whistl_orders[held.order_number] = dataclasses.replace(
        held, payload_hash="0" * 64, lines={1: {**held.lines[1], "ordered": 9}}
    )
    desk.wait(40)

    desk.relay_orders()

    assert desk.problems() == ["order_number_conflict"]
