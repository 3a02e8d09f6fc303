"""What an address says of its state or province, and whether its postcode agrees."""

from __future__ import annotations

from dataclasses import dataclass

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.orders.addresses import AddressText
from centra_whistl_dagster.screening.address_formats import CountryFormat
from centra_whistl_dagster.screening.regions import Regions, regions_of

_STATE_IS_TYPED = frozenset({"US", "CA", "AU", "BR"})
"""Where carriers sort by state and postcode together, and neither is guessed from the other."""

_POSTCODES_ARE_EXACT = _STATE_IS_TYPED | {"ES", "IT", "JP", "KR", "MX"}
"""Where a postcode lies in one state, by its first digits. Elsewhere borders cross the data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionFacts:
    """The state of one address."""

    text: str | None
    """As sent. None: blank, and not needed."""
    fault: ExceptionKind | None = None
    is_filled_in: bool = False


_NOT_NEEDED = RegionFacts(text=None)


def region_facts(
    address: AddressText, postcode: str, country: str, form: CountryFormat | None
) -> RegionFacts:
    """Judge a state, or fill in the one that the rest of the address names.

    Args:
        address: as it can be carried.
        postcode: as printed; blank when absent or invalid.
        country: ISO code.
        form: the country's rules, None when there is no such country.
    """
    county = address.county.text
    regions = regions_of(country) if form else None
    if form is None or regions is None or not regions.label:
        return RegionFacts(text=county) if county else _NOT_NEEDED
    if not county:
        return _absent(address, postcode, country, form, regions)
    key = regions.named(county)
    if key is None:
        unknown = ExceptionKind.STATE_UNKNOWN if country in _STATE_IS_TYPED else None
        return RegionFacts(text=county, fault=unknown)
    begins = regions.postcodes.get(key)
    if not postcode or begins is None or begins.match(postcode):
        return RegionFacts(text=county)
    if country in _POSTCODES_ARE_EXACT:
        return RegionFacts(text=county, fault=ExceptionKind.STATE_CONTRADICTS_POSTCODE)
    return RegionFacts(text=county, fault=ExceptionKind.STATE_DOUBTFUL)


def _absent(
    address: AddressText, postcode: str, country: str, form: CountryFormat, regions: Regions
) -> RegionFacts:
    if not form.needs_county:
        return _NOT_NEEDED
    if country in _STATE_IS_TYPED:
        return RegionFacts(text="")
    city, placed = address.city.text, regions.with_postcode(postcode) if postcode else []
    key = placed[0] if len(placed) == 1 else regions.named(city) if city else None
    if key is None and not city and not form.needs_city:
        key = regions.named_within(f"{address.line1} {address.line2}")
    if key is not None and regions.label[key]:
        return RegionFacts(text=regions.label[key], is_filled_in=True)
    # A country without a field for the city: there the city says what the region would.
    is_told = bool(placed) or (bool(city) and not form.needs_city)
    return RegionFacts(text=None if is_told else "")
