"""Orders reach Whistl once: whatever the wire does, whoever dies, however many relays run.

Judged by what the simulated Whistl holds, which here stores a repeated number as a second order and
ignores idempotency keys: nothing but this project keeps an order from being shipped twice.
"""

from __future__ import annotations

import dataclasses
import random
import socket
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from centra_whistl_dagster.centra.client import CentraClient
from centra_whistl_dagster.domain.orders import CONFIRMED, Order
from centra_whistl_dagster.domain.states import OrderState
from centra_whistl_dagster.ledger import order_contents, submissions
from centra_whistl_dagster.settings import load_settings
from centra_whistl_dagster.simulator.centra_rules import add_shipment, cancel_order, ship, touch
from centra_whistl_dagster.simulator.fault_rules import FaultKind
from centra_whistl_dagster.simulator.shoppers import ADA
from centra_whistl_dagster.simulator.spoilage import spoil
from centra_whistl_dagster.transport import IntegrationError, NotSent
from centra_whistl_dagster.whistl.client import Acceptance, WhistlClient
from centra_whistl_dagster.whistl.mapping import payload_hash
from centra_whistl_dagster.workflows import intake, look_up, order_locks, screening, submission
from centra_whistl_dagster.workflows.link import open_link

LAG = 25.0
"""Seconds until the simulated Whistl shows an order; the setting allows 30."""


@pytest.fixture(autouse=True)
def _whistl_that_forgives_nothing(desk) -> None:
    desk.switch(whistl_accepts_repeated_numbers=True, whistl_ignores_idempotency_key=True)


def make_ready(desk, *placed) -> None:
    intake.take_in_orders(desk.link)
    screening.screen_waiting_orders(desk.link)
    assert [desk.state(order) for order in placed] == [OrderState.READY] * len(placed)


def settle(desk, *placed, rounds: int = 8) -> None:
    """Let rounds go by until nothing is under way for these orders; time may run out, too."""
    for _ in range(rounds):
        desk.relay_orders()
        if all(desk.state(order) == OrderState.SUBMITTED for order in placed):
            return
        desk.wait(100)


def test_a_confirmed_order_reaches_whistl_in_one_round_and_is_locked_in_centra(desk) -> None:
    order = desk.order((desk.skus[0], 2), (desk.skus[1], 1))

    desk.relay_orders()

    held = desk.world.whistl_orders[f"C{order.number}"]
    assert {n: (line["sku"], line["ordered"]) for n, line in held.lines.items()} == {
        1: (desk.skus[0], 2),
        2: (desk.skus[1], 1),
    }
    assert desk.state(order) == OrderState.SUBMITTED
    assert order.is_locked


@pytest.mark.parametrize(
    ("kind", "is_known_at_once"),
    [
        (FaultKind.LOSE_ANSWER_AFTER, False),
        (FaultKind.ERROR_500_AFTER, False),
        (FaultKind.EMPTY_200, False),
        (FaultKind.TRUNCATE, False),
        (FaultKind.ERROR_503_BEFORE, False),
        (FaultKind.HTML_200, False),
        (FaultKind.RATE_LIMITED, True),
    ],
)
def test_an_answer_that_is_no_answer_neither_loses_an_order_nor_sends_it_twice(
    desk, kind: FaultKind, is_known_at_once: bool
) -> None:
    desk.switch(whistl_lookup_lag_seconds=LAG)
    desk.fault("whistl", "create_order", kind, nth=1)
    order = desk.order()

    desk.relay_orders()
    after_one_round = desk.state(order)
    settle(desk, order)

    assert after_one_round == (OrderState.SUBMITTED if is_known_at_once else OrderState.IN_DOUBT)
    assert desk.state(order) == OrderState.SUBMITTED
    assert desk.at_whistl(order) == 1


def test_an_order_in_doubt_is_looked_up_only_after_whistl_must_show_it(desk) -> None:
    desk.switch(whistl_lookup_lag_seconds=LAG)
    desk.fault("whistl", "create_order", FaultKind.LOSE_ANSWER_AFTER, nth=1)
    order = desk.order()
    desk.relay_orders()

    desk.wait(LAG - 1)
    desk.relay_orders()
    too_early = (desk.state(order), desk.world.calls["whistl read_order"])
    desk.wait(10)
    desk.relay_orders()

    assert too_early == (OrderState.IN_DOUBT, 0)
    assert desk.state(order) == OrderState.SUBMITTED
    assert desk.at_whistl(order) == 1
    with desk.link.ledger.reading() as tx:
        outcomes = [row.outcome for row in submissions.of_order(tx, order.order_id)]
    assert outcomes == [submissions.Outcome.FOUND]


def test_a_look_up_that_fails_is_repeated_and_told_and_never_taken_for_absence(desk) -> None:
    desk.fault("whistl", "create_order", FaultKind.LOSE_ANSWER_AFTER, nth=1)
    desk.fault("whistl", "read_order", FaultKind.ERROR_503_BEFORE)
    order = desk.order()

    for _ in range(6):
        desk.relay_orders()
        desk.wait(100)
    while_it_lasts = (desk.state(order), desk.problems())
    desk.world.faults.clear()
    desk.wait(400)
    settle(desk, order)

    assert while_it_lasts == (OrderState.IN_DOUBT, ["order_in_doubt"])
    assert desk.state(order) == OrderState.SUBMITTED
    assert desk.at_whistl(order) == 1
    assert desk.problems() == []


def test_an_order_that_whistl_fails_at_every_time_is_tried_ever_more_seldom_and_told(desk) -> None:
    desk.fault("whistl", "create_order", FaultKind.ERROR_503_BEFORE)
    order = desk.order()

    for _ in range(60):
        desk.relay_orders()
        desk.wait(60)
    in_an_hour = sum(
        count for fault, count in desk.world.faults.fired.items() if "create_order" in fault
    )

    assert 3 <= in_an_hour <= 15
    assert desk.problems() == ["order_in_doubt"]
    desk.world.faults.clear()
    desk.wait(400)
    settle(desk, order)
    assert (desk.at_whistl(order), desk.problems()) == (1, [])


def test_while_whistl_cannot_be_reached_nothing_is_lost_and_later_everything_goes(
    desk, unused_port: int
) -> None:
    placed = [desk.order() for _ in range(5)]
    good_address = desk.environment["WHISTL_BASE_URL"]
    desk.reopen()
    make_ready(desk, *placed)
    desk.reopen(WHISTL_BASE_URL=f"http://127.0.0.1:{unused_port}")

    tally = submission.submit_ready_orders(desk.link)
    states = {desk.state(order) for order in placed}
    desk.reopen(WHISTL_BASE_URL=good_address)
    desk.wait(400)
    settle(desk, *placed)

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


def test_a_server_that_hangs_keeps_the_order_in_doubt_and_delays_no_other(desk) -> None:
    first, *others = [desk.order() for _ in range(4)]
    desk.fault("whistl", "create_order", FaultKind.HANG, nth=1, seconds=0.3)

    desk.relay_orders()

    states = sorted(desk.state(order) for order in (first, *others))
    assert states == [OrderState.IN_DOUBT, *[OrderState.SUBMITTED] * 3]
    desk.wait(100)
    settle(desk, first, *others)
    assert [desk.at_whistl(order) for order in (first, *others)] == [1] * 4


def test_two_relays_at_once_on_one_ledger_send_each_order_once(desk) -> None:
    placed = [desk.order() for _ in range(12)]
    make_ready(desk, *placed)
    desk.switch(whistl_seconds_per_call=0.005)
    start = threading.Barrier(2)
    failed: list[BaseException] = []

    def relay(number: int) -> None:
        settings = load_settings(desk.environment)
        rng = random.Random(number)  # noqa: S311 - spreads retries
        with open_link(settings, now=desk.clock, sleep=desk.clock.advance, rng=rng) as link:
            start.wait()
            try:
                submission.submit_ready_orders(link)
                look_up.resolve_orders_in_doubt(link)
            except BaseException as error:
                failed.append(error)
                raise

    relays = [threading.Thread(target=relay, args=(number,)) for number in range(2)]
    for each in relays:
        each.start()
    for each in relays:
        each.join()

    assert failed == []
    assert [desk.at_whistl(order) for order in placed] == [1] * 12
    assert desk.counts() == {OrderState.SUBMITTED: 12}


def test_a_number_that_whistl_holds_with_other_contents_is_told_and_never_overwritten(desk) -> None:
    desk.switch(whistl_accepts_repeated_numbers=False)
    order = desk.order((desk.skus[0], 1))
    desk.relay_orders()
    ours = desk.world.whistl_orders.pop(f"C{order.number}")
    stranger = dataclasses.replace(ours, payload_hash="0" * 64, body=dict(ours.body))
    desk.reopen(STATE_DIR=desk.environment["STATE_DIR"] + "/second_installation")
    order.is_locked = False
    desk.wait(1)
    touch(desk.world, order)
    desk.world.whistl_orders[stranger.order_number] = stranger

    settle(desk, order, rounds=4)

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


def test_an_answer_that_comes_after_the_order_has_left_does_not_bring_it_back(desk) -> None:
    order = desk.order()
    make_ready(desk, order)

    def meanwhile() -> None:
        for _ in range(8):
            desk.wait(100)
            look_up.resolve_orders_in_doubt(link)
            desk.relay_despatches()

    link = desk.link
    late = WhistlThatAnswersLate(link.whistl, meanwhile)
    submission.submit_ready_orders(dataclasses.replace(link, whistl=late))

    with link.ledger.reading() as tx:
        outcomes = [row.outcome for row in submissions.of_order(tx, order.order_id)]
    assert desk.state(order) == OrderState.COMPLETED
    assert outcomes == [submissions.Outcome.ACCEPTED]


def lose_track_of(desk, order) -> None:
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
            now=desk.clock(),
        )
    desk.wait(200)


def test_an_older_attempt_found_at_whistl_is_ours_and_told_as_out_of_date(desk) -> None:
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
    desk, is_ours: bool
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


class CentraThatChangesMeanwhile:
    """Centra, in which something happens right after the first reading of orders."""

    def __init__(self, client: CentraClient, meanwhile: Callable[[], None]) -> None:
        self._client, self._meanwhile = client, [meanwhile]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def orders(self, ids: Sequence[str]) -> list[Order]:
        found = self._client.orders(ids)
        while self._meanwhile:
            self._meanwhile.pop()()
        return found


def test_an_order_cancelled_while_many_before_it_are_sent_is_not_sent(desk) -> None:
    placed = [desk.order() for _ in range(50)]
    make_ready(desk, *placed)
    last = placed[-1]
    centra = CentraThatChangesMeanwhile(desk.link.centra, lambda: cancel_order(desk.world, last))

    tally = submission.submit_ready_orders(dataclasses.replace(desk.link, centra=centra))

    assert (tally.read, tally.written) == (50, 49)
    assert (desk.at_whistl(last), desk.state(last)) == (0, OrderState.CANCELLED)


# ---- what changes in Centra between screening and sending
def hold(desk, order) -> None:
    order.is_on_hold = True


def await_payment(desk, order) -> None:
    order.is_waiting_for_payment = True


def lock(desk, order) -> None:
    order.is_locked = True


def cancel(desk, order) -> None:
    cancel_order(desk.world, order)


def hide(desk, order) -> None:
    order.status = "PENDING"


def give_to_another_warehouse(desk, order) -> None:
    for line in order.lines:
        line.warehouse_id = 2


@pytest.mark.parametrize(
    ("change", "state"),
    [
        (hold, OrderState.WAITING),
        (await_payment, OrderState.WAITING),
        (lock, OrderState.WAITING),
        (hide, OrderState.WAITING),
        (give_to_another_warehouse, OrderState.WAITING),
        (cancel, OrderState.CANCELLED),
    ],
)
def test_an_order_stopped_in_centra_after_it_was_screened_is_not_sent(
    desk, change: Any, state: OrderState
) -> None:
    stopped, other = desk.order(), desk.order()
    make_ready(desk, stopped, other)
    change(desk, stopped)  # and Centra's updatedAt stays as it was: only a look at the order tells

    submission.submit_ready_orders(desk.link)

    assert desk.at_whistl(stopped) == 0
    assert desk.at_whistl(other) == 1
    assert desk.state(stopped) == state


def test_an_order_edited_after_it_was_screened_goes_in_its_new_form(desk) -> None:
    order = desk.order()
    make_ready(desk, order)
    order.address = {**ADA, "address1": "7 The Shambles"}

    submission.submit_ready_orders(desk.link)
    after_one_round = (desk.at_whistl(order), desk.state(order))
    settle(desk, order)

    assert after_one_round == (0, OrderState.RECEIVED)
    assert desk.at_whistl(order) == 1
    sent = desk.world.whistl_orders[f"C{order.number}"].body["delivery_address"]
    assert sent["line1"] == "7 The Shambles"


def test_a_resumed_order_goes_once_and_is_not_stopped_at_whistl_for_its_old_cancellation(
    desk,
) -> None:
    order = desk.order()
    make_ready(desk, order)
    desk.fault("whistl", "create_order", FaultKind.ERROR_503_BEFORE, nth=1)
    submission.submit_ready_orders(desk.link)
    assert desk.state(order) == OrderState.IN_DOUBT
    desk.wait(5)
    cancel_order(desk.world, order)
    settle(desk, order, rounds=2)
    assert desk.state(order) == OrderState.CANCELLED
    assert desk.at_whistl(order) == 0

    order.status = CONFIRMED
    touch(desk.world, order)
    settle(desk, order)
    desk.wait(5)
    desk.relay_orders()

    assert desk.at_whistl(order) == 1
    assert desk.world.whistl_orders[f"C{order.number}"].status != "CANCELLED"
    assert desk.state(order) == OrderState.SUBMITTED


# ---- what may not go whole
def ship_a_part(desk, order) -> None:
    """Somebody completes a shipment of one unit in Centra's own screens."""
    with desk.world.lock:
        shipment = add_shipment(desk.world, order, {order.lines[0].line_id: 1})
        ship(desk.world, order, shipment, desk.clock(), send_email=False)


def share_with_another_warehouse(desk, order) -> None:
    order.lines[0].warehouse_id = 2
    touch(desk.world, order)


@pytest.mark.parametrize("is_screened", [False, True])
@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (ship_a_part, "partly_shipped_already"),
        (share_with_another_warehouse, "shared_with_another_warehouse"),
    ],
)
def test_an_order_of_which_a_part_is_not_ours_to_send_is_kept_for_a_person(
    desk, change: Any, kind: str, is_screened: bool
) -> None:
    order, other = desk.order((desk.skus[0], 2), (desk.skus[1], 1)), desk.order()
    if is_screened:
        make_ready(desk, order, other)
    change(desk, order)
    if is_screened:
        submission.submit_ready_orders(desk.link)

    desk.relay(3)

    assert desk.at_whistl(order) == 0
    assert desk.at_whistl(other) == 1
    assert desk.state(order) == OrderState.BLOCKED
    assert desk.problems(str(order.number)) == [kind]


def test_an_order_shared_with_another_warehouse_goes_once_all_of_it_is_ours(desk) -> None:
    order = desk.order((desk.skus[0], 2), (desk.skus[1], 1))
    share_with_another_warehouse(desk, order)
    desk.relay_orders()
    before = desk.at_whistl(order)
    desk.wait(5)
    order.lines[0].warehouse_id = 1
    touch(desk.world, order)

    desk.relay_orders()

    assert (before, desk.at_whistl(order)) == (0, 1)
    assert desk.problems() == []


# ---- many at once
def test_a_poisoned_order_delays_none_of_three_hundred_and_no_call_is_wasted(desk) -> None:
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


def test_an_order_whistl_refuses_is_told_with_its_reasons_and_goes_once_corrected(desk) -> None:
    order, other = desk.order(), desk.order()
    make_ready(desk, order, other)
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
    settle(desk, order)

    assert refused == (OrderState.BLOCKED, ["whistl_refused"], 1)
    assert calls_while_it_waits == 0
    assert desk.at_whistl(order) == 1
    assert desk.problems() == []


def test_one_order_that_centra_will_not_lock_keeps_no_other_from_being_locked(desk) -> None:
    placed = [desk.order() for _ in range(4)]
    make_ready(desk, *placed)
    submission.submit_ready_orders(desk.link)
    gone = placed[1]
    del desk.world.orders[gone.order_id]

    tally = order_locks.lock_accepted_orders(desk.link)

    assert [order.is_locked for order in placed] == [True, False, True, True]
    assert (tally.written, tally.failed.total()) == (3, 1)
    before = desk.effects()
    order_locks.lock_accepted_orders(desk.link)
    assert desk.effects() == before


def test_an_edit_that_slips_in_between_sending_and_locking_is_told(desk) -> None:
    order = desk.order()
    make_ready(desk, order)
    submission.submit_ready_orders(desk.link)
    desk.wait(1)
    order.address = {**ADA, "address1": "7 The Shambles"}
    touch(desk.world, order)

    order_locks.lock_accepted_orders(desk.link)
    desk.relay_orders()

    assert order.is_locked
    assert desk.problems(str(order.number)) == ["edited_after_sending"]


def test_an_edit_while_the_answer_is_lost_is_told_once_whistl_is_known_to_have_it(desk) -> None:
    order = desk.order()
    desk.fault("whistl", "create_order", FaultKind.LOSE_ANSWER_AFTER, nth=1)
    desk.relay_orders()
    desk.wait(1)
    order.address = {**ADA, "address1": "7 The Shambles"}
    touch(desk.world, order)
    settle(desk, order)

    assert desk.at_whistl(order) == 1
    assert desk.problems(str(order.number)) == ["edited_after_sending"]


# ---- a wrong token
def test_credentials_that_whistl_refuses_stop_the_batch_and_keep_every_order(desk) -> None:
    placed = [desk.order() for _ in range(8)]
    make_ready(desk, *placed)
    good = desk.environment["WHISTL_CLIENT_SECRET"]
    desk.reopen(WHISTL_CLIENT_SECRET="wrong")

    tally = submission.submit_ready_orders(desk.link)
    with pytest.raises(IntegrationError, match="client id, the secret"):
        desk.link.whistl.capabilities()
    states = desk.counts()
    desk.reopen(WHISTL_CLIENT_SECRET=good)
    desk.wait(400)
    settle(desk, *placed)

    assert tally.written == 0
    assert states == {OrderState.READY: 8}
    assert desk.world.calls["whistl token"] <= 6
    assert [desk.at_whistl(order) for order in placed] == [1] * 8


def test_when_centra_cannot_be_asked_once_more_nothing_is_sent(desk) -> None:
    placed = [desk.order() for _ in range(3)]
    make_ready(desk, *placed)
    desk.reopen(CENTRA_BASE_URL="http://127.0.0.1:9")  # the discard port: nobody listens

    with pytest.raises(NotSent):
        submission.submit_ready_orders(desk.link)

    assert desk.world.whistl_orders == {}
    assert desk.counts() == {OrderState.READY: 3}
