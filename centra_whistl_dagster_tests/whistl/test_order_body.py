"""What an order looks like when it leaves, and how it is known again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from centra_whistl_dagster.domain.orders.order import Order
from centra_whistl_dagster.simulator.whistl.orders import payload_hash as hash_at_whistl
from centra_whistl_dagster.whistl.mapping import payload_hash

Body = dict[str, Any]
BodyOf = Callable[..., Body]


def test_lines_are_numbered_from_one_in_their_order(order: Order, body_of: BodyOf) -> None:
    lines = body_of(order)["lines"]

    assert [(line["line_number"], line["sku"]) for line in lines] == [
        (1, "tee-Blk-M"),
        (2, "CAP-1"),
    ]


def test_a_line_carries_what_customs_wants_to_know(order: Order, body_of: BodyOf) -> None:
    known, unknown = body_of(order)["lines"]

    assert known == {
        "line_number": 1,
        "sku": "tee-Blk-M",
        "quantity": 2,
        "unit_price_gross": "20.00",
        "description": "Cotton T-shirt",
        "product_type": "T-shirt",
        "hs_code": "610910",
        "country_of_origin": "PT",
        "unit_weight_kg": "0.180",
        "personalisation": None,
    }
    assert unknown["description"] == "A cap of a description that is much"
    assert unknown["unit_weight_kg"] is None


def test_money_is_text_with_two_decimals(order: Order, body_of: BodyOf) -> None:
    assert body_of(order)["totals"] == {
        "goods_gross": "60.00",
        "delivery_gross": "3.95",
        "order_gross": "63.95",
        "tax": "10.60",
    }


def test_the_whole_order_names_itself_and_its_service(order: Order, body_of: BodyOf) -> None:
    body = body_of(order)

    assert body["order_number"] == "C100234"
    assert body["order_date"] == "2026-03-02T09:14:30Z"
    assert body["service"] == {"carrier_code": "SIM-POST", "delivery_method": "48"}
    assert body["delivery_address"]["name"] == "Ada O'Brien"
    assert body["customs"]["terms"] == "DDU"
    assert body_of(order, is_ddp=True)["customs"]["terms"] == "DDP"


def test_both_sides_make_the_same_fingerprint(order: Order, body_of: BodyOf) -> None:
    body = body_of(replace(order, currency=" GBP "))
    body["gift_message"] = "Für Renée 🎁"

    assert payload_hash(body) == hash_at_whistl(body)


@pytest.mark.parametrize(
    ("change", "is_same"),
    [
        (lambda b: b.update(external_reference="another"), True),
        (lambda b: b["delivery_address"].update(city="  York "), True),
        (lambda b: b.update(lines=list(reversed(b["lines"]))), False),
        (lambda b: b["delivery_address"].update(city="Hull"), False),
        (lambda b: b["lines"][0].update(quantity=3), False),
        (lambda b: b["service"].update(delivery_method="24"), False),
    ],
)
def test_the_fingerprint_changes_with_what_the_warehouse_acts_upon(
    order: Order, body_of: BodyOf, change: Callable[[Body], None], is_same: bool
) -> None:
    before = payload_hash(body_of(order))
    body = body_of(order)
    change(body)

    assert (payload_hash(body) == before) is is_same


def test_the_fingerprint_does_not_depend_on_how_money_was_written(
    order: Order, body_of: BodyOf
) -> None:
    rewritten = replace(order, shipping_total=Decimal("3.950"))

    assert payload_hash(body_of(rewritten)) == payload_hash(body_of(order))
