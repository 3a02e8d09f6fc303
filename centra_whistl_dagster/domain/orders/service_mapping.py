"""`config/shipping_services.csv`: which Whistl service a Centra shipping option means, and where.

Belongs here: reading and checking the file, and finding the most specific rows for a destination.
Does not belong here: whether Whistl has and offers the service (`services`).
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from centra_whistl_dagster.domain.configuration import ConfigError, ConfigFault
from centra_whistl_dagster.domain.orders.order import ShippingOption
from centra_whistl_dagster.domain.orders.postcodes import (
    CROWN_DEPENDENCY_AREAS,
    UK_COUNTRIES,
    Destination,
)
from centra_whistl_dagster.domain.orders.whistl_catalogue import ServiceCode

COLUMNS = (
    "centra_shipping_option",
    "country",
    "postcode_zone",
    "whistl_carrier_code",
    "whistl_delivery_method",
    "active_from",
    "active_to",
    "owner",
    "note",
)
ANYWHERE = "*"

_UK_ZONE = re.compile(r"([A-Z]{1,2})(?:([0-9]{1,2})(?:-([0-9]{1,2}))?)?")
_ZONE = re.compile(r"[A-Z0-9]+")


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
    """One row of the file."""

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
        """Say whether the row holds on a day."""
        return (self.active_from is None or self.active_from <= on) and (
            self.active_to is None or on <= self.active_to
        )

    def specificity(self, destination: Destination) -> tuple[int, int] | None:
        """Return how closely the row fits a destination, greater is closer; None when it does not.

        A row for GB does not reach Jersey, Guernsey or the Isle of Man unless its zone names their
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
    """The whole file, findable by option."""

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


def load_service_mapping(text: str, file_name: str) -> ServiceMapping:
    """Read the mapping. Lines that begin with `#` and empty lines are left out.

    Raises:
        ConfigError: naming every line that cannot be used and why, two rows that say different
            things of the same option, country, zone and day among them.
    """
    numbered = [
        (number, line)
        for number, line in enumerate(text.lstrip("\ufeff").splitlines(), start=1)
        if line.strip() and not line.startswith("#")
    ]
    if not numbered:
        raise ConfigError(file_name, [ConfigFault(line=None, detail=_header_detail("nothing"))])
    (header_line, header), *body = numbered
    if [cell.strip() for cell in next(csv.reader([header]))] != list(COLUMNS):
        raise ConfigError(
            file_name, [ConfigFault(line=header_line, detail=_header_detail(header.strip()))]
        )
    rows: list[MappingRow] = []
    faults: list[ConfigFault] = []
    for number, line in body:
        row = _row(number, next(csv.reader([line])), faults)
        if row is not None:
            rows.append(row)
    faults += _contradictions(rows)
    if faults:
        raise ConfigError(file_name, sorted(faults, key=lambda fault: fault.line or 0))
    return ServiceMapping.of(rows)


def _header_detail(found: str) -> str:
    return (
        f"the first row must be {','.join(COLUMNS)} (separated by commas; a spreadsheet may have "
        f"saved semicolons), not {found}"
    )


def _row(number: int, cells: Sequence[str], faults: list[ConfigFault]) -> MappingRow | None:
    if len(cells) != len(COLUMNS):
        detail = f"has {len(cells)} cells, not {len(COLUMNS)}; put a comma inside a note in quotes"
        faults.append(ConfigFault(line=number, detail=detail))
        return None
    cell = dict(zip(COLUMNS, (each.strip() for each in cells), strict=True))
    found: list[str] = [
        f"{column} is blank"
        for column in (
            "centra_shipping_option",
            "whistl_carrier_code",
            "whistl_delivery_method",
            "owner",
        )
        if not cell[column]
    ]
    country = cell["country"].upper() or ANYWHERE
    if country != ANYWHERE and not re.fullmatch(r"[A-Z]{2}", country):
        found.append(f"country {cell['country']!r} must be two letters, such as GB, or *")
    zones = _zones(cell["postcode_zone"].upper(), country, found)
    active_from = _day("active_from", cell["active_from"], found)
    active_to = _day("active_to", cell["active_to"], found)
    if active_from and active_to and active_to < active_from:
        found.append(f"active_to {active_to} is before active_from {active_from}")
    if found:
        faults += [ConfigFault(line=number, detail=detail) for detail in found]
        return None
    return MappingRow(
        line=number,
        shipping_option=cell["centra_shipping_option"],
        country=country,
        zones=zones,
        service=ServiceCode(cell["whistl_carrier_code"], cell["whistl_delivery_method"]),
        active_from=active_from,
        active_to=active_to,
        owner=cell["owner"],
        note=cell["note"],
    )


def _zones(text: str, country: str, found: list[str]) -> tuple[Zone, ...]:
    if not text:
        return ()
    if country == ANYWHERE:
        found.append("postcode_zone needs a country: a postcode means nothing without one")
        return ()
    zones: list[Zone] = []
    for token in re.split(r"[\s;]+", text):
        if country not in UK_COUNTRIES and _ZONE.fullmatch(token):
            zones.append(Zone(token))
        elif country in UK_COUNTRIES and (parts := _UK_ZONE.fullmatch(token)):
            first = int(parts[2]) if parts[2] else None
            zones.append(Zone(parts[1], first, int(parts[3]) if parts[3] else first))
        else:
            found.append(f"postcode_zone {token!r} must be like BT, KA27 or IV1-63, or abroad 20")
    return tuple(zones)


def _day(column: str, text: str, found: list[str]) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        found.append(f"{column} {text!r} must be a date such as 2026-12-31")
        return None


def _contradictions(rows: Sequence[MappingRow]) -> list[ConfigFault]:
    by_key: dict[tuple[str, str, frozenset[Zone]], list[MappingRow]] = defaultdict(list)
    faults: list[ConfigFault] = []
    for row in rows:
        same = by_key[row.shipping_option, row.country, frozenset(row.zones)]
        faults += [
            ConfigFault(
                line=row.line,
                detail=f"says the same option, country and zone as line {other.line} for days that "
                "overlap; end one with active_to or remove it",
            )
            for other in same
            if _overlap(row, other)
        ]
        same.append(row)
    return faults


def _overlap(one: MappingRow, other: MappingRow) -> bool:
    starts_in_time = one.active_to is None or (other.active_from or date.min) <= one.active_to
    ends_in_time = other.active_to is None or (one.active_from or date.min) <= other.active_to
    return starts_in_time and ends_in_time
