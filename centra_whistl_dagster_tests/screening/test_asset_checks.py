"""What Dagster shows of screening: each kind of exception turns the one check red that is its own.

The asset runs in Dagster on a ledger of its own; only the two catalogues are not read over HTTP.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, cast

import dagster as dg
import pytest

from centra_whistl_dagster.centra.client import CentraClient
from centra_whistl_dagster.defs.assets.screening import orders_screened
from centra_whistl_dagster.defs.resources import LinkResource
from centra_whistl_dagster.domain.exceptions.problems import ADVICE, ExceptionKind
from centra_whistl_dagster.domain.orders.order import Order
from centra_whistl_dagster.domain.orders.whistl_catalogue import WhistlProduct, WhistlService
from centra_whistl_dagster.screening.rule import Check
from centra_whistl_dagster.screening.rules import CHECKS
from centra_whistl_dagster.whistl.client import WhistlClient
from centra_whistl_dagster.workflows.link import open_link
from centra_whistl_dagster.workflows.orders.readings import apply_reading
from centra_whistl_dagster.workflows.reference.refresh import refresh_reference

if TYPE_CHECKING:
    from centra_whistl_dagster_tests.screening.conftest import Desk

CONFIG = Path(__file__).parents[2] / "config"
K = ExceptionKind
BELFAST = {"city": "Belfast", "postcode": "BT1 5GS"}
GERMANY = {"city": "Berlin", "postcode": "10115", "country": "DE", "phone": "+49 1512 3456789"}
AMERICA = {"city": "Austin", "postcode": "78701", "country": "US", "phone": "+1 201 555 0123"}
TURKEY = {"city": "Pendik", "postcode": "34890", "country": "TR", "phone": "+90 501 234 56 78"}
PARIS = {"city": "Paris", "postcode": "75001", "country": "FR", "phone": "+33 1 42 68 53 00"}
PILE = Decimal(50_000)


def with_address(**parts: str) -> Callable[[Desk], Order]:
    return lambda desk: desk.order(address=parts)


def by(option: str, **parts: str) -> Callable[[Desk], Order]:
    return lambda desk: desk.order(address=parts, shipping_option=desk.option(option))


def with_sku(sku: str, **parts: str) -> Callable[[Desk], Order]:
    return lambda desk: desk.order(address=parts, lines=(desk.line(sku),))


EXAMPLES: dict[ExceptionKind, Callable[[Desk], Order]] = {
    K.ORDER_NUMBER_INVALID: lambda desk: desk.order(number=10**12),
    K.ORDER_WITHOUT_LINES: lambda desk: desk.order(lines=()),
    K.TOO_MANY_LINES: lambda desk: desk.order(
        lines=tuple(desk.line(line_id=n) for n in range(201))
    ),
    K.QUANTITY_INVALID: lambda desk: desk.order(lines=(desk.line(quantity=0),)),
    K.LINE_VALUE_INVALID: lambda desk: desk.order(lines=(desk.line(unit_price=PILE, quantity=2),)),
    K.ORDER_TOTAL_INVALID: lambda desk: desk.order(grand_total=Decimal(-1)),
    K.CURRENCY_INVALID: lambda desk: desk.order(currency="pounds"),
    K.ADDRESS_MISSING: lambda desk: desk.order(delivery=None),
    K.ADDRESS_INCOMPLETE: with_address(city=""),
    K.ADDRESS_PLACEHOLDER: with_address(city="N/A"),
    K.ADDRESS_TOO_LONG: with_address(line1="L" * 36),
    K.UNSUPPORTED_CHARACTER: with_address(city="York \N{BALLOON}"),
    K.POSTCODE_MALFORMED: with_address(postcode="YO1 7H"),
    K.COUNTRY_INVALID: with_address(country="ZZ"),
    K.STATE_UNKNOWN: by("International", **AMERICA, county="ZZ"),
    K.STATE_CONTRADICTS_POSTCODE: by("International", **AMERICA, county="NY"),
    K.PHONE_MISSING: by("Express", phone=""),
    K.PHONE_MALFORMED: by("Express", phone="call me"),
    K.PHONE_NOT_MOBILE: by("International", **PARIS),
    K.EMAIL_MISSING: by("Express", email=""),
    K.EMAIL_MALFORMED: by("Express", email="none"),
    K.SKU_MISSING: with_sku(""),
    K.SKU_MALFORMED: with_sku("TEE#"),
    K.SKU_NOT_A_PRODUCT: with_sku("POST"),
    K.SKU_UNKNOWN: with_sku("NEW-1"),
    K.SKU_INACTIVE: with_sku("OFF-1"),
    K.SKU_COLLISION: with_sku("85123A"),
    K.SHIPPING_OPTION_MISSING: lambda desk: desk.order(shipping_option=None),
    K.SERVICE_UNMAPPED: by("Pop-up"),
    K.SERVICE_AMBIGUOUS: by("Twofold", city="Stornoway", postcode="HS1 2AA"),
    K.SERVICE_UNKNOWN: by("Rocket"),
    K.SERVICE_INACTIVE: by("Saturday"),
    K.SERVICE_NOT_OFFERED: by("Express", **BELFAST),
    K.SERVICE_TOO_HEAVY: with_sku("ANVIL"),
    K.CUSTOMS_DATA_MISSING: with_sku("NO-CUSTOMS", **BELFAST),
    K.CUSTOMS_DATA_MALFORMED: with_sku("BAD-HS"),
    K.CUSTOMS_VALUE_MISSING: lambda desk: desk.order(
        address=BELFAST, lines=(desk.line(unit_price=Decimal(0)),)
    ),
    K.STATE_DOUBTFUL: by("International", **TURKEY, county="Ankara"),
    K.PHONE_DOUBTFUL: with_address(phone="07700900123"),
    K.PHONE_TOO_LONG: by("International", **GERMANY),
    K.PHONE_LEFT_OUT: with_address(phone="call me"),
    K.EMAIL_TOO_LONG: with_address(email=f"{'a' * 30}@example.com"),
    K.EMAIL_LEFT_OUT: with_address(email="none"),
    K.ADDRESS_LINE_LONG: with_address(line1="L" * 33),
    K.WEIGHT_UNKNOWN: with_sku("FEATHER"),
}
"""An order with that one fault."""


@dataclass(frozen=True)
class Size:
    product_size_id: int
    sku: str
    is_active: bool = True


@dataclass(frozen=True)
class Catalogues:
    """Both systems, as far as refreshing the reference data asks them."""

    desk: Desk

    def services(self) -> list[WhistlService]:
        return [*self.desk.reference.services.values()]

    def products(self) -> list[WhistlProduct]:
        return [*self.desk.reference.products.values()]

    def product_sizes(self, *, takes_hours: bool) -> list[Size]:
        return [Size(n, sku) for n, sku in enumerate(self.desk.reference.products)]


@dataclass(frozen=True)
class Page:
    """Orders come in, the asset runs, and somebody reads its checks."""

    desk: Desk
    instance: dg.DagsterInstance

    def checks_after(self, *orders: Order) -> dict[str, dg.AssetCheckEvaluation]:
        """Take orders in, and return the checks of the run that judges them."""
        with open_link(LinkResource().settings()) as link:
            catalogues = Catalogues(self.desk)
            whistl, centra = cast(WhistlClient, catalogues), cast(CentraClient, catalogues)
            refresh_reference(replace(link, whistl=whistl, centra=centra))
            with link.ledger.transaction() as tx:
                for order in orders:
                    apply_reading(tx, link, replace(order, centra_id=f"order {order.number}"))
        result = dg.materialize(
            [orders_screened], resources={"link": LinkResource()}, instance=self.instance
        )
        return {check.check_name: check for check in result.get_asset_check_evaluations()}


@pytest.fixture
def page(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    shutil.copytree(CONFIG, tmp_path / "config")
    (tmp_path / "config" / "shipping_services.csv").write_text(desk.mapping_file)
    policy = tmp_path / "config" / "policy.toml"
    needs_none, needs_one = "mobile_services = []", 'mobile_services = ["SIM-WORLD/TRACKED"]'
    policy.write_text(policy.read_text().replace(needs_none, needs_one))
    environment = {
        "CENTRA_BASE_URL": "http://127.0.0.1:9",
        "CENTRA_TOKEN": "token",
        "WHISTL_BASE_URL": "http://127.0.0.1:9",
        "WHISTL_TOKEN": "token",
        "WHISTL_CLIENT_CODE": "ACME",
        "WHISTL_LOOK_UP_LAG_SECONDS": "30",
        "WHISTL_SITE": "SW",
        "ORDER_NUMBER_PREFIX": "C",
        "STATE_DIR": str(tmp_path / "state"),
        "CONFIG_DIR": str(tmp_path / "config"),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with dg.DagsterInstance.ephemeral() as instance:
        yield Page(desk, instance)


def red(checks: dict[str, dg.AssetCheckEvaluation]) -> list[str]:
    return [name for name, check in checks.items() if not check.passed]


def number(check: dg.AssetCheckEvaluation, name: str) -> int:
    value = check.metadata[name]
    assert isinstance(value, dg.IntMetadataValue)
    assert value.value is not None
    return value.value


def test_every_kind_that_screening_can_raise_has_a_check_and_an_example_here() -> None:
    kinds = list(ExceptionKind)
    of_screening = set(kinds[: kinds.index(K.WEIGHT_UNKNOWN) + 1])

    assert set(CHECKS) == set(EXAMPLES) == of_screening
    assert {kind for kind, check in CHECKS.items() if check is Check.ADVICE} == ADVICE
    assert set(CHECKS.values()) == set(Check)


@pytest.mark.parametrize("kind", EXAMPLES)
def test_a_kind_turns_its_own_check_red_and_no_other(
    page: Page, desk: Desk, kind: ExceptionKind
) -> None:
    order = EXAMPLES[kind](desk)

    checks = page.checks_after(order)

    assert red(checks) == [CHECKS[kind]]
    check = checks[CHECKS[kind]]
    assert (number(check, "judged"), number(check, "failures")) == (1, 1)
    is_error = check.severity is dg.AssetCheckSeverity.ERROR
    assert is_error is (kind is K.SKU_COLLISION)


def test_a_sound_order_turns_no_check_red(page: Page, desk: Desk) -> None:
    checks = page.checks_after(desk.order())

    assert set(checks) == set(Check)
    assert red(checks) == []


def test_checks_of_a_run_with_nothing_to_judge_say_so(page: Page) -> None:
    checks = page.checks_after()

    assert red(checks) == []
    assert {number(check, "judged") for check in checks.values()} == {0}


def test_a_red_check_says_which_order_which_field_who_fixes_it_how_and_by_when(
    page: Page, desk: Desk
) -> None:
    faulty = [desk.order(number=n, address={"postcode": "YO1 7H"}) for n in (41, 42)]

    check = page.checks_after(*faulty, desk.order(number=43))[Check.ADDRESS]

    description = check.description or ""
    assert description.startswith("Order 41, postcode: Invalid GB postcode")
    assert "Owner cx, time limit 1 h: " in description
    assert "Ask the customer for the postcode and correct it in Centra" in description
    assert description.endswith("And 1 more: see the table.")
    assert (number(check, "judged"), number(check, "failures")) == (3, 2)
    table = check.metadata["table"].value
    assert isinstance(table, str)
    assert "| about | field | value | what is wrong | owner | what to do | time limit |" in table
    assert "| Order 42 | postcode | YO**** |" in table


def test_an_order_with_two_faults_of_one_check_is_one_failure(page: Page, desk: Desk) -> None:
    order = desk.order(address={"city": "", "postcode": "YO1 7H"})

    assert number(page.checks_after(order)[Check.ADDRESS], "failures") == 1
