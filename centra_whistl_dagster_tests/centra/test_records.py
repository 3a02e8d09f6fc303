"""Centra's JSON into orders: nulls where they may be, and one named field where they may not."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from centra_whistl_dagster.centra.reading import order_or_unreadable
from centra_whistl_dagster.centra.records import UnreadableOrder
from centra_whistl_dagster.domain.orders.order import CentraShipment, CentraShipmentLine, Order
from centra_whistl_dagster.transport.answers import Json, parse_json

Node = dict[str, Any]


def as_received(node: Node) -> Json:
    return parse_json(json.dumps(node).encode())


def read(node: Node) -> Order:
    found = order_or_unreadable(as_received(node))
    assert isinstance(found, Order), found
    return found


def test_an_order_is_read_whole(order_node: Node) -> None:
    order = read(order_node)

    assert (order.centra_id, order.number) == ("0123456789abcdef0123456789abcdef", 100234)
    assert order.ordered_at == datetime(2026, 3, 2, 8, 14, tzinfo=UTC)
    assert (order.currency, order.grand_total) == ("GBP", Decimal("43.95"))
    assert (order.shipping_total, order.tax_total) == (Decimal("3.95"), Decimal("7.33"))
    assert order.warehouse_ids == {1}
    assert order.shipping_option is not None
    assert order.shipping_option.uri == "standard"
    (line,) = order.lines
    assert (line.line_id, line.sku, line.quantity) == (71, "TEE-BLK-M", 2)
    assert line.unit_price == Decimal("20.0")
    assert line.description == "Cotton T-shirt Black M"


def test_the_first_phone_that_is_not_blank_is_taken(order_node: Node) -> None:
    address = order_node["shippingAddress"]

    def read_phone() -> str:
        delivery = read(order_node).delivery
        assert delivery is not None
        return delivery.phone

    assert read_phone() == "01904 555123"
    address["cellPhoneNumber"] = "  "
    assert read_phone() == "01904 555123"
    address["cellPhoneNumber"] = "07700900123"
    assert read_phone() == "07700900123"
    address["cellPhoneNumber"] = address["phoneNumber"] = None
    assert read_phone() == ""


def test_the_customers_email_stands_in_for_the_addresss_own(order_node: Node) -> None:
    assert read(order_node).delivery.email == "ada@example.com"  # type: ignore[union-attr]

    order_node["shippingAddress"]["email"] = "home@example.com"
    assert read(order_node).delivery.email == "home@example.com"  # type: ignore[union-attr]


def test_a_county_is_free_text_or_the_name_of_a_state(order_node: Node) -> None:
    order_node["shippingAddress"]["state"] = {"name": "North Yorkshire"}
    assert read(order_node).delivery.county == "North Yorkshire"  # type: ignore[union-attr]


def test_a_sku_is_kept_as_it_is(order_node: Node) -> None:
    order_node["lines"][0]["productSize"]["SKU"] = " tee-Blk-m "
    assert read(order_node).lines[0].sku == " tee-Blk-m "


def test_what_may_be_null_may_be_null(order_node: Node) -> None:
    order_node["shippingAddress"] = None
    order_node["shippingPriceGroup"] = None
    order_node["totals"] = None
    order_node["customer"] = None
    order_node["lines"][0]["productSize"] = None

    order = read(order_node)

    assert order.delivery is None
    assert order.shipping_option is None
    assert order.tax_total == 0
    assert order.lines[0].sku == ""


def test_a_status_nobody_has_heard_of_is_kept_as_a_word(order_node: Node) -> None:
    order_node["status"] = "ON_THE_MOON"
    assert read(order_node).status == "ON_THE_MOON"


def test_a_line_of_which_nothing_is_wanted_any_more_is_no_line(order_node: Node) -> None:
    cancelled = {**copy.deepcopy(order_node["lines"][0]), "id": 70, "quantity": 0}
    order_node["lines"].insert(0, cancelled)

    assert [line.line_id for line in read(order_node).lines] == [71]


def test_the_shipments_come_with_the_order(order_node: Node) -> None:
    order_node["shipments"] = [
        {
            "id": 9,
            "number": "100234-1",
            "isShipped": True,
            "shippedAt": "2026-03-02T12:00:00+00:00",
            "trackingNumber": None,
            "carrierInformation": None,
            "lines": [{"quantity": 2, "orderLine": {"id": 71}}],
        }
    ]

    assert read(order_node).shipments == (
        CentraShipment(
            shipment_id=9,
            number="100234-1",
            is_shipped=True,
            shipped_at=datetime(2026, 3, 2, 12, tzinfo=UTC),
            lines=(CentraShipmentLine(line_id=71, quantity=2),),
        ),
    )


@pytest.mark.parametrize(
    ("damage", "field"),
    [
        (lambda n: n.pop("id"), "id"),
        (lambda n: n.update(isOnHold=None), "isOnHold"),
        (lambda n: n.update(updatedAt="yesterday"), "updatedAt"),
        (lambda n: n.update(grandTotal=None), "grandTotal"),
        (lambda n: n["lines"][0].update(quantity="2"), "lines[0].quantity"),
        (lambda n: n["lines"][0]["unitPrice"].update(value=None), "lines[0].unitPrice.value"),
    ],
)
def test_an_order_that_breaks_the_contract_is_named_with_its_field(
    order_node: Node, damage: Any, field: str
) -> None:
    damage(order_node)

    found = order_or_unreadable(as_received(order_node))

    assert isinstance(found, UnreadableOrder)
    assert (found.number, found.field) == ("100234", field)


def paths_of(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    steps = (
        node.items()
        if isinstance(node, dict)
        else enumerate(node)
        if isinstance(node, list)
        else ()
    )
    return [*([path] if path else []), *(p for k, v in steps for p in paths_of(v, (*path, k)))]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(data=st.data())
def test_no_value_anywhere_makes_reading_crash(order_node: Node, data: st.DataObject) -> None:
    node = copy.deepcopy(order_node)
    *way, last = data.draw(st.sampled_from(paths_of(node)))
    target: Any = node
    for step in way:
        target = target[step]
    target[last] = data.draw(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just([]) | st.just({})
    )

    assert isinstance(order_or_unreadable(as_received(node)), Order | UnreadableOrder)
