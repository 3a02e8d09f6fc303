"""What the tests of the simulated systems share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx
import pytest

from centra_whistl_dagster.simulator.centra.rules import add_shipment, ship
from centra_whistl_dagster.simulator.people.checkout import place_order
from centra_whistl_dagster.simulator.whistl.answers import Call
from centra_whistl_dagster.simulator.whistl.orders import OrderBook
from centra_whistl_dagster.simulator.wire.server import RunningSimulator
from centra_whistl_dagster.simulator.world.catalogue import POSTAL
from centra_whistl_dagster.simulator.world.settings import TEST_TOKEN
from centra_whistl_dagster.simulator.world.world import CentraOrder, SentParcel, WhistlOrder, World

OrderBody = Callable[..., dict[str, Any]]
"""Makes an order body with which nothing is wrong, but for what is asked."""


@pytest.fixture
def skus(world: World) -> list[str]:
    return world.whistl_skus()


@pytest.fixture
def order_body(skus: list[str]) -> OrderBody:
    def make(
        *units: tuple[str, int],
        order_number: str = "C100001",
        delivery_address: dict[str, Any] | None = None,
        **members: Any,
    ) -> dict[str, Any]:
        address = {
            "name": "Ada Lovelace",
            "company": "",
            "line1": "Flat 2, 12 High Street",
            "line2": "Little Wold",
            "city": "York",
            "county": "",
            "postcode": "YO1 7HH",
            "country": "GB",
            "phone": "07700900123",
            "email": "ada@example.com",
        }
        return {
            "order_number": order_number,
            "external_reference": f"centra-{order_number}",
            "client_code": "ACME",
            "site": "SW",
            "order_date": "2026-03-02T09:00:00Z",
            "source": "WEB",
            "currency": "GBP",
            "service": {
                "carrier_code": POSTAL.carrier_code,
                "delivery_method": POSTAL.delivery_method,
            },
            "recipient_type": "consumer",
            "delivery_address": address | (delivery_address or {}),
            "invoice_address": None,
            "delivery_instructions": "",
            "gift_message": "",
            "totals": {
                "goods_gross": "40.00",
                "delivery_gross": "3.95",
                "order_gross": "43.95",
                "tax": "7.33",
            },
            "lines": [
                {
                    "line_number": number,
                    "sku": sku,
                    "quantity": quantity,
                    "unit_price_gross": "20.00",
                    "description": "Cotton T-shirt",
                    "product_type": "T-shirt",
                    "hs_code": "610910",
                    "country_of_origin": "PT",
                    "unit_weight_kg": "0.180",
                    "personalisation": None,
                }
                for number, (sku, quantity) in enumerate(units or ((skus[0], 2),), start=1)
            ],
            "customs": {"terms": "DDU", "category": "sold"},
            "hold": False,
            "hold_reason": None,
            **members,
        }

    return make


@pytest.fixture
def accept(world: World, order_body: OrderBody) -> Callable[..., WhistlOrder]:
    """Let Whistl take an order of units, asked for as `order_body` is."""
    book = OrderBook(world)

    def take(*units: tuple[str, int], **members: Any) -> WhistlOrder:
        body = json.dumps(order_body(*units, **members)).encode()
        answer = book.create(Call(path={}, query={}, headers={}, body=body))
        assert answer.status == 201
        assert isinstance(answer.body, Mapping)
        taken = answer.body["whistl_order_id"]
        return next(o for o in world.all_whistl_orders() if o.whistl_order_id == taken)

    return take


@pytest.fixture
def whistl(simulator: RunningSimulator) -> Iterator[httpx.Client]:
    headers = {"Authorization": "Bearer whistl-test-token"}
    with httpx.Client(base_url=simulator.whistl_url, headers=headers, timeout=5) as client:
        yield client


@pytest.fixture
def sell(world: World, skus: list[str]) -> Callable[..., CentraOrder]:
    """Place one order of two units of the first SKU, unless asked otherwise."""

    def place(*units: tuple[str, int], **members: Any) -> CentraOrder:
        return place_order(world, list(units) or [(skus[0], 2)], **members)

    return place


@pytest.fixture
def send(world: World, accept: Callable[..., WhistlOrder]) -> Callable[[CentraOrder], WhistlOrder]:
    """Hand an order to Whistl as the product should."""

    def hand_over(order: CentraOrder) -> WhistlOrder:
        units = [(line.sku, line.quantity) for line in order.lines]
        return accept(*units, order_number=world.whistl_number(order))

    return hand_over


@pytest.fixture
def complete(world: World) -> Callable[..., None]:
    """Complete one box in Centra as the product should, but for the changes."""

    def complete_box(order: CentraOrder, parcel: SentParcel, **changes: Any) -> None:
        info = {
            "carrier": "Simulated Royal Mail",
            "trackingNumber": min(parcel.tracking_numbers),
            **changes,
        }
        lines = {order.lines[n - 1].line_id: units for n, units in parcel.units.items()}
        shipment = add_shipment(world, order, lines, is_good_to_go=True, is_paid=True)
        shipment.info = info
        ship(world, order, shipment, parcel.despatched_at, send_email=True)

    return complete_box


@pytest.fixture
def do(simulator: RunningSimulator) -> Callable[..., Any]:
    """Post one mutation to the simulated Centra, and return its payload."""

    def post(query: str, **variables: Any) -> Any:
        answer = httpx.post(
            f"{simulator.centra_url}/graphql",
            json={"query": query, "variables": variables},
            headers={"Authorization": f"Bearer {TEST_TOKEN}"},
        )
        assert answer.status_code == 200, answer.text
        (payload,) = answer.json()["data"].values()
        return payload

    return post


@pytest.fixture
def message() -> Callable[[Any], str]:
    """Read what a payload's user errors say."""

    def read(payload: Any) -> str:
        return " ".join(error["message"] for error in payload["userErrors"])

    return read
