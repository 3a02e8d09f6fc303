"""Who ordered what is deleted some time after the order has ended, and not a day before."""

from __future__ import annotations

import pytest

from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import order_contents
from centra_whistl_dagster.workflows.upkeep.retention import forget_old_orders
from centra_whistl_dagster_tests.workflows.conftest import Desk

DAY = 86_400.0


def test_contents_of_an_ended_order_are_deleted_after_thirty_days(desk: Desk) -> None:
    ended = desk.order()
    desk.relay(12, every=60)
    assert desk.state(ended) is OrderState.COMPLETED

    desk.clock.advance(29 * DAY)
    early = forget_old_orders(desk.link)
    desk.clock.advance(2 * DAY)
    late = forget_old_orders(desk.link)

    assert (early, late) == (0, 1)
    with desk.link.ledger.reading() as tx, pytest.raises(LookupError, match="purged"):
        order_contents.payload(tx, ended.order_id)
    assert desk.state(ended) is OrderState.COMPLETED


def test_contents_of_an_order_that_still_waits_are_kept(desk: Desk) -> None:
    waiting = desk.order(is_on_hold=True)
    desk.relay_orders()
    desk.clock.advance(90 * DAY)

    assert forget_old_orders(desk.link) == 0
    with desk.link.ledger.reading() as tx:
        assert order_contents.payload(tx, waiting.order_id).number == waiting.number
