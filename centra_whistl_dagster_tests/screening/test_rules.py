"""Each rule both ways: what it lets through, and what it blocks under which kind."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from centra_whistl_dagster.screening.screen import Blocked, screen

if TYPE_CHECKING:
    from centra_whistl_dagster_tests.screening.conftest import Desk, MakeDesk

JERSEY = {"city": "St Helier", "postcode": "JE2 3BT"}
BELFAST = {"city": "Belfast", "postcode": "BT1 5GS"}
PARIS = {"city": "Paris", "postcode": "75001", "country": "FR", "phone": "+33 6 14 78 35 92"}


def test_a_sound_order_is_cleared_under_its_number_and_service(desk: Desk) -> None:
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
def test_the_order_as_a_whole(desk: Desk, changes: dict[str, Any], kind: str | None) -> None:
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
def test_an_order_line(desk: Desk, changes: dict[str, Any], kind: str | None) -> None:
    order = desk.order(lines=(desk.line(**changes),))

    assert desk.kinds(order) == ({kind} if kind else set())


def test_an_order_may_have_as_many_lines_as_the_policy_says_and_no_more(desk: Desk) -> None:
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
def test_a_sku(desk: Desk, sku: str, kind: str | None) -> None:
    assert desk.kinds(desk.order(lines=(desk.line(sku),))) == ({kind} if kind else set())


def test_collisions_are_the_clients_choice(desk: Desk, make_desk: MakeDesk) -> None:
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
    desk: Desk, option: str, address: dict[str, str], kind: str | None
) -> None:
    order = desk.order(address=address, shipping_option=desk.option(option))

    assert desk.kinds(order) == ({kind} if kind else set())


def test_an_item_too_heavy_with_its_packaging_is_blocked_and_many_light_ones_are_not(
    desk: Desk,
) -> None:
    anvil = desk.order(lines=(desk.line("ANVIL"),))
    many = desk.order(lines=(desk.line(quantity=500),))

    assert desk.kinds(anvil) == {"service_too_heavy"}
    assert desk.kinds(anvil, packaging_kg=Decimal("0.1")) == set()
    assert desk.kinds(many) == set()


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
    desk: Desk, sku: str, address: dict[str, str], option: str, kind: str | None
) -> None:
    order = desk.order(
        address=address, shipping_option=desk.option(option), lines=(desk.line(sku),)
    )

    assert desk.kinds(order) == ({kind} if kind else set())


def test_a_gift_needs_a_value_only_where_it_is_declared(desk: Desk) -> None:
    gift = (desk.line(unit_price=Decimal(0)),)

    assert desk.kinds(desk.order(lines=gift)) == set()
    assert desk.kinds(desk.order(lines=gift, address=BELFAST)) == {"customs_value_missing"}


def test_which_territories_need_customs_data_is_policy(desk: Desk) -> None:
    order = desk.order(address=BELFAST, lines=(desk.line("NO-CUSTOMS"),))

    assert desk.kinds(order, customs_territories=frozenset()) == set()


def test_a_product_without_a_weight_is_sent_with_a_warning(desk: Desk) -> None:
    assert desk.warnings(desk.order(lines=(desk.line("FEATHER"),))) == {"weight_unknown"}


def test_one_bad_order_says_everything_that_is_wrong_with_it_at_once(desk: Desk) -> None:
    order = desk.order(
        address={"city": "", "postcode": "nowhere"}, lines=(desk.line("TEE#"), desk.line("OFF-1"))
    )

    assert desk.kinds(order) == {
        "address_incomplete",
        "postcode_malformed",
        "sku_malformed",
        "sku_inactive",
    }


def test_one_bad_order_changes_nothing_for_the_others(desk: Desk) -> None:
    good, bad = desk.order(), desk.order(delivery=None)

    verdicts = screen([good, bad, good], desk.reference).verdicts

    assert [isinstance(verdict, Blocked) for verdict in verdicts] == [False, True, False]
    assert verdicts[0] == verdicts[2]


def test_what_many_orders_share_is_one_subject(desk: Desk) -> None:
    orders = [
        desk.order(number=n, shipping_option=desk.option("Pop-up"), lines=(desk.line("NEW-1"),))
        for n in range(3)
    ]

    blocked = screen(orders, desk.reference).verdicts

    subjects = {(p.subject_type, p.subject) for verdict in blocked for p in verdict.problems}
    assert subjects == {("sku", "NEW-1"), ("shipping_option", "Pop-up")}


@pytest.mark.parametrize(
    ("option", "subject"),
    [("Pop-up", "Pop-up"), ("Twofold", "Twofold to GB"), ("Saturday", "Saturday to GB")],
)
def test_an_option_is_one_exception_whatever_the_postcode_area(
    desk: Desk, option: str, subject: str
) -> None:
    areas = ["HS1 2AA", "HS2 9AA"] if option == "Twofold" else ["YO1 7HH", "LS1 4AP"]
    orders = [
        desk.order(
            number=number, shipping_option=desk.option(option), address={"postcode": postcode}
        )
        for number, postcode in enumerate(areas)
    ]

    blocked = screen(orders, desk.reference).verdicts

    assert {p.subject for verdict in blocked for p in verdict.problems} == {subject}


def test_two_lines_of_one_bad_sku_are_one_problem(desk: Desk) -> None:
    order = desk.order(lines=(desk.line("OFF-1"), desk.line("OFF-1", line_id=8)))

    assert len(desk.verdict(order).problems) == 1


def test_the_failure_cases_are_the_findings(desk: Desk) -> None:
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


def test_no_orders_give_no_verdicts(desk: Desk) -> None:
    result = screen([], desk.reference)

    assert result.verdicts == ()
    assert result.failure_cases.empty


@pytest.mark.parametrize(
    ("changes", "address", "sentence"),
    [
        (
            {"currency": ""},
            {},
            "Invalid currency code (blank): it must be three capital letters, such as GBP.",
        ),
        ({"tax_total": Decimal(-1)}, {}, "Invalid tax -1: it must be from 0 to 9999999."),
        ({}, {"postcode": "YO1 7H"}, "Invalid GB postcode: it must look like EC1Y 8SY."),
        ({}, {"city": ""}, "The delivery address has no city, which GB requires."),
        ({}, {"line1": "L" * 36}, "Address line 1 exceeds Whistl's 35 characters."),
        (
            {},
            {"line1": "L" * 33},
            "Address line 1 exceeds 32 characters, and some carriers cut it off there.",
        ),
        (
            {},
            {"city": "York\N{BALLOON}"},
            "Characters that the warehouse cannot print in the city: \N{BALLOON} (U+1F388).",
        ),
    ],
)
def test_a_fault_is_said_in_one_plain_sentence(
    desk: Desk, changes: dict[str, Any], address: dict[str, str], sentence: str
) -> None:
    verdict = desk.verdict(desk.order(address=address, **changes))

    assert [problem.message for problem in (*verdict.problems, *verdict.warnings)] == [sentence]


def test_a_fault_of_a_line_names_the_line_and_its_field(desk: Desk) -> None:
    order = desk.order(lines=(desk.line(), desk.line(quantity=0), desk.line("")))

    assert {(p.field, p.message) for p in desk.verdict(order).problems} == {
        (
            "quantity of line 2",
            "Invalid quantity 0 on line 2 (TEE-BLK-M): it must be from 1 to 99999.",
        ),
        ("SKU of line 3", "Line 3 has no SKU: in Centra it has no product size."),
    }


def test_a_line_too_long_for_whistl_gets_no_second_exception_for_the_carriers(desk: Desk) -> None:
    assert desk.warnings(desk.order(address={"line1": "L" * 36})) == set()


def test_a_phone_number_is_not_called_invalid_where_only_the_country_is(desk: Desk) -> None:
    verdict = desk.verdict(desk.order(address={"country": "ZZ"}))

    assert [p.kind for p in (*verdict.problems, *verdict.warnings)] == ["country_invalid"]
