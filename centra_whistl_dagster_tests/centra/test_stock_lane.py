"""Orders never wait behind the pages of Centra's stock or catalogue, however many there are."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from centra_whistl_dagster.centra.client import CentraClient, CentraConfig
from centra_whistl_dagster.documents.stock_age import shop_on
from centra_whistl_dagster.domain.stock.cadence import Allowance, allowance
from centra_whistl_dagster.domain.stock.pace import seconds_to_send
from centra_whistl_dagster.transport import Lane, Throttled, Wire

BASE_URL = "http://127.0.0.1:1/centra"
SKUS, PER_PAGE = 100_000, 200
OUR_SHARE = 0.5
PACING_INTERVAL = 10 / (60 * OUR_SHARE)
"""On the Growth plan: 60 requests in ten seconds."""
SECONDS_OF_A_PAGE = 0.1


class Centra:
    """A Centra with a large catalogue. Time passes while it answers, and while a client sleeps."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.skus = SKUS
        self.pages: list[float] = []
        """When each page was sent."""

    def now(self) -> datetime:
        return datetime(2026, 11, 27, 9, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seconds += SECONDS_OF_A_PAGE
        asked = json.loads(request.content)
        if asked["operationName"] == "LockOrders":
            return httpx.Response(200, json={"data": {"setOrdersLock": {"userErrors": []}}})
        self.pages.append(self.seconds)
        first = (asked["variables"]["page"] - 1) * PER_PAGE
        numbers = range(first, min(first + PER_PAGE, self.skus))
        if asked["operationName"] == "ProductSizes":
            sizes = [{"id": number, "SKU": f"S{number}", "isActive": True} for number in numbers]
            return httpx.Response(200, json={"data": {"productSizes": sizes}})
        stock = [
            {
                "physicalQuantity": 5,
                "allocatedQuantity": 0,
                "demandQuantity": 0,
                "freeToAllocateQuantity": 5,
                "productSize": {"id": number, "SKU": f"S{number}", "isActive": True},
            }
            for number in numbers
        ]
        return httpx.Response(200, json={"data": {"warehouses": [{"id": 1, "stock": stock}]}})


class Process:
    """One of several processes that call Centra and count in one file."""

    def __init__(self, centra: Centra, file: Path, share: float = OUR_SHARE) -> None:
        self._centra = centra
        self.waits: list[float] = []
        self.client = CentraClient(
            CentraConfig(
                base_url=BASE_URL,
                token="token",
                warehouse_id=1,
                plan="growth",
                quota_share=share,
                stock_share=0.5,
                pacing_file=file,
            ),
            now=centra.now,
            sleep=self.sleep,
            rng=random.Random(7),  # noqa: S311 - spreads waits, guards nothing
            monotonic=centra.monotonic,
            wire=Wire(BASE_URL, mount=httpx.MockTransport(centra)),
        )

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self._centra.seconds += seconds


@pytest.fixture
def centra() -> Centra:
    return Centra()


@pytest.fixture
def on_a_tenth(centra: Centra, tmp_path: Path) -> Iterator[tuple[Process, Process]]:
    """Processes with a tenth of the usual share: 125 requests an hour are for stock."""
    stock, orders = (Process(centra, tmp_path / "tenth.db", OUR_SHARE / 10) for _ in range(2))
    yield stock, orders
    stock.client.close()
    orders.client.close()


@pytest.fixture
def processes(centra: Centra, tmp_path: Path) -> Iterator[tuple[Process, Process]]:
    stock, orders = (Process(centra, tmp_path / "pacing.db") for _ in range(2))
    yield stock, orders
    stock.client.close()
    orders.client.close()


@pytest.mark.parametrize("what", ["stock_levels", "product_sizes"])
@pytest.mark.parametrize("after_pages", [1, 15, 16, 30, 100, 499])
def test_an_order_in_the_middle_of_a_large_list_waits_one_pacing_interval_at_most(
    processes: tuple[Process, Process], what: str, after_pages: int
) -> None:
    stock, orders = processes
    for read, _ in enumerate(getattr(stock.client, what)(), start=1):
        if read == after_pages * PER_PAGE:
            orders.client.lock_orders(["7f3c"])
            break

    assert read == after_pages * PER_PAGE
    assert sum(orders.waits) <= PACING_INTERVAL


def test_pages_are_bounded_in_any_ten_seconds_and_leave_orders_their_half(
    centra: Centra, processes: tuple[Process, Process]
) -> None:
    stock, orders = processes

    assert sum(1 for _ in stock.client.stock_levels()) == SKUS

    at_once = [sum(1 for other in centra.pages if at <= other < at + 10) for at in centra.pages]
    graphql = orders.client._graphql
    assert max(at_once) <= 15
    assert [left for _, left in graphql.left("requests", Lane.STOCK)][-1] == 1250 - 501
    assert [left for _, left in graphql.left("requests")][-1] == 2500 - 501


@pytest.mark.parametrize("what", ["stock_levels", "product_sizes"])
def test_a_list_that_needs_more_than_an_hour_of_the_lane_is_read_to_its_end(
    centra: Centra, on_a_tenth: tuple[Process, Process], what: str
) -> None:
    stock, orders = on_a_tenth
    centra.skus = 26_000

    assert sum(1 for _ in getattr(stock.client, what)(takes_hours=True)) == centra.skus

    assert 3600 < centra.seconds < 2 * 3600
    orders.client.lock_orders(["7f3c"])
    assert sum(orders.waits) == 0


def test_what_is_read_again_and_again_does_not_wait_for_hours(
    centra: Centra, on_a_tenth: tuple[Process, Process]
) -> None:
    stock, _ = on_a_tenth
    centra.skus = 24_990
    list(stock.client.stock_levels())
    at = centra.seconds

    for read in (stock.client.stock_levels, stock.client.product_sizes):
        with pytest.raises(Throttled, match="requests for stock"):
            list(read())
    with pytest.raises(Throttled, match="requests for stock"):
        list(stock.client.stock_levels_of(range(200)))
    assert centra.seconds - at < 60


def test_what_the_lane_has_used_up_is_not_left_for_stock(
    centra: Centra, on_a_tenth: tuple[Process, Process]
) -> None:
    stock, orders = on_a_tenth
    centra.skus = 12_000
    before = orders.client.quota_left()
    list(stock.client.product_sizes())
    after = orders.client.quota_left()

    assert before is not None
    assert after is not None
    assert before.requests_left_for_stock == 125
    assert after.requests_left_for_stock == 125 - 61


def test_what_orders_use_of_their_own_half_costs_stock_nothing(
    on_a_tenth: tuple[Process, Process],
) -> None:
    stock, orders = on_a_tenth
    for _ in range(60):
        orders.client.lock_orders(["7f3c"])

    quota = stock.client.quota_left()

    assert quota is not None
    assert (quota.requests_left, quota.mutations_left) == (250 - 60, 90 - 60)
    assert allowance(quota) == Allowance(requests=125, mutations=30)


def test_the_time_that_a_list_takes_is_the_one_in_the_documents(
    centra: Centra, processes: tuple[Process, Process]
) -> None:
    stock, _ = processes

    list(stock.client.stock_levels())

    shop = shop_on("growth", SKUS)
    documented = seconds_to_send(len(centra.pages), shop.centra_rates[:-1])
    assert centra.pages[-1] - centra.pages[0] == pytest.approx(documented, abs=2)
    assert (shop.centra_page, shop.centra_rates[-1][0]) == (PER_PAGE, 1250)


def test_a_page_that_waited_for_the_stock_lane_has_taken_nothing_of_the_orders_quota(
    processes: tuple[Process, Process],
) -> None:
    stock, orders = processes
    levels = stock.client.stock_levels()
    for _ in range(15 * PER_PAGE):
        next(levels)
    pacer = stock.client._graphql._transport._pacer

    first, units = pacer.charges({"requests": 1}, Lane.STOCK)[0]

    assert pacer.take(first, units) > 0
    assert orders.client._graphql.left("requests")[0] == (30, 15)
