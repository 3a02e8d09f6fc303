"""`config/shipping_services.csv`: the rows of the mapping, read and checked."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date

from centra_whistl_dagster.config_files.reader import Faults, read_csv
from centra_whistl_dagster.domain.orders.postcodes import UK_COUNTRIES
from centra_whistl_dagster.domain.orders.service_mapping import (
    ANYWHERE,
    MappingRow,
    ServiceMapping,
    Zone,
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
_REQUIRED = ("centra_shipping_option", "whistl_carrier_code", "whistl_delivery_method", "owner")
_UK_ZONE = re.compile(r"([A-Z]{1,2})(?:([0-9]{1,2})(?:-([0-9]{1,2}))?)?")
_ZONE = re.compile(r"[A-Z0-9]+")


def load_service_mapping(text: str, file_name: str) -> ServiceMapping:
    """Read the mapping. Lines that begin with `#` and empty lines are left out.

    Raises:
        ConfigError: naming every line that cannot be used and why, and rows that name different
            services for the same option, country, zone and day.
    """
    faults = Faults(file_name)
    read = [_row(line, cell, faults) for line, cell in read_csv(text, COLUMNS, faults)]
    rows = [row for row in read if row is not None]
    _note_contradictions(rows, faults)
    faults.raise_if_any()
    return ServiceMapping.of(rows)


def _row(line: int, cell: Mapping[str, str], faults: Faults) -> MappingRow | None:
    before = len(faults)
    for column in _REQUIRED:
        if not cell[column]:
            faults.add(line, f"{column} is blank")
    country = cell["country"].upper() or ANYWHERE
    if country != ANYWHERE and not re.fullmatch(r"[A-Z]{2}", country):
        faults.add(line, f"country {cell['country']!r} must be two letters, such as GB, or *")
    zones = _zones(line, cell["postcode_zone"].upper(), country, faults)
    active_from = _day(line, "active_from", cell, faults)
    active_to = _day(line, "active_to", cell, faults)
    if active_from and active_to and active_to < active_from:
        faults.add(line, f"active_to {active_to} is before active_from {active_from}")
    if len(faults) > before:
        return None
    return MappingRow(
        line=line,
        shipping_option=cell["centra_shipping_option"],
        country=country,
        zones=zones,
        service=ServiceCode(cell["whistl_carrier_code"], cell["whistl_delivery_method"]),
        active_from=active_from,
        active_to=active_to,
        owner=cell["owner"],
        note=cell["note"],
    )


def _zones(line: int, text: str, country: str, faults: Faults) -> tuple[Zone, ...]:
    if not text:
        return ()
    if country == ANYWHERE:
        faults.add(line, "postcode_zone needs a country: a postcode means nothing without one")
        return ()
    zones: list[Zone] = []
    for token in re.split(r"[\s;]+", text):
        if country not in UK_COUNTRIES and _ZONE.fullmatch(token):
            zones.append(Zone(token))
        elif country in UK_COUNTRIES and (parts := _UK_ZONE.fullmatch(token)):
            first = int(parts[2]) if parts[2] else None
            zones.append(Zone(parts[1], first, int(parts[3]) if parts[3] else first))
        else:
            faults.add(line, f"postcode_zone {token!r} must be like BT, KA27 or IV1-63; abroad, 20")
    return tuple(zones)


def _day(line: int, column: str, cell: Mapping[str, str], faults: Faults) -> date | None:
    if not cell[column]:
        return None
    try:
        return date.fromisoformat(cell[column])
    except ValueError:
        faults.add(line, f"{column} {cell[column]!r} must be a date such as 2026-12-31")
        return None


def _note_contradictions(rows: Sequence[MappingRow], faults: Faults) -> None:
    by_key: dict[tuple[str, str, frozenset[Zone]], list[MappingRow]] = defaultdict(list)
    for row in rows:
        same = by_key[row.shipping_option, row.country, frozenset(row.zones)]
        for other in same:
            if _overlap(row, other):
                faults.add(
                    row.line,
                    f"has the same option, country and zone as line {other.line}, for days that "
                    "overlap; end one with active_to or remove it",
                )
        same.append(row)


def _overlap(one: MappingRow, other: MappingRow) -> bool:
    starts_in_time = one.active_to is None or (other.active_from or date.min) <= one.active_to
    ends_in_time = other.active_to is None or (one.active_from or date.min) <= other.active_to
    return starts_in_time and ends_in_time
