"""Each rule both ways: what it lets through, and what it keeps back under which kind."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from centra_whistl_dagster.domain.problems import ADVICE, ExceptionKind
from centra_whistl_dagster.screening.messages import MESSAGES
from centra_whistl_dagster.screening.screen import Blocked, screen

JERSEY = {"city": "St Helier", "postcode": "JE2 3BT"}
BELFAST = {"city": "Belfast", "postcode": "BT1 5GS"}
PARIS = {"city": "Paris", "postcode": "75001", "country": "FR", "phone": "+33 6 14 78 35 92"}


def test_a_sound_order_is_cleared_under_its_number_and_service(desk: Any) -> None:
    cleared = desk.cleared(desk.order())

    assert cleared.order_number == "C100234"
    assert str(cleared.service) == "SIM-POST/48"
    assert cleared.delivery.name == "Ada O'Brien"
    assert cleared.delivery.phone == "02079460018"
    assert cleared.warnings == ()


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"number": 10**12}, "order_number_invalid"),
        ({"number": 10**10}, None),
        ({"lines": ()}, "order_without_lines"),
        ({"currency": "gbp"}, "currency_invalid"),
        ({"currency": ""}, "currency_invalid"),
        ({"currency": "EUR"}, None),
        ({"grand_total": Decimal("-0.01")}, "order_total_invalid"),
        ({"grand_total": Decimal("NaN")}, "order_total_invalid"),
        ({"tax_total": Decimal("1e9")}, "order_total_invalid"),
        ({"grand_total": Decimal(0)}, None),
        ({"delivery": None}, "address_missing"),
        ({"shipping_option": None}, "shipping_option_missing"),
    ],
)
def test_the_order_as_a_whole(desk: Any, changes: dict[str, Any], kind: str | None) -> None:
    assert desk.kinds(desk.order(**changes)) == ({kind} if kind else set())


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"quantity": 0}, "quantity_invalid"),
        ({"quantity": 99_999, "unit_price": Decimal("0.01")}, None),
        ({"quantity": 100_000, "unit_price": Decimal("0.01")}, "quantity_invalid"),
        ({"unit_price": Decimal("-1")}, "line_value_invalid"),
        ({"unit_price": Decimal("50000")}, "line_value_invalid"),
        ({"unit_price": Decimal("Infinity")}, "line_value_invalid"),
        ({"unit_price": Decimal("9e999999")}, "line_value_invalid"),
        ({"unit_price": Decimal(0)}, None),
    ],
)
def test_an_order_line(desk: Any, changes: dict[str, Any], kind: str | None) -> None:
    order = desk.order(lines=(desk.line(**changes),))

    assert desk.kinds(order) == ({kind} if kind else set())


def test_an_order_may_have_as_many_lines_as_the_policy_says_and_no_more(desk: Any) -> None:
    order = desk.order(lines=tuple(desk.line(line_id=n) for n in range(3)))

    assert desk.kinds(order, lines_per_order=3) == set()
    assert desk.kinds(order, lines_per_order=2) == {"too_many_lines"}


@pytest.mark.parametrize(
    ("sku", "kind"),
    [
        ("TEE-BLK-M", None),
        ("", "sku_missing"),
        ("TEE#BLK", "sku_malformed"),
        (" TEE-BLK-M", "sku_malformed"),
        ("A" * 25, "sku_malformed"),
        ("A" * 24, "sku_unknown"),
        ("tee-blk-m", "sku_unknown"),
        ("OFF-1", "sku_inactive"),
        ("POST", "sku_not_a_product"),
        ("gift_0001_20", "sku_not_a_product"),
        ("85123A", "sku_collision"),
        ("85123a", "sku_collision"),
    ],
)
def test_a_sku(desk: Any, sku: str, kind: str | None) -> None:
    assert desk.kinds(desk.order(lines=(desk.line(sku),))) == ({kind} if kind else set())


def test_collisions_are_the_clients_choice(desk: Any, make_desk: Any) -> None:
    tee = desk.reference.products["TEE-BLK-M"]
    plain = make_desk((tee, replace(tee, sku="TEEBLKM")), frozenset())

    assert plain.kinds(plain.order()) == {"sku_collision"}
    assert "TEEBLKM" in plain.verdict(plain.order()).problems[0].message


@pytest.mark.parametrize(
    ("option", "address", "kind"),
    [
        ("Standard", {}, None),
        ("Pop-up", {}, "service_unmapped"),
        ("standard", {}, "service_unmapped"),
        ("Express", JERSEY, "service_unmapped"),
        ("Saturday", {}, "service_inactive"),
        ("Rocket", {}, "service_unknown"),
        ("Express", BELFAST, "service_not_offered"),
        ("Standard", {"postcode": "BF1 4AX"}, None),
        ("Express", {"postcode": "BF1 4AX"}, "service_not_offered"),
        ("Twofold", {"postcode": "HS1 2AA"}, "service_ambiguous"),
        ("Twofold", {"postcode": "IV1 1AA"}, None),
        ("International", PARIS, None),
    ],
)
def test_a_shipping_option(
    desk: Any, option: str, address: dict[str, str], kind: str | None
) -> None:
    order = desk.order(address=address, shipping_option=desk.option(option))

    assert desk.kinds(order) == ({kind} if kind else set())


def test_a_piece_too_heavy_with_its_packaging_is_kept_back_and_many_light_ones_are_not(
    desk: Any,
) -> None:
    anvil = desk.order(lines=(desk.line("ANVIL"),))
    many = desk.order(lines=(desk.line(quantity=500),))

    assert desk.kinds(anvil) == {"service_too_heavy"}
    assert desk.kinds(anvil, packaging_kg=Decimal("0.1")) == set()
    assert desk.kinds(many) == set()


def test_the_mapping_is_not_blamed_for_a_wrong_address(desk: Any) -> None:
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
        ({"city": "\N{CYRILLIC CAPITAL LETTER SHA}"}, "unsupported_character"),
        ({"line2": "<b>"}, "unsupported_character"),
    ],
)
def test_a_delivery_address(desk: Any, address: dict[str, str], kind: str | None) -> None:
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
    desk: Any, country: str, address: dict[str, str], kinds: set[str]
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
def test_phone_and_email_are_asked_for_where_the_service_needs_them(
    desk: Any, option: str, contact: dict[str, str], kinds: set[str], warnings: set[str]
) -> None:
    order = desk.order(address=contact, shipping_option=desk.option(option))

    assert desk.kinds(order) == kinds
    assert desk.warnings(order) == warnings


def test_a_contact_that_cannot_be_read_is_left_out_rather_than_sent(desk: Any) -> None:
    delivery = desk.cleared(desk.order(address={"phone": "call me", "email": "none"})).delivery

    assert (delivery.phone, delivery.email) == ("", "")


@pytest.mark.parametrize(
    ("sku", "address", "option", "kind"),
    [
        ("NO-CUSTOMS", {}, "Standard", None),
        ("NO-CUSTOMS", BELFAST, "Standard", "customs_data_missing"),
        ("NO-CUSTOMS", JERSEY, "Standard", "customs_data_missing"),
        ("NO-CUSTOMS", PARIS, "International", "customs_data_missing"),
        ("FEATHER", PARIS, "International", "customs_data_missing"),
        ("TEE-BLK-M", PARIS, "International", None),
        ("BAD-HS", {}, "Standard", "customs_data_malformed"),
        ("BAD-ORIGIN", PARIS, "International", "customs_data_malformed"),
    ],
)
def test_customs_data(
    desk: Any, sku: str, address: dict[str, str], option: str, kind: str | None
) -> None:
    order = desk.order(
        address=address, shipping_option=desk.option(option), lines=(desk.line(sku),)
    )

    assert desk.kinds(order) == ({kind} if kind else set())


def test_a_gift_needs_a_value_only_where_it_is_declared(desk: Any) -> None:
    gift = (desk.line(unit_price=Decimal(0)),)

    assert desk.kinds(desk.order(lines=gift)) == set()
    assert desk.kinds(desk.order(lines=gift, address=BELFAST)) == {"customs_value_missing"}


def test_which_territories_need_customs_data_is_policy(desk: Any) -> None:
    order = desk.order(address=BELFAST, lines=(desk.line("NO-CUSTOMS"),))

    assert desk.kinds(order, customs_territories=frozenset()) == set()


def test_an_unweighed_product_is_told_of_and_goes(desk: Any) -> None:
    assert desk.warnings(desk.order(lines=(desk.line("FEATHER"),))) == {"weight_unknown"}


def test_jersey_goes_under_its_own_country_whatever_the_shop_wrote(desk: Any) -> None:
    assert desk.cleared(desk.order(address=JERSEY)).delivery.country == "JE"


def test_a_gb_only_service_gets_the_isle_of_man_as_gb(desk: Any) -> None:
    services = dict(desk.reference.services)
    code = next(code for code in services if code.carrier_code == "SIM-POST")
    services[code] = replace(services[code], countries=frozenset({"GB"}))
    gb_only = type(desk)(replace(desk.reference, services=services))

    delivery = gb_only.cleared(gb_only.order(address={"postcode": "IM1 1AA"})).delivery

    assert delivery.country == "GB"


def test_one_bad_order_says_everything_that_is_wrong_with_it_at_once(desk: Any) -> None:
    order = desk.order(
        address={"city": "", "postcode": "nowhere"}, lines=(desk.line("TEE#"), desk.line("OFF-1"))
    )

    assert desk.kinds(order) == {
        "address_incomplete",
        "postcode_malformed",
        "sku_malformed",
        "sku_inactive",
    }


def test_one_bad_order_changes_nothing_for_the_others(desk: Any) -> None:
    good, bad = desk.order(), desk.order(delivery=None)

    verdicts = screen([good, bad, good], desk.reference).verdicts

    assert [isinstance(verdict, Blocked) for verdict in verdicts] == [False, True, False]
    assert verdicts[0] == verdicts[2]


def test_what_many_orders_share_is_one_subject(desk: Any) -> None:
    orders = [
        desk.order(number=n, shipping_option=desk.option("Pop-up"), lines=(desk.line("NEW-1"),))
        for n in range(3)
    ]

    blocked = screen(orders, desk.reference).blocked

    subjects = {(p.subject_type, p.subject) for each in blocked for p in each.problems}
    assert subjects == {("sku", "NEW-1"), ("shipping_option", "Pop-up to GB YO")}


def test_two_lines_of_one_bad_sku_are_one_problem(desk: Any) -> None:
    order = desk.order(lines=(desk.line("OFF-1"), desk.line("OFF-1", line_id=8)))

    assert len(desk.verdict(order).problems) == 1


def test_no_personal_value_is_shown_whole(desk: Any) -> None:
    address = {
        "last_name": "Lovelace" * 6,
        "line1": "Ockham Park" * 6,
        "postcode": "YO1 7HHH",
        "phone": "12",
        "email": "ada.lovelace",
    }
    order = desk.order(address=address, shipping_option=desk.option("Express"))

    result = screen([order], desk.reference)

    told = result.failure_cases.to_csv()
    for secret in ("Lovelace", "Ockham", "7HHH", "lovelace"):
        assert secret not in told
    assert {problem.kind for problem in result.blocked[0].problems} == {
        "address_too_long",
        "postcode_malformed",
        "phone_malformed",
        "email_malformed",
    }


def test_the_failure_cases_are_the_findings(desk: Any) -> None:
    orders = [
        desk.order(),
        desk.order(number=2, address={"city": ""}),
        desk.order(number=3, address={"phone": "?"}, lines=(desk.line("OFF-1"),)),
    ]

    result = screen(orders, desk.reference)

    rows = result.failure_cases[["order_number", "kind", "is_blocking"]]
    assert list(rows.itertuples(index=False, name=None)) == [
        ("2", "address_incomplete", True),
        ("3", "sku_inactive", True),
        ("3", "phone_left_out", False),
    ]


def test_no_orders_give_no_verdicts(desk: Any) -> None:
    result = screen([], desk.reference)

    assert result.verdicts == ()
    assert result.failure_cases.empty


def test_every_screening_kind_has_its_sentence() -> None:
    kinds = list(ExceptionKind)
    screening_kinds = set(kinds[: kinds.index(ExceptionKind.WEIGHT_UNKNOWN) + 1])

    assert set(MESSAGES) == screening_kinds
    assert screening_kinds >= ADVICE
