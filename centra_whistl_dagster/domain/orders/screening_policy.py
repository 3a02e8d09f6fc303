"""The limits of screening that are the client's choice: `[screening]` of `config/policy.toml`.

The defaults follow the columns of one Whistl site's software, as published with its tools
(Whistl-Fulfilment-South-West/TAFIE and TLAImport); the client's own account may differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from centra_whistl_dagster.domain.orders import skus
from centra_whistl_dagster.domain.orders.postcodes import Territory


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreeningPolicy:
    """Limits in characters, pieces, the order's currency or kilograms, as each name says."""

    order_number_characters: int = 12
    name_characters: int = 35
    company_characters: int = 35
    address_line_characters: int = 35
    address_line_advised_characters: int = 32
    city_characters: int = 35
    county_characters: int = 35
    postcode_characters: int = 10
    phone_digits: int = 12
    email_advised_characters: int = 35
    sku_characters: int = 24
    lines_per_order: int = 200
    pieces_per_line: int = 99_999
    value_per_line: Decimal = Decimal(99_999)
    value_per_order: Decimal = Decimal(9_999_999)
    gift_customs_value: Decimal = Decimal(0)
    """What a line without a price is declared at where customs want a value; 0 blocks the order."""
    reference_max_age_hours: Decimal = Decimal(24)
    """How old the catalogues may be for an order to be screened against them."""
    mobile_services: tuple[str, ...] = ()
    """Services that send text messages, as CARRIER/METHOD: their orders need a mobile number."""
    packaging_kg: Decimal = Decimal("0.2")
    customs_territories: frozenset[Territory] = frozenset(
        {
            Territory.NORTHERN_IRELAND,
            Territory.CHANNEL_ISLANDS,
            Territory.ISLE_OF_MAN,
            Territory.ABROAD,
        }
    )
    sku_collisions_ignore: frozenset[skus.Ignored] = skus.EVERYTHING
    """Two SKUs that differ only in these collide; empty switches the rule off."""
    not_product_skus: tuple[str, ...] = (
        *("post", "postage", "dot", "carriage", "shipping*"),
        *("bank charges", "amazonfee", "c2", "m", "d", "s"),
        *("gift_*", "giftcard*", "gift-card*", "voucher*"),
    )
    """Patterns such as `gift_*`, letter case ignored."""
