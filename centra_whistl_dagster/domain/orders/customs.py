"""The customs data of one order line, and whether it can be declared.

Whistl's own line check calls a missing origin or HS code an error (the dictionary published with
Whistl-Fulfilment-South-West/TAFIE), and its carrier guide makes weight mandatory. For Northern
Ireland the carrier, not the seller, reports, from the same data (gov.uk, data requirements for
parcel carriers who move consumer parcels from Great Britain, in force since 1 May 2025).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from centra_whistl_dagster.domain.orders.characters import carried

_HS_CODE = re.compile(r"[0-9]{6,10}")
_LEAST_WEIGHT_KG = Decimal("0.0005")
"""Weights go to the gram, and anything lighter rounds to nothing."""


def weighed(unit_weight_kg: Decimal | None) -> Decimal | None:
    """Return a product's weight, or None: a catalogue's 0 stands for "not weighed"."""
    if unit_weight_kg is None or not unit_weight_kg.is_finite():
        return None
    return unit_weight_kg if unit_weight_kg >= _LEAST_WEIGHT_KG else None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomsData:
    """What is declared of one product."""

    hs_code: str
    country_of_origin: str
    description: str
    unit_weight_kg: Decimal | None

    def missing(self) -> tuple[str, ...]:
        """Name the parts that are absent."""
        absent = {
            "HS code": not self.hs_code.strip(),
            "country of origin": not self.country_of_origin.strip(),
            "description": not carried(self.description).text,
            "unit weight": weighed(self.unit_weight_kg) is None,
        }
        return tuple(name for name, is_absent in absent.items() if is_absent)

    def malformed(self, is_country: Callable[[str], bool]) -> tuple[str, ...]:
        """Name the parts that are there and invalid."""
        weight = self.unit_weight_kg
        wrong = {
            "HS code": bool(self.hs_code.strip()) and not _HS_CODE.fullmatch(self.hs_code),
            "country of origin": bool(self.country_of_origin.strip())
            and not is_country(self.country_of_origin),
            "unit weight": weight is not None and not (weight.is_finite() and weight >= 0),
        }
        return tuple(name for name, is_wrong in wrong.items() if is_wrong)
