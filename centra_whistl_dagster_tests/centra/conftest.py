"""Centra's JSON with nothing wrong, and a client to a Centra that a test plays."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from centra_whistl_dagster.centra.client import CentraClient, CentraConfig
from centra_whistl_dagster.transport import Wire

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def order_node() -> dict[str, Any]:
    return {
        "id": "0123456789abcdef0123456789abcdef",
        "number": 100234,
        "status": "CONFIRMED",
        "isOnHold": False,
        "isLocked": False,
        "isInternal": False,
        "isWaitingForPayment": False,
        "orderDate": "2026-03-02T09:14:00+01:00",
        "updatedAt": "2026-03-02T09:15:00+01:00",
        "otherComment": "",
        "grandTotal": {"value": 43.95, "currency": {"code": "GBP"}},
        "totals": {"shipping": {"value": 3.95}, "taxIncluded": {"value": 7.33}},
        "shippingAddress": {
            "companyName": None,
            "attention": None,
            "firstName": "Ada",
            "lastName": "O'Brien",
            "address1": "12 High Street",
            "address2": None,
            "city": "York",
            "zipCode": "YO1 7HH",
            "stateOrProvince": None,
            "cellPhoneNumber": None,
            "phoneNumber": " 01904 555123 ",
            "email": None,
            "country": {"code": "GB"},
            "state": None,
        },
        "shippingPriceGroup": {"shippingOption": {"id": 2, "name": "Standard", "uri": "standard"}},
        "lines": [
            {
                "id": 71,
                "quantity": 2,
                "productName": "Cotton T-shirt",
                "productVariantName": "Black",
                "size": "M",
                "unitPrice": {"value": 20.0},
                "productSize": {"SKU": "TEE-BLK-M"},
                "allocations": [{"warehouse": {"id": 1}}],
            }
        ],
        "shipments": [],
        "customer": {"email": "ada@example.com"},
    }


class PlayedCentra:
    """Answers each operation with what the test prepared, in order; the last one for ever."""

    def __init__(self) -> None:
        self._prepared: dict[str, list[httpx.Response]] = {}
        self.asked: list[tuple[str, dict[str, Any]]] = []
        """Operation and variables of each request."""

    def answers(self, operation: str, *answers: Any) -> None:
        """Prepare answers: `data`, or a whole response."""
        self._prepared[operation] = [
            one if isinstance(one, httpx.Response) else httpx.Response(200, json={"data": one})
            for one in answers
        ]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        sent = json.loads(request.content)
        self.asked.append((sent["operationName"], sent["variables"]))
        steps = self._prepared[sent["operationName"]]
        return steps.pop(0) if len(steps) > 1 else steps[0]


@pytest.fixture
def centra() -> PlayedCentra:
    return PlayedCentra()


@pytest.fixture
def client_of(centra: PlayedCentra) -> Iterator[Callable[..., CentraClient]]:
    """Make a client of the played Centra; waits between tries are skipped."""
    made: list[CentraClient] = []

    def make(**config: Any) -> CentraClient:
        made.append(
            CentraClient(
                CentraConfig(
                    base_url="http://127.0.0.1:1/centra",
                    token="secret-token",
                    warehouse_id=1,
                    **{"plan": "unlimited", **config},
                ),
                now=lambda: NOW,
                sleep=lambda _: None,
                rng=random.Random(7),  # noqa: S311 - spreads waits, guards nothing
                wire=Wire("http://127.0.0.1:1/centra", mount=httpx.MockTransport(centra)),
            )
        )
        return made[-1]

    yield make
    for client in made:
        client.close()
