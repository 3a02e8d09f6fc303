"""The simulated Whistl refuses exactly what its API as specified refuses, all of it at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from centra_whistl_dagster.simulator.whistl.findings import Findings
from centra_whistl_dagster.simulator.whistl.orders import payload_hash
from centra_whistl_dagster.simulator.whistl.validation import Catalogue, examine
from centra_whistl_dagster.simulator.world.catalogue import ABROAD, NEXT_DAY, POSTAL, WITHDRAWN
from centra_whistl_dagster.simulator.world.world import World

OrderBody = Callable[..., dict[str, Any]]

SERVICE = {"carrier_code": NEXT_DAY.carrier_code, "delivery_method": NEXT_DAY.delivery_method}
INTERNATIONAL = {"carrier_code": ABROAD.carrier_code, "delivery_method": ABROAD.delivery_method}
OFF = {"carrier_code": WITHDRAWN.carrier_code, "delivery_method": WITHDRAWN.delivery_method}
PARIS = {"country": "FR", "postcode": "75011", "city": "Paris", "phone": "33639981234"}
BELFAST = {"postcode": "BT1 4GT", "city": "Belfast"}


@pytest.fixture
def catalogue(world: World) -> Catalogue:
    return Catalogue(world.services, world.whistl_product)


def codes(found: Findings) -> list[tuple[str, str]]:
    return [(detail["code"], detail["field"]) for detail in found.details]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({}, id="as it is"),
        pytest.param({"delivery_address": {"phone": "", "email": ""}}, id="nothing needs a phone"),
        pytest.param({"delivery_address": {"name": "Siân O'Brien-Müller"}}, id="Latin-1"),
        pytest.param({"service": SERVICE}, id="courier with phone and e-mail"),
        pytest.param({"service": INTERNATIONAL, "delivery_address": PARIS}, id="abroad"),
        pytest.param({"delivery_address": BELFAST}, id="Northern Ireland"),
        pytest.param({"delivery_address": {"postcode": "BF1 4AX"}}, id="forces' post"),
    ],
)
def test_a_good_order_is_accepted(
    order_body: OrderBody, catalogue: Catalogue, change: dict[str, Any]
) -> None:
    assert codes(examine(order_body(**change), catalogue)) == []


ADDRESS_FAULTS = [
    ({"name": ""}, "required", "name"),
    ({"name": "A" * 36}, "too_long", "name"),
    ({"line1": None}, "required", "line1"),
    ({"line2": "x" * 36}, "too_long", "line2"),
    ({"line3": "Upper floor"}, "too_long", "line3"),
    ({"city": " "}, "required", "city"),
    ({"county": "Ż"}, "unsupported_character", "county"),
    ({"line1": "12 High~Street"}, "unsupported_character", "line1"),
    ({"line1": "12\nHigh Street"}, "unsupported_character", "line1"),
    ({"name": "Ada \N{BALLOON}"}, "unsupported_character", "name"),
    ({"postcode": ""}, "required", "postcode"),
    ({"postcode": "YO1 7H"}, "invalid_postcode", "postcode"),
    ({"postcode": "XXSW1A 1AA"}, "invalid_postcode", "postcode"),
    ({"country": "UK"}, "invalid_country", "country"),
    ({"phone": "+447700900123"}, "invalid_phone", "phone"),
    ({"phone": "0000000"}, "invalid_phone", "phone"),
    ({"phone": "0770090012345"}, "too_long", "phone"),
    ({"email": "ada at example"}, "invalid_email", "email"),
]


@pytest.mark.parametrize(("address", "code", "field"), ADDRESS_FAULTS)
def test_a_bad_address_is_refused_by_field(
    order_body: OrderBody, catalogue: Catalogue, address: dict[str, Any], code: str, field: str
) -> None:
    found = examine(order_body(delivery_address=address), catalogue)

    assert codes(found) == [(code, f"delivery_address.{field}")]


SERVICE_FAULTS = [
    ({"service": None}, {}, "required", "service.carrier_code"),
    ({"service": {"carrier_code": "RMT", "delivery_method": "X"}}, {}, "unknown_service", None),
    ({"service": OFF}, {}, "unknown_service", "service"),
    ({"service": SERVICE}, {"phone": ""}, "missing_phone", "delivery_address.phone"),
    ({"service": SERVICE}, {"email": ""}, "missing_email", "delivery_address.email"),
    ({"service": SERVICE}, BELFAST, "service_not_available_for_destination", "service"),
    ({"service": SERVICE}, {"postcode": "BF1 4AX"}, "service_not_available_for_destination", None),
    ({}, PARIS, "service_not_available_for_destination", "service"),
]


@pytest.mark.parametrize(("change", "address", "code", "field"), SERVICE_FAULTS)
def test_a_service_that_cannot_deliver_is_refused(
    order_body: OrderBody,
    catalogue: Catalogue,
    change: dict[str, Any],
    address: dict[str, Any],
    code: str,
    field: str | None,
) -> None:
    found = examine(order_body(delivery_address=address, **change), catalogue)

    assert (code, field or "service") in codes(found)


LINE_FAULTS = [
    ({"sku": ""}, "required", "sku"),
    ({"sku": "TEE9#BLK"}, "invalid_sku_format", "sku"),
    ({"sku": " TEE"}, "invalid_sku_format", "sku"),
    ({"sku": "T" * 25}, "invalid_sku_format", "sku"),
    ({"quantity": 0}, "invalid_quantity", "quantity"),
    ({"quantity": 100_000}, "invalid_quantity", "quantity"),
    ({"quantity": "2"}, "invalid_quantity", "quantity"),
    ({"quantity": True}, "invalid_quantity", "quantity"),
    ({"unit_price_gross": 20}, "invalid_amount", "unit_price_gross"),
    ({"unit_price_gross": "20.005"}, "invalid_amount", "unit_price_gross"),
    ({"unit_weight_kg": "NaN"}, "invalid_weight", "unit_weight_kg"),
    ({"unit_weight_kg": "20.1"}, "weight_exceeds_service", "unit_weight_kg"),
    ({"hs_code": "6109"}, "invalid_hs_code", "hs_code"),
    ({"country_of_origin": "XX"}, "invalid_country", "country_of_origin"),
    ({"line_number": 0}, "required", "line_number"),
    ({"line_number": "1"}, "required", "line_number"),
]


@pytest.mark.parametrize(("change", "code", "field"), LINE_FAULTS)
def test_a_bad_line_is_refused_by_its_place(
    order_body: OrderBody,
    catalogue: Catalogue,
    skus: list[str],
    change: dict[str, Any],
    code: str,
    field: str,
) -> None:
    body = order_body((skus[0], 1), (skus[1], 1))
    body["lines"][1] |= change

    assert codes(examine(body, catalogue)) == [(code, f"lines[1].{field}")]


def test_the_same_sku_may_come_twice_but_a_line_number_may_not(
    order_body: OrderBody, catalogue: Catalogue, skus: list[str]
) -> None:
    body = order_body((skus[0], 1), (skus[0], 1))
    twice = examine(body, catalogue)
    body["lines"][1]["line_number"] = 1

    assert codes(twice) == []
    assert codes(examine(body, catalogue)) == [("duplicate_line_number", "lines[1].line_number")]


def test_a_switched_off_sku_is_refused(
    order_body: OrderBody, world: World, catalogue: Catalogue
) -> None:
    body = order_body()
    item = world.items[body["lines"][0]["sku"]]
    item.product = replace(item.product, is_active=False)

    assert codes(examine(body, catalogue)) == [("inactive_sku", "lines[0].sku")]


@pytest.mark.parametrize(
    ("address", "service"),
    [
        pytest.param(BELFAST, None, id="Northern Ireland"),
        pytest.param({"postcode": "JE2 3BT", "country": "JE"}, None, id="Jersey"),
        pytest.param({"postcode": "JE2 3BT"}, None, id="Jersey called GB"),
        pytest.param(PARIS, INTERNATIONAL, id="France"),
    ],
)
def test_customs_data_are_needed_off_the_mainland_and_only_there(
    order_body: OrderBody,
    catalogue: Catalogue,
    address: dict[str, Any],
    service: dict[str, str] | None,
) -> None:
    change = {"service": service} if service else {}
    away, home = order_body(delivery_address=address, **change), order_body()
    for body in (away, home):
        del body["customs"]
        for name in ("hs_code", "country_of_origin", "unit_weight_kg", "description"):
            body["lines"][0][name] = ""

    assert {code for code, _ in codes(examine(away, catalogue))} == {"missing_customs_data"}
    assert len(examine(away, catalogue).details) == 5
    assert codes(examine(home, catalogue)) == []


def test_what_the_label_cannot_carry_is_warned_of_and_accepted(
    order_body: OrderBody, catalogue: Catalogue
) -> None:
    address = PARIS | {"phone": "3363998123456", "email": "a" * 30 + "@example.com"}

    found = examine(order_body(service=INTERNATIONAL, delivery_address=address), catalogue)

    assert codes(found) == []
    assert [warning["code"] for warning in found.warnings] == ["phone_cut", "email_cut"]


def test_the_order_number_fits_twelve_characters(
    order_body: OrderBody, catalogue: Catalogue
) -> None:
    fits = examine(order_body(order_number="C12345678901"), catalogue)
    long = examine(order_body(order_number="C123456789012"), catalogue)

    assert codes(fits) == []
    assert codes(long) == [("order_number_too_long", "order_number")]


def test_everything_wrong_is_said_at_once(order_body: OrderBody, catalogue: Catalogue) -> None:
    found = examine(order_body(("NO-SUCH-SKU", 0), delivery_address={"city": ""}), catalogue)

    assert {code for code, _ in codes(found)} == {"required", "unknown_sku", "invalid_quantity"}


NAMES = st.sampled_from(("line1", "phone", "postcode", "country", "carrier_code", "sku"))
TEXTS = st.text("aZ0.- ~\n\ud800\u0142", max_size=4)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner), max_leaves=4
)
FIELDS = (
    "order_number", "service", "delivery_address", "lines", "totals", "customs", "recipient_type",
    "currency",
)  # fmt: skip
NOTHING_KNOWN = Catalogue({}, lambda _sku: None)


@given(
    st.dictionaries(st.sampled_from(FIELDS), ANYTHING),
    st.lists(st.dictionaries(st.sampled_from(("line_number", "sku", "quantity")), ANYTHING)),
)
def test_no_body_whatever_its_shape_breaks_the_examination(
    body: dict[str, Any], lines: list[dict[str, Any]]
) -> None:
    assert examine(body, NOTHING_KNOWN).details
    assert examine({**body, "lines": lines}, NOTHING_KNOWN).details
    assert len(payload_hash(body)) == 64


def test_the_fingerprint_sees_contents_and_not_spelling(order_body: OrderBody) -> None:
    body = order_body()
    respelled = dict(reversed(body.items())) | {"external_reference": "x", "source": " WEB "}

    assert payload_hash(respelled) == payload_hash(body)
    assert payload_hash({**body, "gift_message": "x"}) != payload_hash(body)


def test_a_weight_that_only_the_product_states_counts(
    order_body: OrderBody, world: World, catalogue: Catalogue
) -> None:
    body = order_body()
    item = world.items[body["lines"][0]["sku"]]
    item.product = replace(item.product, unit_weight_kg=Decimal(21))
    del body["lines"][0]["unit_weight_kg"]

    assert world.services[POSTAL].weight_limit_kg == 20
    assert codes(examine(body, catalogue)) == [
        ("weight_exceeds_service", "lines[0].unit_weight_kg")
    ]
