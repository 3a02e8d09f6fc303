"""What Whistl offers and stocks: its services and its products, as read from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True, slots=True, order=True)
class ServiceCode:
    """A Whistl service: two codes. Given only one of them, Whistl picks a carrier by itself."""

    carrier_code: str
    delivery_method: str

    def __str__(self) -> str:
        return f"{self.carrier_code}/{self.delivery_method}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WhistlService:
    """One row of Whistl's service list."""

    code: ServiceCode
    description: str
    carrier_name: str
    is_domestic: bool
    is_ddp: bool
    weight_limit_kg: Decimal | None
    requires_phone: bool
    requires_email: bool
    is_tracked: bool
    serves_bfpo: bool
    countries: frozenset[str] = field(default_factory=frozenset)
    """Empty means: everywhere the other columns allow."""
    excluded_postcode_areas: frozenset[str] = field(default_factory=frozenset)
    is_active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class WhistlProduct:
    """One product as Whistl has it. Customs data is here: Centra's published schema has none."""

    sku: str
    description: str = ""
    product_type: str = ""
    barcode: str = ""
    unit_weight_kg: Decimal | None = None
    hs_code: str = ""
    country_of_origin: str = ""
    is_active: bool = True
