"""Orders never wait behind the pages of a stock snapshot, however many pages there are."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from centra_whistl_dagster.documents.stock_age import shop_on
from centra_whistl_dagster.domain.stock.pace import seconds_to_send
from centra_whistl_dagster.transport import Wire
from centra_whistl_dagster.whistl.client import WhistlClient, WhistlConfig

BASE_URL = "http://127.0.0.1:1/whistl"
SKUS, PER_PAGE = 100_000, 500
REQUESTS_PER_MINUTE, OUR_SHARE = 120, 0.8
PACING_INTERVAL = 60 / (REQUESTS_PER_MINUTE * OUR_SHARE)
SECONDS_OF_A_PAGE = 0.1


class Whistl:
    """A Whistl with a large snapshot. Time passes while it answers, and while a client sleeps."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.pages: list[float] = []
        """When each page was sent."""
        self._lock = threading.Lock()

    def pass_time(self, seconds: float) -> None:
        with self._lock:  # the next page is fetched by a thread
            self.seconds += seconds

    def now(self) -> datetime:
        return datetime(2026, 11, 27, 9, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.pass_time(SECONDS_OF_A_PAGE)
        if request.method == "POST":
            accepted = {"order_number": "C1", "status": "RECEIVED", "whistl_order_id": "W-1"}
            return httpx.Response(201, json={**accepted, "status_version": 1})
        self.pages.append(self.seconds)
        page = int(request.url.params.get("cursor", "0"))
        is_last = (page + 1) * PER_PAGE >= SKUS
        body = {
            "snapshot_id": "S-1",
            "data": [{"sku": f"SKU-{page}"}],
            "page": {"next_cursor": None if is_last else str(page + 1), "has_more": not is_last},
        }
        return httpx.Response(200, json=body)


class Process:
    """One of several processes that call Whistl and count in one file."""

    def __init__(self, whistl: Whistl, file: Path) -> None:
        self._whistl = whistl
        self.waits: list[float] = []
        self.client = WhistlClient(
            WhistlConfig(
                base_url=BASE_URL,
                static_token="token",
                client_code="ACME",
                site="SW",
                requests_per_minute=REQUESTS_PER_MINUTE,
                quota_share=OUR_SHARE,
                pacing_file=file,
            ),
            now=whistl.now,
            sleep=self.sleep,
            rng=random.Random(7),  # noqa: S311 - spreads waits, guards nothing
            monotonic=whistl.monotonic,
            wire=Wire(BASE_URL, mount=httpx.MockTransport(whistl)),
        )

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self._whistl.pass_time(seconds)


@pytest.fixture
def whistl() -> Whistl:
    return Whistl()


@pytest.fixture
def processes(whistl: Whistl, tmp_path: Path) -> Iterator[tuple[Process, Process]]:
    stock, orders = (Process(whistl, tmp_path / "pacing.db") for _ in range(2))
    yield stock, orders
    stock.client.close()
    orders.client.close()


def submit(orders: Process) -> None:
    orders.client.submit_order({"order_number": "C1"}, idempotency_key="C1")


@pytest.mark.parametrize("after_pages", [1, 48, 96, 97, 150, 200])
def test_an_order_in_the_middle_of_a_large_snapshot_waits_one_pacing_interval_at_most(
    processes: tuple[Process, Process], after_pages: int
) -> None:
    stock, orders = processes
    with closing(stock.client.snapshot_rows("S-1")) as pages:
        for read, _ in enumerate(pages, start=1):
            if read == after_pages:
                submit(orders)

    assert read == SKUS // PER_PAGE
    assert sum(orders.waits) <= PACING_INTERVAL


def test_a_minute_of_orders_at_their_half_of_the_quota_does_not_wait_for_stock(
    processes: tuple[Process, Process],
) -> None:
    stock, orders = processes
    with closing(stock.client.snapshot_rows("S-1")) as pages:
        for read, _ in enumerate(pages, start=1):
            if read <= 48:
                submit(orders)

    assert sum(orders.waits) == 0


def test_the_pages_of_a_snapshot_are_bounded_in_any_minute_and_it_is_read_to_its_end(
    whistl: Whistl, processes: tuple[Process, Process]
) -> None:
    stock, _ = processes

    with closing(stock.client.snapshot_rows("S-1")) as pages:
        read = sum(1 for _ in pages)

    in_a_minute = [sum(1 for other in whistl.pages if at <= other < at + 60) for at in whistl.pages]
    assert read == SKUS // PER_PAGE
    assert max(in_a_minute) <= 48
    assert max(stock.waits) <= 10
    shop = shop_on("growth", SKUS)
    documented = seconds_to_send(read, shop.whistl_rates)
    assert whistl.pages[-1] - whistl.pages[0] == pytest.approx(documented, abs=2)
    assert (shop.whistl_page, shop.whistl_rates[-1]) == (PER_PAGE, (48, 60))
