"""Orders, a reference to judge them against, and a way to change one thing at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeAlias

import pytest

from centra_whistl_dagster.config_files.shipping_services import COLUMNS, load_service_mapping
from centra_whistl_dagster.domain.orders.order import Address, Order, OrderLine, ShippingOption
from centra_whistl_dagster.domain.orders.screening_policy import ScreeningPolicy
from centra_whistl_dagster.domain.orders.whistl_catalogue import (
    ServiceCode,
    WhistlProduct,
    WhistlService,
)
from centra_whistl_dagster.screening.reference_data import ScreeningReference, screening_reference
from centra_whistl_dagster.screening.screen import Blocked, Cleared, screen

POST = ServiceCode("SIM-POST", "48")
COURIER = ServiceCode("SIM-COURIER", "NEXT")
WORLD = ServiceCode("SIM-WORLD", "TRACKED")
OLD = ServiceCode("SIM-OLD", "SATURDAY")

MAPPING = f"""{",".join(COLUMNS)}
Standard,GB,,SIM-POST,48,,,ecommerce,
Standard,JE,,SIM-POST,48,,,ecommerce,
Standard,GG,,SIM-POST,48,,,ecommerce,
Standard,IM,,SIM-POST,48,,,ecommerce,
Express,GB,,SIM-COURIER,NEXT,,,ecommerce,
Saturday,GB,,SIM-OLD,SATURDAY,,,ecommerce,
Rocket,GB,,SIM-ROCKET,MOON,,,ecommerce,
Twofold,GB,IV HS,SIM-POST,48,,,ecommerce,
Twofold,GB,HS ZE,SIM-COURIER,NEXT,,,ecommerce,
International,*,,SIM-WORLD,TRACKED,,,ecommerce,
"""


def _service(code: ServiceCode, **changes: Any) -> WhistlService:
    plain = WhistlService(
        code=code,
        description=str(code),
        carrier_name="Simulated",
        is_domestic=True,
        is_ddp=False,
        weight_limit_kg=Decimal(20),
        requires_phone=False,
        requires_email=False,
        is_tracked=True,
        serves_bfpo=False,
        countries=frozenset({"GB"}),
    )
    return replace(plain, **changes)


SERVICES = (
    _service(POST, countries=frozenset({"GB", "JE", "GG", "IM"}), serves_bfpo=True),
    _service(
        COURIER,
        requires_phone=True,
        requires_email=True,
        excluded_postcode_areas=frozenset({"BT"}),
    ),
    _service(WORLD, is_domestic=False, countries=frozenset(), requires_email=True),
    _service(OLD, is_active=False),
)

TEE = WhistlProduct(
    sku="TEE-BLK-M",
    description="Cotton T-shirt",
    product_type="T-shirt",
    unit_weight_kg=Decimal("0.180"),
    hs_code="610910",
    country_of_origin="PT",
)

PRODUCTS = (
    TEE,
    replace(TEE, sku="OFF-1", is_active=False),
    replace(TEE, sku="ANVIL", unit_weight_kg=Decimal("19.9")),
    replace(TEE, sku="FEATHER", unit_weight_kg=None),
    replace(TEE, sku="NO-CUSTOMS", hs_code="", country_of_origin=""),
    replace(TEE, sku="BAD-HS", hs_code="61"),
    replace(TEE, sku="BAD-ORIGIN", country_of_origin="XX"),
    replace(TEE, sku="85123A"),
    replace(TEE, sku="85123a"),
)


@dataclass(frozen=True)
class Desk:
    """Screens one order at a time."""

    reference: ScreeningReference
    mapping_file: str = MAPPING
    """The shipping services file that the reference was read from."""

    def order(self, *, address: Mapping[str, Any] | None = None, **changes: Any) -> Order:
        """A sound order for York, with what is given changed."""
        moment = datetime(2026, 6, 1, 9, tzinfo=UTC)
        delivery = Address(
            first_name="Ada",
            last_name="O'Brien",
            line1="12 High Street",
            city="York",
            postcode="YO1 7HH",
            country="GB",
            phone="020 7946 0018",
            email="ada@example.com",
        )
        sound = Order(
            centra_id="a1",
            number=100234,
            status="CONFIRMED",
            is_on_hold=False,
            is_locked=False,
            is_internal=False,
            is_waiting_for_payment=False,
            ordered_at=moment,
            updated_at=moment,
            currency="GBP",
            grand_total=Decimal("43.95"),
            shipping_total=Decimal("3.95"),
            tax_total=Decimal("7.33"),
            delivery=replace(delivery, **address) if address else delivery,
            shipping_option=ShippingOption(option_id=1, name="Standard"),
            lines=(self.line(),),
        )
        return replace(sound, **changes)

    def line(self, sku: str = "TEE-BLK-M", **changes: Any) -> OrderLine:
        """One line of the sound order."""
        plain = OrderLine(line_id=7, sku=sku, quantity=2, unit_price=Decimal("20.00"))
        return replace(plain, **changes)

    def option(self, name: str) -> ShippingOption:
        """A shipping option of that name."""
        return ShippingOption(option_id=9, name=name)

    def verdict(self, order: Order, **policy: Any) -> Cleared | Blocked:
        """The verdict on one order, with settings changed."""
        changed = replace(self.reference.policy, **policy)
        return screen([order], replace(self.reference, policy=changed)).verdicts[0]

    def kinds(self, order: Order, **policy: Any) -> set[str]:
        """The kinds that block an order."""
        verdict = self.verdict(order, **policy)
        return {p.kind for p in verdict.problems} if isinstance(verdict, Blocked) else set()

    def warnings(self, order: Order) -> set[str]:
        """The kinds that an order is sent with."""
        return {warning.kind for warning in self.verdict(order).warnings}

    def cleared(self, order: Order) -> Cleared:
        """The verdict on an order that must pass."""
        verdict = self.verdict(order)
        assert isinstance(verdict, Cleared), verdict
        return verdict


MakeDesk: TypeAlias = Callable[[tuple[WhistlProduct, ...], frozenset[str]], Desk]


def desk_with(products: tuple[WhistlProduct, ...], centra_skus: frozenset[str]) -> Desk:
    return Desk(
        screening_reference(
            mapping=load_service_mapping(MAPPING, "shipping_services.csv"),
            services=SERVICES,
            products=products,
            centra_skus=centra_skus,
            policy=ScreeningPolicy(),
            today=date(2026, 6, 1),
            order_number_prefix="C",
        )
    )


@pytest.fixture(scope="session")
def desk() -> Desk:
    return desk_with(PRODUCTS, frozenset(product.sku for product in PRODUCTS))


@pytest.fixture(scope="session")
def make_desk() -> MakeDesk:
    return desk_with
