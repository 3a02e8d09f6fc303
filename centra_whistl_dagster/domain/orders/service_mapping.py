"""Which Whistl service a Centra shipping option means, and where: `config/shipping_services.csv`.

Whether Whistl has and offers the service is decided in `services`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from centra_whistl_dagster.domain.orders.order import ShippingOption
from centra_whistl_dagster.domain.orders.postcodes import (
    CROWN_DEPENDENCY_AREAS,
    UK_COUNTRIES,
    Destination,
)
from centra_whistl_dagster.domain.orders.whistl_catalogue import ServiceCode

ANYWHERE = "*"
"""As a row's country: every country that no closer row names."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A UK postcode area or a range of its districts; abroad, the beginning of a postcode."""

    prefix: str
    first: int | None = None
    last: int | None = None

    def specificity(self, destination: Destination) -> int:
        """Return how closely the zone fits a destination; 0 when it does not."""
        if destination.country not in UK_COUNTRIES:
            compact = re.sub(r"[^A-Z0-9]", "", destination.foreign_postcode.upper())
            return len(self.prefix) if compact.startswith(self.prefix) else 0
        if destination.area != self.prefix:
            return 0
        if self.first is None or self.last is None:
            return 1
        if destination.district is None or not self.first <= destination.district <= self.last:
            return 0
        return 3 if self.first == self.last else 2


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingRow:
    """One row of the file: a service for a shipping option in a country or in parts of it."""

    line: int
    shipping_option: str
    country: str
    """ISO 3166-1 alpha-2, or `*`."""
    zones: tuple[Zone, ...]
    """Empty means the whole country."""
    service: ServiceCode
    active_from: date | None
    active_to: date | None
    """The last day, included."""
    owner: str
    note: str

    def is_active(self, on: date) -> bool:
        """Say whether the row is valid on a day."""
        return (self.active_from is None or self.active_from <= on) and (
            self.active_to is None or on <= self.active_to
        )

    def specificity(self, destination: Destination) -> tuple[int, int] | None:
        """Return how closely the row fits a destination (greater is closer); None when it does not.

        A row for GB does not cover Jersey, Guernsey or the Isle of Man unless its zone names their
        postcode area: mainland prices and carriers rarely do.
        """
        zone = max((zone.specificity(destination) for zone in self.zones), default=0)
        if self.zones and not zone:
            return None
        if self.country == ANYWHERE:
            return 0, zone
        is_uk_zone = self.country == "GB" and destination.area in CROWN_DEPENDENCY_AREAS and zone
        return (1, zone) if self.country == destination.country or is_uk_zone else None


@dataclass(frozen=True, slots=True)
class ServiceMapping:
    """The whole file, indexed by shipping option."""

    rows: tuple[MappingRow, ...]
    by_option: Mapping[str, Sequence[MappingRow]]

    @classmethod
    def of(cls, rows: Iterable[MappingRow]) -> ServiceMapping:
        """Index rows by their shipping option."""
        by_option: dict[str, list[MappingRow]] = defaultdict(list)
        kept = tuple(rows)
        for row in kept:
            by_option[row.shipping_option].append(row)
        return cls(kept, dict(by_option))

    def rows_for(self, option: ShippingOption) -> Sequence[MappingRow]:
        """Return the rows that name an option by its URI, or else by its name, exactly."""
        return self.by_option.get(option.uri) or self.by_option.get(option.name.strip()) or ()

    def most_specific(
        self, option: ShippingOption, destination: Destination, *, on: date
    ) -> list[MappingRow]:
        """Return the active rows that fit a destination most closely; several when they tie."""
        fitting = [
            (specificity, row)
            for row in self.rows_for(option)
            if row.is_active(on) and (specificity := row.specificity(destination)) is not None
        ]
        closest = max((specificity for specificity, _ in fitting), default=None)
        return [row for specificity, row in fitting if specificity == closest]
