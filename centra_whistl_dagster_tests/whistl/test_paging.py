"""While one page of a snapshot is worked through, the next is already being fetched."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from centra_whistl_dagster.domain.stock.availability import Convention
from centra_whistl_dagster.domain.stock.snapshot_rows import read_rows
from centra_whistl_dagster.transport import ContractBroken, Throttled, Wire
from centra_whistl_dagster.whistl.client import WhistlClient, WhistlConfig
from centra_whistl_dagster.whistl.paging import one_ahead

BASE_URL = "http://127.0.0.1:1/whistl"
PATIENCE_SECONDS = 20
"""Never waited out where things are right."""

ClientOf = Callable[..., WhistlClient]


def row(sku: str) -> dict[str, Any]:
    return {"sku": sku, "on_hand": 5, "allocated": 1, "quarantined": 0, "available": 4}


class ThreePages:
    """A Whistl whose snapshot has three pages of a row each; the second may be held back."""

    def __init__(self) -> None:
        self.named = ["S-1", "S-1", "S-1"]
        """To which snapshot each page says that it belongs."""
        self.asked: list[int] = []
        self.second_is_asked_for = threading.Event()
        self.second_may_come = threading.Event()
        self.second_may_come.set()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        at = int(request.url.params.get("cursor", "0"))
        self.asked.append(at)
        if at == 1:
            self.second_is_asked_for.set()
            assert self.second_may_come.wait(PATIENCE_SECONDS)
        has_more = at < 2
        page = {"has_more": has_more, "next_cursor": str(at + 1) if has_more else None}
        body = {"snapshot_id": self.named[at], "data": [row("ABC"[at])], "page": page}
        return httpx.Response(200, json=body)


@pytest.fixture
def whistl() -> Iterator[ThreePages]:
    pages = ThreePages()
    yield pages
    pages.second_may_come.set()


@pytest.fixture
def client_of(whistl: ThreePages) -> Iterator[ClientOf]:
    made: list[WhistlClient] = []

    def make(requests_per_minute: int = 0, pacing_file: Path | None = None) -> WhistlClient:
        config = WhistlConfig(
            base_url=BASE_URL,
            static_token="token",
            client_code="ACME",
            site="SW",
            requests_per_minute=requests_per_minute,
            quota_share=1.0,
            stock_share=1.0,
            pacing_file=pacing_file,
        )
        made.append(
            WhistlClient(
                config,
                now=lambda: datetime(2026, 3, 2, 9, 0, tzinfo=UTC),
                sleep=lambda _: None,
                rng=random.Random(7),  # noqa: S311 - spreads waits, guards nothing
                wire=Wire(BASE_URL, mount=httpx.MockTransport(whistl)),
            )
        )
        return made[-1]

    yield make
    for client in made:
        client.close()


def fetchers() -> list[str]:
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if name.startswith("next-page")]


def test_the_second_page_is_asked_for_while_the_first_is_still_being_worked_through(
    whistl: ThreePages, client_of: ClientOf
) -> None:
    whistl.second_may_come.clear()
    pages = client_of().snapshot_rows("S-1")

    first = next(pages)
    is_under_way = whistl.second_is_asked_for.wait(PATIENCE_SECONDS)
    meanwhile = read_rows([first], Convention())
    whistl.second_may_come.set()
    everything = read_rows([first, *pages], Convention())

    assert is_under_way
    assert meanwhile.skus == ("A",)
    assert everything.skus == ("A", "B", "C")
    assert whistl.asked == [0, 1, 2]
    assert fetchers() == []


def test_a_reader_that_stops_early_leaves_no_thread_and_asks_for_no_further_page(
    whistl: ThreePages, client_of: ClientOf
) -> None:
    pages = client_of().snapshot_rows("S-1")
    next(pages)
    assert whistl.second_is_asked_for.wait(PATIENCE_SECONDS)

    pages.close()

    assert whistl.asked == [0, 1]
    assert fetchers() == []


def test_a_page_that_breaks_the_contract_is_reported_after_the_page_before_it(
    whistl: ThreePages, client_of: ClientOf
) -> None:
    whistl.named[1] = "S-2"
    pages = client_of().snapshot_rows("S-1")

    first = next(pages)
    with pytest.raises(ContractBroken, match="another snapshot"):
        next(pages)

    assert first == [row("A")]
    assert fetchers() == []


def test_pages_fetched_ahead_are_counted_in_the_file_that_all_processes_share(
    client_of: ClientOf, tmp_path: Path
) -> None:
    file = tmp_path / "calls.db"

    client = client_of(requests_per_minute=3, pacing_file=file)
    pages = list(client.snapshot_rows("S-1"))

    assert pages == [[row("A")], [row("B")], [row("C")]]
    with pytest.raises(Throttled):
        client_of(requests_per_minute=3, pacing_file=file).latest_snapshot()


def test_no_more_than_one_page_is_under_way() -> None:
    asked: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(1, 5):
            asked.append(number)
            yield number

    ahead = one_ahead(numbers())
    taken = [next(ahead), next(ahead)]
    ahead.close()

    assert (taken, asked) == ([1, 2], [1, 2, 3])


def test_nothing_is_asked_for_before_anybody_reads(whistl: ThreePages, client_of: ClientOf) -> None:
    client_of().snapshot_rows("S-1")

    assert whistl.asked == []
    assert fetchers() == []
