"""What the lane of long lists may take of a quota, and that a page's turn never comes too late."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from centra_whistl_dagster.transport import CallKind, Lane, Pacer, Quota, Throttled, Transport
from centra_whistl_dagster_tests.transport.conftest import FakeTime

TransportTo = Callable[..., Transport]
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def call(transport: Transport, lane: Lane) -> None:
    transport.request(CallKind.READ, "read", "GET", "things", costs={"calls": 1}, lane=lane)


@pytest.mark.parametrize(("lane", "seconds_left"), [(Lane.STOCK, 20.0), (Lane.ORDERS, 5.0)])
def test_a_page_whose_turn_came_late_has_all_its_time_to_be_read(
    transport_to: TransportTo, lane: Lane, seconds_left: float
) -> None:
    timeouts: list[float] = []

    def answer(request: httpx.Request) -> httpx.Response:
        timeouts.append(request.extensions["timeout"]["read"])
        return httpx.Response(200, json={})

    transport = transport_to(answer, quotas={"calls": (Quota(units=1, seconds=55),)})
    call(transport, Lane.ORDERS)
    call(transport, lane)

    assert timeouts[1] == pytest.approx(seconds_left, abs=0.01)


def test_a_page_that_would_wait_for_an_hour_is_not_sent(
    transport_to: TransportTo, fake_time: FakeTime
) -> None:
    transport = transport_to(
        lambda _: httpx.Response(200, json={}), quotas={"calls": (Quota(units=1, seconds=3600),)}
    )
    call(transport, Lane.STOCK)

    with pytest.raises(Throttled, match="calls for stock"):
        call(transport, Lane.STOCK)

    assert sum(fake_time.waits) < 60


def paced(*quotas: Quota, stock_share: float, seconds: int = 600) -> list[int]:
    """Take pages as fast as the lane allows; return how many were taken in each second."""
    at = [START]
    pacer = Pacer(
        {"calls": quotas}, system="T", share=1.0, now=lambda: at[0], stock_share=stock_share
    )
    taken = [0]
    while len(taken) <= seconds:
        if all(pacer.take(*charge) == 0 for charge in pacer.charges({"calls": 1}, Lane.STOCK)):
            taken[-1] += 1
        else:
            at[0] += timedelta(seconds=1)
            taken.append(0)
    return taken


@pytest.mark.parametrize(
    ("per_minute", "share", "in_ten_seconds", "in_a_minute"),
    [(96, 0.5, 8, 48), (100, 0.5, 9, 50), (8, 0.5, 4, 4), (96, 0.0, 1, 1)],
)
def test_a_minute_s_pages_are_spread_over_the_minute(
    per_minute: int, share: float, in_ten_seconds: int, in_a_minute: int
) -> None:
    taken = paced(Quota(units=per_minute, seconds=60), stock_share=share)

    assert max(sum(taken[at : at + 10]) for at in range(500)) == in_ten_seconds
    assert max(sum(taken[at : at + 60]) for at in range(500)) == in_a_minute


def test_what_stock_leaves_is_free_for_orders_at_every_moment() -> None:
    pacer = Pacer(
        {"calls": (Quota(units=20, seconds=10),)},
        system="T",
        share=1.0,
        now=lambda: START,
        stock_share=0.5,
    )
    lane, shared = pacer.charges({"calls": 1}, Lane.STOCK)
    while pacer.take(*lane) == 0:
        assert pacer.take(*shared) == 0

    assert pacer.left("calls", Lane.STOCK) == [(10, 0)]
    assert pacer.left("calls") == [(20, 10)]
    assert pacer.charges({"calls": 1}, Lane.ORDERS) == [("calls", 1)]


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_of_stock_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="share of stock"):
        Pacer(
            {"calls": (Quota(units=20, seconds=10),)},
            system="T",
            share=1.0,
            now=lambda: START,
            stock_share=share,
        )
