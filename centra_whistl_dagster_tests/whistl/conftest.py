"""A Whistl that a test plays, an order for it, and a client."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from centra_whistl_dagster.domain.orders.addresses import PreparedAddress
from centra_whistl_dagster.domain.orders.order import Order, OrderLine
from centra_whistl_dagster.domain.orders.whistl_catalogue import ServiceCode, WhistlProduct
from centra_whistl_dagster.transport import Wire
from centra_whistl_dagster.whistl.client import WhistlClient, WhistlConfig
from centra_whistl_dagster.whistl.mapping import order_body

BASE_URL = "http://127.0.0.1:1/whistl"


class PlayedWhistl:
    """Answers each path with what the test prepared, in order; the last one for ever."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
        self._prepared: dict[str, list[httpx.Response]] = {}
        self.requests: list[httpx.Request] = []
        self.answers("/oauth/token", {"access_token": "token-1", "expires_in": 1000})

    def answers(self, path: str, *answers: Any) -> None:
        """Prepare answers: a body, or a whole response."""
        self._prepared[f"/whistl{path}"] = [
            one if isinstance(one, httpx.Response) else httpx.Response(200, json=one)
            for one in answers
        ]

    def asked(self, path: str) -> list[httpx.Request]:
        return [one for one in self.requests if one.url.path == f"/whistl{path}"]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        steps = self._prepared[request.url.path]
        return steps.pop(0) if len(steps) > 1 else steps[0]

    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def whistl() -> PlayedWhistl:
    return PlayedWhistl()


@pytest.fixture
def client_of(whistl: PlayedWhistl) -> Iterator[Callable[..., WhistlClient]]:
    """Make a client of the played Whistl; waits between tries are skipped."""
    made: list[WhistlClient] = []

    def make(**config: Any) -> WhistlClient:
        credentials = {"client_id": "acme", "client_secret": "secret-secret"}
        made.append(
            WhistlClient(
                WhistlConfig(
                    base_url=BASE_URL,
                    client_code="ACME",
                    site="SW",
                    requests_per_minute=0,
                    **{**credentials, **config},
                ),
                now=lambda: whistl.now,
                sleep=lambda _: None,
                rng=random.Random(7),  # noqa: S311 - spreads waits, guards nothing
                wire=Wire(BASE_URL, mount=httpx.MockTransport(whistl)),
            )
        )
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def order() -> Order:
    return Order(
        centra_id="7f3c",
        number=100234,
        status="CONFIRMED",
        is_on_hold=False,
        is_locked=False,
        is_internal=False,
        is_waiting_for_payment=False,
        ordered_at=datetime(2026, 3, 2, 9, 14, 30, tzinfo=UTC),
        updated_at=datetime(2026, 3, 2, 9, 15, tzinfo=UTC),
        currency="GBP",
        grand_total=Decimal("63.945"),
        shipping_total=Decimal("3.95"),
        tax_total=Decimal("10.6"),
        delivery=None,
        shipping_option=None,
        lines=(
            OrderLine(line_id=71, sku="tee-Blk-M", quantity=2, unit_price=Decimal("20")),
            OrderLine(
                line_id=69,
                sku="CAP-1",
                quantity=1,
                unit_price=Decimal("20.00"),
                description="A cap of a description that is much too long for customs",
            ),
        ),
    )


@pytest.fixture
def body_of() -> Callable[..., dict[str, Any]]:
    """Make the body of an order, everything about it usual but for what is asked."""

    def make(order: Order, **asked: Any) -> dict[str, Any]:
        usual: dict[str, Any] = {
            "order_number": f"C{order.number}",
            "client_code": "ACME",
            "site": "SW",
            "service": ServiceCode("SIM-POST", "48"),
            "products": {
                "tee-Blk-M": WhistlProduct(
                    sku="tee-Blk-M",
                    description="Cotton T-shirt",
                    product_type="T-shirt",
                    unit_weight_kg=Decimal("0.18"),
                    hs_code="610910",
                    country_of_origin="PT",
                )
            },
            "delivery": PreparedAddress(
                name="Ada O'Brien",
                company="",
                line1="12 High Street",
                line2="",
                city="York",
                county="",
                postcode="YO1 7HH",
                country="GB",
                phone="07700900123",
                email="ada@example.com",
            ),
            "is_ddp": False,
        }
        return order_body(order, **{**usual, **asked})

    return make
