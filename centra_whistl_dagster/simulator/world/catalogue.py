"""The goods, services and delivery options of the simulated shop, the same for the same seed.

Service codes begin with SIM- so that nobody takes them for Whistl's own. Does not belong here: who
buys the goods (`people`).
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from centra_whistl_dagster.config_files.shipping_services import COLUMNS
from centra_whistl_dagster.domain.orders.whistl_catalogue import (
    ServiceCode,
    WhistlProduct,
    WhistlService,
)
from centra_whistl_dagster.simulator.world.world import Item, World

POSTAL = ServiceCode("SIM-RMT", "TRK48")
NEXT_DAY = ServiceCode("SIM-DPD", "NEXTDAY")
ABROAD = ServiceCode("SIM-INTL", "TRACKED")
WITHDRAWN = ServiceCode("SIM-OLD", "SATURDAY")

ABROAD_COUNTRIES = frozenset({"DE", "FR", "IE", "SE"})

SERVICES = (
    WhistlService(
        code=POSTAL,
        description="Simulated postal tracked 48",
        carrier_name="Simulated Royal Mail",
        is_domestic=True,
        is_ddp=False,
        weight_limit_kg=Decimal(20),
        requires_phone=False,
        requires_email=False,
        is_tracked=True,
        serves_bfpo=True,
        countries=frozenset({"GB", "JE", "GG", "IM"}),
    ),
    WhistlService(
        code=NEXT_DAY,
        description="Simulated courier next day",
        carrier_name="Simulated DPD",
        is_domestic=True,
        is_ddp=False,
        weight_limit_kg=Decimal(30),
        requires_phone=True,
        requires_email=True,
        is_tracked=True,
        serves_bfpo=False,
        countries=frozenset({"GB"}),
        excluded_postcode_areas=frozenset({"BT", "HS", "ZE", "KW"}),
    ),
    WhistlService(
        code=ABROAD,
        description="Simulated international tracked",
        carrier_name="Simulated Parcel International",
        is_domestic=False,
        is_ddp=True,
        weight_limit_kg=Decimal(20),
        requires_phone=True,
        requires_email=True,
        is_tracked=True,
        serves_bfpo=False,
        countries=ABROAD_COUNTRIES,
    ),
    WhistlService(
        code=WITHDRAWN,
        description="Simulated Saturday delivery, withdrawn",
        carrier_name="Simulated Courier",
        is_domestic=True,
        is_ddp=False,
        weight_limit_kg=Decimal(10),
        requires_phone=False,
        requires_email=False,
        is_tracked=True,
        serves_bfpo=False,
        countries=frozenset({"GB"}),
        is_active=False,
    ),
)

STANDARD = {"id": 1, "name": "Standard delivery", "uri": "standard-delivery"}
EXPRESS = {"id": 2, "name": "Express delivery", "uri": "express-delivery"}
INTERNATIONAL = {"id": 3, "name": "International delivery", "uri": "international-delivery"}
SATURDAY = {"id": 4, "name": "Saturday delivery", "uri": "saturday-delivery"}
POP_UP = {"id": 5, "name": "Pop-up collection", "uri": "pop-up-collection"}

SHIPPING_OPTIONS: tuple[dict[str, Any], ...] = (STANDARD, EXPRESS, INTERNATIONAL, SATURDAY, POP_UP)

_MAPPED = (
    *((STANDARD, country, POSTAL) for country in ("GB", "JE", "GG", "IM")),
    (EXPRESS, "GB", NEXT_DAY),
    *((INTERNATIONAL, country, ABROAD) for country in sorted(ABROAD_COUNTRIES)),
    (SATURDAY, "GB", WITHDRAWN),
)


@dataclass(frozen=True, slots=True)
class _Style:
    """A kind of garment, with what customs needs to know of it."""

    code: str
    name: str
    hs_code: str
    origin: str
    weight_kg: str
    price: str
    sizes: tuple[str, ...] = ("XS", "S", "M", "L", "XL")


_STYLES = (
    _Style("TEE", "Cotton T-shirt", "610910", "PT", "0.180", "24.00"),
    _Style("SHT", "Linen shirt", "620590", "PT", "0.260", "59.00"),
    _Style("KNT", "Merino jumper", "611011", "IT", "0.420", "89.00"),
    _Style("JKT", "Waxed jacket", "620140", "GB", "1.250", "189.00"),
    _Style(
        "TRS", "Chino trousers", "620342", "TR", "0.550", "69.00", ("28", "30", "32", "34", "36")
    ),
    _Style("DRS", "Wrap dress", "620442", "IN", "0.380", "99.00", ("8", "10", "12", "14", "16")),
    _Style("SOK", "Wool socks", "611594", "GB", "0.080", "12.00", ("S", "M", "L")),
    _Style("BAG", "Canvas tote bag", "420292", "IN", "0.350", "35.00", ("ONE",)),
)

_COLOURS = ("BLK", "NVY", "ECR", "RST", "OLV", "GRY", "BLU", "RED")

UNKNOWN_SKUS = tuple(f"NEW-SS26-{number:02}" for number in range(1, 5))
"""In Centra's catalogue, not yet created at Whistl."""

MALFORMED_SKUS = ("TEE9#BLK-M", "KNT9 NVY_L£")
"""With characters that Whistl takes in no SKU."""


def stock_world(world: World) -> None:
    """Fill a new world with its catalogue, services, options and first stock.

    Centra's physical stock starts equal to what Whistl has available, as after a good stock-take.
    """
    rng = random.Random(f"{world.settings.seed} catalogue")
    world.services = {service.code: service for service in SERVICES}
    world.shipping_options = [dict(option) for option in SHIPPING_OPTIONS]
    for place in range(world.settings.skus):
        _shelve(world, _item(place, rng), rng.randint(20, 120))
    for sku in (*UNKNOWN_SKUS, *MALFORMED_SKUS):
        _list_in_centra_alone(world, sku)


def _item(place: int, rng: random.Random) -> Item:
    """Walk through styles, then colours, then sizes, so that neighbours belong to one product."""
    style = _STYLES[place // 40 % len(_STYLES)]
    product = 1 + place // (40 * len(_STYLES))
    colour = _COLOURS[place // 5 % len(_COLOURS)]
    size = style.sizes[place % len(style.sizes)]
    extra = f"{place % 5}" if len(style.sizes) < 5 else ""
    number = f"{style.code}{product:03}{extra}"
    sku = f"{number}-{colour}-{size}"
    return Item(
        sku=sku,
        size_id=10_000 + place,
        product_number=number,
        variant_number=colour,
        size_name=size,
        name=style.name,
        price=Decimal(style.price),
        popularity=rng.paretovariate(1.2),
        product=WhistlProduct(
            sku=sku,
            description=style.name,
            product_type=style.name.split()[-1].capitalize(),
            barcode=f"50600000{place:05}",
            unit_weight_kg=Decimal(style.weight_kg),
            hs_code=style.hs_code,
            country_of_origin=style.origin,
        ),
    )


def _shelve(world: World, item: Item, units: int) -> None:
    world.items[item.sku] = item
    shelf = world.shelves[item.sku]
    shelf.on_hand = shelf.centra_physical = units


def _list_in_centra_alone(world: World, sku: str) -> None:
    world.items[sku] = Item(
        sku=sku,
        size_id=90_000 + len(world.items),
        product_number=sku,
        variant_number="",
        size_name="ONE",
        name="Coming season",
        price=Decimal("45.00"),
        popularity=0.0,
        product=WhistlProduct(sku=sku, description="Coming season", product_type="Shirt"),
        is_known_to_whistl=False,
    )
    world.shelves[sku].centra_physical = 1_000


def shipping_services_csv(world: World) -> str:
    """Return the demo's mapping table: every option but one, which is left unmapped on purpose."""
    known = {option["name"] for option in world.shipping_options}
    rows = [",".join(COLUMNS)]
    rows += [
        f"{option['name']},{country},,{code.carrier_code},{code.delivery_method},,,"
        "ecommerce,simulated"
        for option, country, code in _MAPPED
        if option["name"] in known
    ]
    return "\n".join(rows) + "\n"
