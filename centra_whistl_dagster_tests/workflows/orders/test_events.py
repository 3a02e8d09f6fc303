"""Centra's events make polling start at once, and leave the queue when the ledger has the order."""

from __future__ import annotations

import pytest

from centra_whistl_dagster.domain.orders.polling import HINT_LASTS
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.simulator.centra.permissions import ALL_PERMISSIONS
from centra_whistl_dagster.simulator.wire.fault_rules import FaultKind
from centra_whistl_dagster.simulator.world.world import CentraToken, Settings
from centra_whistl_dagster.transport import ContractBroken, IntegrationError
from centra_whistl_dagster.workflows.access import CallGroup, allow_again
from centra_whistl_dagster.workflows.orders.announcements import (
    WAITED_FOR,
    EventsRead,
    forget_events,
    read_events,
)
from centra_whistl_dagster.workflows.orders.polling import watch_for_news
from centra_whistl_dagster.workflows.upkeep.doctor import examine
from centra_whistl_dagster_tests.workflows.conftest import Desk


@pytest.fixture
def settings() -> Settings:
    return Settings(
        seed=7,
        skus=40,
        speed=20,
        centra_limits=None,
        switches={"whistl_requests_per_minute": None, "centra_events_enabled": True},
    )


@pytest.fixture
def shop(desk: Desk) -> Desk:
    desk.reopen(CENTRA_EVENTS="yes")
    desk.link.centra.listen_to_orders()
    return desk


def read(desk: Desk) -> EventsRead:
    found = read_events(desk.link)
    assert found is not None
    return found


def queue(desk: Desk) -> list[int]:
    """The numbers of the orders whose events are not confirmed."""
    return [event.number for event in desk.link.centra.order_events()]


def test_without_listeners_there_are_no_events(desk: Desk) -> None:
    desk.reopen(CENTRA_EVENTS="yes")
    desk.order()

    assert read(desk) == EventsRead(read=0, confirmed=0)


def test_an_event_makes_polling_start_at_once_and_is_confirmed_once_the_ledger_has_the_order(
    shop: Desk,
) -> None:
    shop.order()
    assert read(shop) == EventsRead(read=1, confirmed=0)
    assert read(shop) == EventsRead(read=1, confirmed=0)
    assert len(queue(shop)) == 1

    watched = watch_for_news(shop.link)
    assert watched.news is not None
    assert watched.news.orders == 1
    shop.relay_orders()

    # Our own lock is a change of the order, too.
    assert read(shop) == EventsRead(read=2, confirmed=2)
    assert queue(shop) == []


def test_a_change_of_an_order_that_the_ledger_has_is_read_before_its_event_is_confirmed(
    shop: Desk,
) -> None:
    order = shop.order(is_on_hold=True)
    shop.relay_orders()
    read(shop)
    shop.wait(1)
    shop.withdraw(order)

    assert read(shop) == EventsRead(read=1, confirmed=1)

    assert shop.state(order) is OrderState.CANCELLED
    assert queue(shop) == []


def test_the_events_of_our_own_locks_and_shipments_do_not_pile_up(shop: Desk) -> None:
    placed = [shop.order() for _ in range(3)]
    for _ in range(40):
        shop.relay()
        read(shop)

    assert [shop.state(order) for order in placed] == [OrderState.COMPLETED] * 3
    assert queue(shop) == []


def test_an_event_stays_in_the_queue_while_its_order_cannot_be_read_for_want_of_an_answer(
    shop: Desk,
) -> None:
    order = shop.order(is_on_hold=True)
    shop.relay_orders()
    read(shop)
    shop.wait(1)
    shop.withdraw(order)
    shop.fault("centra", "WholeOrders", FaultKind.ERROR_503_BEFORE)

    with pytest.raises(IntegrationError):
        read(shop)

    shop.world.faults.clear()
    assert queue(shop) == [order.number]


def test_an_order_that_is_not_to_be_taken_in_does_not_keep_its_event(shop: Desk) -> None:
    shop.order(status="PENDING")
    cancelled = shop.order()
    shop.withdraw(cancelled)

    assert read(shop) == EventsRead(read=3, confirmed=3)


def test_an_event_waits_a_moment_for_an_order_that_centra_does_not_show_yet(shop: Desk) -> None:
    order = shop.order()
    shop.switch(centra_hidden_orders=(order.number,))

    assert read(shop) == EventsRead(read=1, confirmed=0)

    shop.sleep(HINT_LASTS.total_seconds())
    assert read(shop) == EventsRead(read=1, confirmed=1)


def test_an_order_that_cannot_be_read_does_not_keep_its_event_once_it_was_reported(
    shop: Desk,
) -> None:
    order = shop.order()
    shop.switch(centra_failing_fields={order.number: "lines"})
    shop.relay_orders()
    assert "unreadable_record" in shop.problems()

    assert read(shop).confirmed == 1


def test_an_event_that_nothing_settles_is_given_up_after_an_hour(
    shop: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    shop.order()
    assert read(shop).confirmed == 0
    shop.sleep(WAITED_FOR.total_seconds() + 1)

    assert read(shop) == EventsRead(read=1, confirmed=1, given_up=1)
    assert queue(shop) == []
    assert "confirmed although the ledger does not have" in caplog.text


def test_a_confirmation_whose_answer_is_lost_loses_nothing(shop: Desk) -> None:
    order = shop.order()
    shop.relay_orders()
    shop.fault("centra", "confirmEvents", FaultKind.ERROR_500_AFTER)

    with pytest.raises(IntegrationError):
        read(shop)

    shop.world.faults.clear()
    assert read(shop) == EventsRead(read=0, confirmed=0)
    assert shop.at_whistl(order) == 1


def test_one_order_that_waits_keeps_no_other_event_in_the_queue(shop: Desk) -> None:
    taken_in = shop.order()
    shop.relay_orders()
    waiting = shop.order()

    assert read(shop) == EventsRead(read=3, confirmed=2)
    assert queue(shop) == [waiting.number]
    assert shop.at_whistl(taken_in) == 1


def test_a_queue_full_of_other_events_is_an_error_that_says_so(shop: Desk) -> None:
    for event_id in range(200):
        shop.world.events[event_id] = {
            "id": event_id,
            "objectType": "Return",
            "changeType": "CREATED",
            "objectReference": 1,
            "createdAt": shop.clock(),
        }
    shop.order()

    with pytest.raises(ContractBroken, match="full of events that are not of orders"):
        read_events(shop.link)


def test_a_token_that_may_not_read_events_is_reported_and_not_tried_again(shop: Desk) -> None:
    token = shop.environment["CENTRA_TOKEN"]
    shop.world.settings.centra_tokens[token] = CentraToken(
        permissions=ALL_PERMISSIONS - {"Event:read"}
    )

    assert read_events(shop.link) is None
    assert read_events(shop.link) is None

    assert shop.problems("events of Centra") == ["credentials_refused"]
    (message,) = shop.messages()
    assert "Event:read" in message
    shop.world.settings.centra_tokens[token] = CentraToken()
    with shop.link.ledger.transaction() as tx:
        allow_again(tx, CallGroup.EVENTS)
    assert read_events(shop.link) is not None
    assert shop.problems("events of Centra") == []


def test_a_refusal_of_events_ends_when_they_are_switched_off(shop: Desk) -> None:
    token = shop.environment["CENTRA_TOKEN"]
    shop.world.settings.centra_tokens[token] = CentraToken(
        permissions=ALL_PERMISSIONS - {"Event:read"}
    )
    assert read_events(shop.link) is None
    assert shop.problems("events of Centra") == ["credentials_refused"]

    forget_events(shop.link)

    assert shop.problems("events of Centra") == []


def test_doctor_counts_the_events_that_wait(shop: Desk) -> None:
    shop.order()

    (found,) = [one for one in examine(shop.link) if one.subject == "Centra: events"]
    assert (found.is_well, found.detail) == (True, "1 wait to be confirmed")


def test_to_stop_listening_empties_the_queue(shop: Desk) -> None:
    shop.order()
    assert len(queue(shop)) == 1

    shop.link.centra.stop_listening_to_orders()
    shop.order()

    assert queue(shop) == []
