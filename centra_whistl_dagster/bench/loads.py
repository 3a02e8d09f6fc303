"""Generated orders and stock like a fashion brand's, some of them faulty; the same every time."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count

import numpy as np
import pandas as pd

from centra_whistl_dagster.config_files.shipping_services import load_service_mapping
from centra_whistl_dagster.domain.orders.order import Address, Order, OrderLine, ShippingOption
from centra_whistl_dagster.domain.orders.screening_policy import ScreeningPolicy
from centra_whistl_dagster.domain.orders.whistl_catalogue import (
    ServiceCode,
    WhistlProduct,
    WhistlService,
)
from centra_whistl_dagster.screening.reference_data import ScreeningReference, screening_reference

_SKUS = [f"TEE{number:05}-BLK-M" for number in range(5000)]
_SERVICE = ServiceCode("SIM-RMT", "TRK48")
_MAPPING = (
    "centra_shipping_option,country,postcode_zone,whistl_carrier_code,whistl_delivery_method,"
    "active_from,active_to,owner,note\n"
    f"{{mapped}},,{_SERVICE.carrier_code},{_SERVICE.delivery_method},,,ecommerce,\n"
)
_ORDERED_AT = datetime(2026, 11, 27, 8, tzinfo=UTC)
_FIRST_SNAPSHOT_AT = datetime(2026, 11, 27, tzinfo=UTC)
_BETWEEN_SNAPSHOTS = timedelta(minutes=15)


def reference(mapped: str = "Standard,GB") -> ScreeningReference:
    """Return what the orders below are screened against: a service with every requirement.

    Args:
        mapped: the shipping option and the country that the service is mapped to.
    """
    service = WhistlService(
        code=_SERVICE,
        description="",
        carrier_name="Simulated",
        is_domestic=True,
        is_ddp=False,
        weight_limit_kg=Decimal(20),
        requires_phone=True,
        requires_email=True,
        is_tracked=True,
        serves_bfpo=True,
    )
    products = [
        WhistlProduct(
            sku=sku,
            description="Cotton T-shirt",
            hs_code="610910",
            country_of_origin="PT",
            unit_weight_kg=Decimal("0.2"),
        )
        for sku in _SKUS
    ]
    return screening_reference(
        mapping=load_service_mapping(_MAPPING.format(mapped=mapped), "bench"),
        services=[service],
        products=products,
        centra_skus=_SKUS,
        policy=ScreeningPolicy(),
        today=date(2026, 11, 27),
        order_number_prefix="C",
    )


def orders(lines: int, *, lines_per_order: int, faulty_share: float, seed: int) -> list[Order]:
    """Return orders with that many lines in all; each has a phone and an address of its own."""
    dice = random.Random(seed)  # noqa: S311 - a load, not a secret
    return [
        _order(dice, number, lines_per_order, is_faulty=dice.random() < faulty_share)
        for number in range(lines // lines_per_order)
    ]


def _order(dice: random.Random, number: int, lines: int, *, is_faulty: bool) -> Order:
    return Order(
        centra_id=f"{number:032x}",
        number=100_000 + number,
        status="CONFIRMED",
        is_on_hold=False,
        is_locked=False,
        is_internal=False,
        is_waiting_for_payment=False,
        ordered_at=_ORDERED_AT,
        updated_at=_ORDERED_AT,
        currency="GBP",
        grand_total=Decimal("23.95"),
        shipping_total=Decimal("3.95"),
        tax_total=Decimal("3.99"),
        delivery=Address(
            first_name="Ada",
            last_name=f"Lovelace {number % 9999}",
            line1=f"Flat {number % 90}, {number % 300} High Street",
            line2="Little Wold",
            city="" if is_faulty else "York",
            postcode=f"YO{1 + number % 30} {number % 9}HH",
            country="GB",
            phone=f"07{dice.randrange(400_000_000, 500_000_000):09d}",
            email=f"ada{number}@example.com",
        ),
        shipping_option=ShippingOption(option_id=1, name="Standard"),
        lines=tuple(
            OrderLine(
                line_id=number * 10 + at,
                sku=dice.choice(_SKUS),
                quantity=1,
                unit_price=Decimal("20.00"),
            )
            for at in range(lines)
        ),
    )


def whistl_stock(skus: int, *, seed: int) -> pd.DataFrame:
    """Return a stock snapshot."""
    dice = np.random.default_rng(seed)
    on_hand = dice.integers(0, 200, skus)
    allocated = dice.integers(0, 5, skus)
    quarantined = dice.integers(0, 2, skus)
    return pd.DataFrame(
        {
            "sku": _names(range(skus)),
            "on_hand": on_hand,
            "allocated": allocated,
            "quarantined": quarantined,
            "available": on_hand - allocated - quarantined,
        }
    )


def snapshots(skus: int, *, changed_share: float) -> Iterator[tuple[datetime, pd.DataFrame]]:
    """Yield, without end, a snapshot every quarter of an hour; the same ones every time."""
    stock = whistl_stock(skus, seed=1)
    for taken in count():
        yield _FIRST_SNAPSHOT_AT + taken * _BETWEEN_SNAPSHOTS, stock
        stock = _moved(stock, changed_share, seed=taken)


def _moved(stock: pd.DataFrame, share: float, *, seed: int) -> pd.DataFrame:
    # That share of SKUs has sold a unit or two, and what had run out is stocked again.
    dice = np.random.default_rng(seed)
    sold = np.where(dice.random(len(stock)) < share, dice.integers(1, 3, len(stock)), 0)
    return stock.assign(
        on_hand=stock["on_hand"] - sold + 2 * (stock["on_hand"] < 2),
        available=stock["available"] - sold + 2 * (stock["on_hand"] < 2),
    )


def centra_levels(skus: int, *, seed: int) -> pd.DataFrame:
    """Return Centra's side of the same SKUs."""
    dice = np.random.default_rng(seed)
    physical, allocated = dice.integers(0, 200, skus), dice.integers(0, 5, skus)
    return pd.DataFrame(
        {
            "sku": _names(range(skus)),
            "product_size_id": np.arange(skus),
            "physical": physical,
            "allocated": allocated,
            "free": physical - allocated,
        }
    )


def our_units(skus: int, lines: int, *, seed: int) -> pd.DataFrame:
    """Return what open orders mean for the stock of some of the SKUs."""
    dice = np.random.default_rng(seed)
    picked = dice.choice(skus, size=min(lines, skus), replace=False)
    columns = ("held", "left", "reserved", "in_flight", "blocked")
    return pd.DataFrame(
        {
            "sku": _names(picked),
            **{name: dice.integers(0, 3, len(picked)) for name in columns},
        }
    )


def _names(numbers: Iterable[int]) -> pd.Series[str]:
    return pd.Series([f"SKU-{number:07}" for number in numbers], dtype="str")
