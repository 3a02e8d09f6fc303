"""With pushes Centra is polled rarely and orders arrive at once; without them, as if none were set.

The simulated Centra pushes to the real receiver over HTTP, which writes to the ledger that the
sensor watches.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from centra_whistl_dagster.domain.orders.polling import IDLE, MISSED_FOR, PROVES_PUSHES, USUAL
from centra_whistl_dagster.ledger import hints
from centra_whistl_dagster.simulator.wire.server import RunningSimulator
from centra_whistl_dagster.simulator.world.world import CentraOrder
from centra_whistl_dagster.workflows.orders.polling import (
    WATCH_SECONDS,
    WATCHES,
    Watched,
    watch_for_news,
)
from centra_whistl_dagster.workflows.upkeep.doctor import Finding, examine
from centra_whistl_dagster_tests.hooks.conftest import SECRET, receiving
from centra_whistl_dagster_tests.workflows.conftest import Desk

LOOP_SECONDS = 5.0
"""Dagster's loop of sensors."""
SILENT = "pushes_silent"


@dataclass
class PushingShop:
    """A shop whose Centra pushes to a receiver, and the sensor that Dagster evaluates."""

    desk: Desk
    simulator: RunningSimulator

    def order(self) -> CentraOrder:
        return self.desk.order()

    def push(self) -> list[int]:
        return self.simulator.push()

    def loop(self) -> Watched:
        """One loop of Dagster: the sensor's evaluation, and the relay if it asked for one."""
        ends_at = self.desk.clock().timestamp() + LOOP_SECONDS
        watched = watch_for_news(self.desk.link)
        if watched.news is not None and watched.news.orders:
            self.desk.relay_orders()
        self.desk.wait(max(0.0, ends_at - self.desk.clock().timestamp()))
        return watched

    def run(self, seconds: float, *, pushes: bool = True) -> None:
        """Let time pass, with the pushes of what happens in it."""
        for _ in range(round(seconds / LOOP_SECONDS)):
            if pushes:
                self.push()
            self.loop()

    def polls_in(self, seconds: float) -> int:
        """Count the polls of some time in which nothing is ordered."""
        before = self.desk.world.calls["centra query"]
        self.run(seconds)
        return self.desk.world.calls["centra query"] - before

    def seconds_until_sent(self, order: CentraOrder, *, pushes: bool) -> float:
        began = self.desk.clock()
        while not self.desk.at_whistl(order):
            assert (self.desk.clock() - began).total_seconds() < 120, "the order never arrives"
            self.run(LOOP_SECONDS, pushes=pushes)
        return (self.desk.clock() - began).total_seconds()

    def come_alive(self) -> None:
        """Let enough orders be announced and sent, and everything that they cause pass."""
        self.loop()
        for _ in range(PROVES_PUSHES):
            self.seconds_until_sent(self.order(), pushes=True)
        self.run(90)


@pytest.fixture
def shop(desk: Desk, simulator: RunningSimulator) -> Iterator[PushingShop]:
    desk.reopen(CENTRA_WEBHOOK_SECRET=SECRET)
    with receiving(desk.link.ledger) as address:
        desk.world.settings.pushes_to = address
        desk.world.settings.push_secret = SECRET
        yield PushingShop(desk, simulator)


def finding(desk: Desk) -> Finding:
    (found,) = [one for one in examine(desk.link) if one.subject == "Centra: pushes"]
    return found


def test_without_a_secret_every_loop_polls_and_none_waits(desk: Desk) -> None:
    began = desk.clock()

    watched = [watch_for_news(desk.link) for _ in range(3)]

    assert all(one.news is not None for one in watched)
    assert desk.clock() == began
    assert desk.world.calls["centra query"] == 3


def test_until_a_push_has_arrived_centra_is_polled_in_every_loop(shop: PushingShop) -> None:
    shop.loop()

    assert shop.polls_in(60) == 12
    assert "no push has arrived yet" in shop.loop().cadence
    assert finding(shop.desk).is_warning


def test_one_order_that_was_announced_does_not_make_polling_rare(shop: PushingShop) -> None:
    shop.loop()
    shop.seconds_until_sent(shop.order(), pushes=True)
    shop.run(90)

    assert shop.polls_in(60) == 12
    assert "too few new orders in a row" in shop.loop().cadence
    assert finding(shop.desk).is_warning


def test_while_pushes_are_alive_centra_is_polled_every_half_minute(shop: PushingShop) -> None:
    shop.come_alive()

    assert shop.polls_in(600) == 600 / IDLE.total_seconds()
    assert "every 30 s" in shop.loop().cadence
    assert not finding(shop.desk).is_warning


def test_a_push_is_acted_upon_in_the_middle_of_an_evaluation(
    shop: PushingShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.come_alive()
    slept: list[float] = []
    order = shop.order()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        shop.desk.sleep(seconds)
        if len(slept) == 2:
            assert shop.push() == [200]

    object.__setattr__(shop.desk.link, "sleep", sleep)
    watched = watch_for_news(shop.desk.link)

    assert watched.news is not None
    assert watched.news.orders == 1
    assert slept == [WATCH_SECONDS] * 2
    shop.desk.relay_orders()
    assert shop.desk.at_whistl(order) == 1


def test_an_evaluation_ends_before_dagsters_next_loop(shop: PushingShop) -> None:
    shop.come_alive()
    began = shop.desk.clock()

    watch_for_news(shop.desk.link)

    seconds = (shop.desk.clock() - began).total_seconds()
    assert seconds == WATCHES * WATCH_SECONDS
    assert seconds < LOOP_SECONDS


def test_an_order_that_centra_does_not_show_yet_is_polled_for_as_usual(shop: PushingShop) -> None:
    shop.come_alive()
    order = shop.order()
    shop.desk.switch(centra_hidden_orders=(order.number,))
    assert shop.push() == [200]
    shop.run(10)
    assert not shop.desk.at_whistl(order)

    shop.desk.switch(centra_hidden_orders=())

    assert shop.seconds_until_sent(order, pushes=False) == LOOP_SECONDS


def test_announcements_in_a_row_cause_no_more_polls_than_the_clock_would(shop: PushingShop) -> None:
    shop.come_alive()
    before = shop.desk.world.calls["centra query"]
    for _ in range(12):
        shop.desk.world.announce(next(iter(shop.desk.world.orders.values())), "update")
        shop.push()
        watch_for_news(shop.desk.link)
        shop.desk.wait(LOOP_SECONDS - WATCHES * WATCH_SECONDS)

    assert shop.desk.world.calls["centra query"] - before <= 60 / USUAL.total_seconds()


def test_when_pushes_end_orders_arrive_all_the_same_and_polling_goes_back_by_itself(
    shop: PushingShop,
) -> None:
    shop.come_alive()
    shop.desk.switch(centra_push_dropped_share=1.0)

    first = shop.seconds_until_sent(shop.order(), pushes=True)
    assert first <= IDLE.total_seconds() + LOOP_SECONDS
    shop.run(60)
    assert shop.polls_in(60) == 12
    assert "too few new orders in a row" in shop.loop().cadence
    assert SILENT not in shop.desk.problems()

    for _ in range(3):
        assert shop.seconds_until_sent(shop.order(), pushes=True) <= 2 * LOOP_SECONDS
        shop.run(60)
    assert SILENT in shop.desk.problems()
    announced = "No push announced the last 4 new orders in time, so polling had to find"
    assert any(message.startswith(announced) for message in shop.desk.messages())


def test_one_order_that_no_push_announced_is_reported_after_an_hour_as_one(
    shop: PushingShop,
) -> None:
    shop.come_alive()
    shop.desk.switch(centra_push_dropped_share=1.0)
    shop.seconds_until_sent(shop.order(), pushes=True)
    shop.run(60)
    assert SILENT not in shop.desk.problems()

    shop.desk.wait(MISSED_FOR.total_seconds())
    shop.loop()

    assert SILENT in shop.desk.problems()
    announced = "No push announced the last new order in time, so polling had to find"
    assert any(message.startswith(announced) for message in shop.desk.messages())


def test_the_push_of_our_own_lock_announces_no_order(shop: PushingShop) -> None:
    shop.come_alive()
    shop.desk.switch(centra_pushed_actions=("update",))
    for _ in range(3):
        shop.seconds_until_sent(shop.order(), pushes=True)
        shop.run(60)

    assert SILENT in shop.desk.problems()
    assert shop.polls_in(60) == 12


def test_pushes_that_return_are_relied_upon_after_some_orders_and_end_the_exception(
    shop: PushingShop,
) -> None:
    shop.come_alive()
    shop.desk.switch(centra_push_dropped_share=1.0)
    for _ in range(3):
        shop.seconds_until_sent(shop.order(), pushes=True)
        shop.run(60)
    assert SILENT in shop.desk.problems()
    shop.desk.switch(centra_push_dropped_share=0.0)

    for _ in range(PROVES_PUSHES):
        assert SILENT in shop.desk.problems()
        shop.seconds_until_sent(shop.order(), pushes=True)
        shop.run(60)

    assert SILENT not in shop.desk.problems()
    shop.run(60)
    assert shop.polls_in(120) == 120 / IDLE.total_seconds()


def test_pushes_that_come_after_our_lock_are_relied_upon_again_if_they_are_of_new_orders(
    shop: PushingShop,
) -> None:
    shop.come_alive()
    shop.desk.switch(centra_push_dropped_share=1.0)
    shop.seconds_until_sent(shop.order(), pushes=True)
    shop.run(60)
    assert shop.polls_in(60) == 12
    shop.desk.switch(centra_push_dropped_share=0.0, centra_push_delay_seconds=8.0)

    for _ in range(PROVES_PUSHES):
        shop.seconds_until_sent(shop.order(), pushes=True)
        shop.run(60)

    assert shop.polls_in(120) == 120 / IDLE.total_seconds()


def test_pushes_that_are_late_repeated_or_partly_wrong_lose_no_order_and_send_none_twice(
    shop: PushingShop,
) -> None:
    shop.come_alive()
    shop.desk.switch(
        centra_push_dropped_share=0.3,
        centra_push_repeated_share=0.5,
        centra_push_bad_signature_share=0.3,
        centra_push_delay_seconds=7.0,
    )
    placed = []
    for _ in range(20):
        placed.append(shop.order())
        shop.run(10)
    shop.run(60)

    assert [shop.desk.at_whistl(order) for order in placed] == [1] * len(placed)


@pytest.mark.parametrize("reads_events", ["no", "yes"])
def test_without_pushes_any_more_their_exception_ends_and_each_loop_polls(
    shop: PushingShop, reads_events: str
) -> None:
    shop.come_alive()
    shop.desk.switch(centra_push_dropped_share=1.0)
    for _ in range(3):
        shop.seconds_until_sent(shop.order(), pushes=True)
        shop.run(60)
    assert SILENT in shop.desk.problems()

    shop.desk.reopen(CENTRA_WEBHOOK_SECRET="", CENTRA_EVENTS=reads_events)
    before = shop.desk.world.calls["centra query"]
    shop.loop()

    assert shop.desk.world.calls["centra query"] == before + 1
    assert SILENT not in shop.desk.problems()
    with shop.desk.link.ledger.reading() as tx:
        assert hints.push_record(tx) is None


def test_an_order_that_was_placed_long_ago_says_nothing_about_pushes(shop: PushingShop) -> None:
    shop.come_alive()
    shop.desk.switch(centra_push_dropped_share=1.0)
    order = shop.desk.order(status="PENDING")
    shop.run(900)
    order.status = "CONFIRMED"
    order.updated_at = shop.desk.clock()

    assert shop.seconds_until_sent(order, pushes=True) <= IDLE.total_seconds() + LOOP_SECONDS
    shop.run(90)
    assert shop.polls_in(120) == 120 / IDLE.total_seconds()


def test_a_clock_that_is_set_back_does_not_stop_polling(shop: PushingShop) -> None:
    assert shop.loop().news is not None
    shop.desk.clock.advance(-3600)

    assert shop.loop().news is not None
