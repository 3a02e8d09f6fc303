"""The rules of address, phone and e-mail, both ways: what passes and what does not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from centra_whistl_dagster.screening.screen import screen

if TYPE_CHECKING:
    from centra_whistl_dagster_tests.screening.conftest import Desk

JERSEY = {"city": "St Helier", "postcode": "JE2 3BT"}


def test_the_mapping_is_not_blamed_for_a_wrong_address(desk: Desk) -> None:
    order = desk.order(address={"postcode": "XX1"}, shipping_option=desk.option("Pop-up"))

    assert desk.kinds(order) == {"postcode_malformed"}


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ({"first_name": "", "last_name": ""}, "address_incomplete"),
        ({"first_name": "", "last_name": "", "attention": "Ada"}, None),
        ({"line1": ""}, "address_incomplete"),
        ({"line1": "", "line2": "12 High Street"}, None),
        ({"city": "  "}, "address_incomplete"),
        ({"postcode": ""}, "address_incomplete"),
        ({"postcode": "yo17hh"}, None),
        ({"postcode": "YO1 7H"}, "postcode_malformed"),
        ({"postcode": "XXSW1A 1AA"}, "postcode_malformed"),
        ({"postcode": "BFPO 57"}, "postcode_malformed"),
        ({"country": "ZZ"}, "country_invalid"),
        ({"country": ""}, "country_invalid"),
        ({"first_name": "A" * 40}, "address_too_long"),
        ({"company": "C" * 35}, None),
        ({"company": "C" * 36}, "address_too_long"),
        ({"city": "Y" * 36}, "address_too_long"),
        ({"county": "N" * 36}, "address_too_long"),
        ({"line1": "L" * 36}, "address_too_long"),
        ({"line1": "word " * 16}, "address_too_long"),
        ({"line1": "word " * 13}, None),
        ({"first_name": "Ada \N{BALLOON}"}, "unsupported_character"),
        ({"city": "\N{CYRILLIC CAPITAL LETTER SHA}"}, None),
        ({"city": "\N{CJK UNIFIED IDEOGRAPH-6771}"}, "unsupported_character"),
        ({"city": "N/A"}, "address_placeholder"),
        ({"company": "N/A", "line2": "-"}, None),
        ({"postcode": "AA1 1AA"}, "postcode_malformed"),
        ({"line2": "<b>"}, "unsupported_character"),
    ],
)
def test_a_delivery_address(desk: Desk, address: dict[str, str], kind: str | None) -> None:
    assert desk.kinds(desk.order(address=address)) == ({kind} if kind else set())


@pytest.mark.parametrize(
    ("country", "address", "kinds"),
    [
        ("US", {"city": "Austin", "county": "TX", "postcode": "78701"}, set()),
        ("US", {"city": "Austin", "county": "", "postcode": "78701"}, {"address_incomplete"}),
        ("US", {"city": "Austin", "county": "TX", "postcode": "787"}, {"postcode_malformed"}),
        ("IE", {"city": "Dublin", "postcode": ""}, set()),
        ("HK", {"city": "", "county": "Kowloon", "postcode": ""}, set()),
        ("SG", {"city": "", "postcode": "018956"}, set()),
        ("DE", {"city": "Berlin", "postcode": "1011"}, {"postcode_malformed"}),
    ],
)
def test_an_address_abroad_needs_what_its_country_needs(
    desk: Desk, country: str, address: dict[str, str], kinds: set[str]
) -> None:
    order = desk.order(
        address={**address, "country": country}, shipping_option=desk.option("International")
    )

    assert desk.kinds(order) == kinds


@pytest.mark.parametrize(
    ("option", "contact", "kinds", "warnings"),
    [
        ("Express", {}, set(), set()),
        ("Express", {"phone": ""}, {"phone_missing"}, set()),
        ("Express", {"phone": "0000000000"}, {"phone_malformed"}, set()),
        ("Express", {"phone": "07700900123"}, set(), {"phone_doubtful"}),
        ("Express", {"phone": "+491512345678901"}, {"phone_malformed"}, set()),
        ("Express", {"email": " "}, {"email_missing"}, set()),
        ("Express", {"email": "ada@example"}, {"email_malformed"}, set()),
        ("Express", {"email": f"{'a' * 30}@example.com"}, set(), {"email_too_long"}),
        ("Standard", {"phone": "", "email": ""}, set(), set()),
        ("Standard", {"phone": "call me"}, set(), {"phone_left_out"}),
        ("Standard", {"email": "none"}, set(), {"email_left_out"}),
    ],
)
def test_phone_and_email_are_required_where_the_service_requires_them(
    desk: Desk, option: str, contact: dict[str, str], kinds: set[str], warnings: set[str]
) -> None:
    order = desk.order(address=contact, shipping_option=desk.option(option))

    assert desk.kinds(order) == kinds
    assert desk.warnings(order) == warnings


@pytest.mark.parametrize(
    ("country", "address", "kinds"),
    [
        (
            "US",
            {"city": "Austin", "county": "NY", "postcode": "78701"},
            "state_contradicts_postcode",
        ),
        ("US", {"city": "Austin", "county": "ZZ", "postcode": "78701"}, "state_unknown"),
        ("US", {"city": "Austin", "county": "Texas", "postcode": "787011234"}, None),
        ("TR", {"city": "Pendik", "county": "Ankara", "postcode": "34890"}, "state_doubtful"),
        ("IE", {"city": "Dublin", "postcode": "Z99 X285"}, "postcode_malformed"),
    ],
)
def test_a_state_and_a_postcode_must_agree(
    desk: Desk, country: str, address: dict[str, str], kinds: str | None
) -> None:
    order = desk.order(
        address={**address, "country": country, "phone": ""},
        shipping_option=desk.option("International"),
    )

    assert desk.kinds(order) | desk.warnings(order) == ({kinds} if kinds else set())


def test_what_is_sent_otherwise_than_typed_is_shown_and_not_who_it_is(desk: Desk) -> None:
    order = desk.order(
        address={
            "last_name": "\N{LATIN CAPITAL LETTER SCHWA}liyeva",
            "company": "N/A",
            "city": "Berlin",
            "postcode": "D-10115",
            "country": "DE",
        },
        shipping_option=desk.option("International"),
    )

    cleared = desk.cleared(order)

    sent = cleared.delivery
    assert (sent.name, sent.company, sent.postcode) == ("Ada Aliyeva", "", "10115")
    assert {change.field for change in cleared.changes} == {"name", "company", "postcode"}
    assert screen([order], desk.reference).changes()[0] == {
        "order": "100234",
        "field": "name",
        "changed": "\N{LATIN CAPITAL LETTER SCHWA} as A",
    }


def test_a_landline_is_refused_only_by_a_service_that_sends_text_messages(desk: Desk) -> None:
    order = desk.order(address={"phone": "01904 555123"}, shipping_option=desk.option("Express"))

    assert desk.kinds(order) == set()
    assert desk.kinds(order, mobile_services=("SIM-COURIER/NEXT",)) == {"phone_not_mobile"}


def test_a_contact_that_cannot_be_read_is_left_out_rather_than_sent(desk: Desk) -> None:
    delivery = desk.cleared(desk.order(address={"phone": "call me", "email": "none"})).delivery

    assert (delivery.phone, delivery.email) == ("", "")


def test_jersey_goes_under_its_own_country_whatever_the_shop_wrote(desk: Desk) -> None:
    assert desk.cleared(desk.order(address=JERSEY)).delivery.country == "JE"


def test_a_gb_only_service_gets_the_isle_of_man_as_gb(desk: Desk) -> None:
    services = dict(desk.reference.services)
    code = next(code for code in services if code.carrier_code == "SIM-POST")
    services[code] = replace(services[code], countries=frozenset({"GB"}))
    gb_only = type(desk)(replace(desk.reference, services=services))

    delivery = gb_only.cleared(gb_only.order(address={"postcode": "IM1 1AA"})).delivery

    assert delivery.country == "GB"


def test_no_personal_value_is_shown_whole(desk: Desk) -> None:
    address = {
        "last_name": "Lovelace" * 6,
        "line1": "Ockham Park" * 6,
        "postcode": "YO1 7HHH",
        "phone": "12",
        "email": "ada.lovelace",
    }
    order = desk.order(address=address, shipping_option=desk.option("Express"))

    result = screen([order], desk.reference)

    shown = result.failure_cases.to_csv()
    for secret in ("Lovelace", "Ockham", "7HHH", "lovelace"):
        assert secret not in shown
    assert {problem.kind for problem in result.verdicts[0].problems} == {
        "address_too_long",
        "postcode_malformed",
        "phone_malformed",
        "email_malformed",
    }
