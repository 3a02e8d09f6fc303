"""What screening needs to know of one delivery address: its prepared texts and where it goes.

`None` stands for "not judged": the part is blank and the country does not need it, or there is no
address at all. A part that is blank and needed is an empty text.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.orders.addresses import AddressText, Change, in_whistl_fields
from centra_whistl_dagster.domain.orders.characters import carried
from centra_whistl_dagster.domain.orders.order import Address
from centra_whistl_dagster.domain.orders.placeholders import is_placeholder
from centra_whistl_dagster.domain.orders.postcodes import COUNTRY_ALIASES, Destination, destination
from centra_whistl_dagster.domain.orders.screening_policy import ScreeningPolicy
from centra_whistl_dagster.screening.address_formats import CountryFormat, country_format
from centra_whistl_dagster.screening.postcodes import PostcodeReading, read_postcode
from centra_whistl_dagster.screening.region_facts import RegionFacts, region_facts

_NO_TEXT = in_whistl_fields(Address(), line_length=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressFacts:
    """One address in Whistl's fields."""

    is_there: bool
    destination: Destination
    is_country_known: bool | None = None
    is_postcode_well_formed: bool | None = None
    why_postcode_invalid: str = ""
    name: str | None = None
    line1: str | None = None
    city: str | None = None
    county: str | None = None
    region_fault: ExceptionKind | None = None
    postcode: str | None = None
    text: AddressText = _NO_TEXT
    """The parts as typed, in Whistl's fields, with the characters that cannot be sent."""
    postcode_unsupported: str = ""
    placeholders: str | None = None
    """The fields that the country needs and that hold a placeholder; None when there are none."""
    changes: tuple[Change, ...] = ()
    """What is not sent as typed."""

    @property
    def is_placed(self) -> bool:
        """Whether country and postcode show where the order goes."""
        is_postcode_there = self.postcode != "" and "postcode" not in (self.placeholders or "")
        is_postcode_sound = is_postcode_there and self.is_postcode_well_formed is not False
        return bool(self.is_country_known) and is_postcode_sound


def address_facts(address: Address | None, policy: ScreeningPolicy) -> AddressFacts:
    """Read one delivery address."""
    if address is None:
        return AddressFacts(is_there=False, destination=destination("", ""))
    country = address.country.strip().upper()
    country = COUNTRY_ALIASES.get(country, country)
    form = country_format(country)
    text = in_whistl_fields(address, line_length=policy.address_line_characters, country=country)
    postcode = carried(address.postcode)
    is_blank = is_placeholder(postcode.text)
    typed = "" if is_blank else postcode.text
    reading = read_postcode(typed, country) if form and typed else PostcodeReading(typed)
    is_invalid = reading.printed is None
    sent = typed if reading.printed is None else reading.printed
    region = region_facts(text, reading.printed or "", country, form)
    facts = AddressFacts(
        is_there=True,
        destination=destination(country, sent),
        is_country_known=form is not None,
        is_postcode_well_formed=not is_invalid if form and sent else None,
        why_postcode_invalid=reading.why_invalid,
        name=_needed(text.name.text, text.name.unsupported),
        line1=_needed(text.line1, text.lines_unsupported),
        city=_city(text, region, form),
        county=None if text.county.unsupported else region.text,
        postcode=sent or ("" if form and form.needs_postcode else None),
        region_fault=region.fault,
        text=text,
        postcode_unsupported=postcode.unsupported,
    )
    left_out = text.placeholders | {"postcode"} if is_blank else text.placeholders
    if not (left_out or text.changes or reading.change or region.is_filled_in):
        return facts
    return _with_changes(facts, left_out, reading, region)


_NEEDED = {
    "name": "name",
    "address lines": "line1",
    "city": "city",
    "county or state": "county",
    "postcode": "postcode",
}
"""What people call each part that a country may need, and what the facts do."""


def _with_changes(
    facts: AddressFacts, left_out: frozenset[str], reading: PostcodeReading, region: RegionFacts
) -> AddressFacts:
    """Name what is not sent as typed; a placeholder in a part that is needed is a fault."""
    missing = [field for field, name in _NEEDED.items() if getattr(facts, name) == ""]
    missing = [field for field in missing if field in left_out]
    spare = sorted(left_out.difference(missing))
    found = [*facts.text.changes, *[Change(field, "placeholder left out") for field in spare]]
    if reading.change:
        found.append(Change("postcode", reading.change))
    if region.is_filled_in:
        found.append(Change("county or state", f"{region.text} filled in from the rest"))
    # One fault each: a part with a placeholder is not missing as well.
    blank: dict[str, Any] = {_NEEDED[field]: None for field in missing}
    return replace(facts, **blank, placeholders=", ".join(missing) or None, changes=tuple(found))


def _needed(text: str, unsupported: str) -> str | None:
    """Return None for a part that is blank only because none of its characters can be sent."""
    return text or (None if unsupported else "")


def _city(text: AddressText, region: RegionFacts, form: CountryFormat | None) -> str | None:
    """Whistl needs a city everywhere; a country without cities gives its emirate or its name."""
    if text.city.text or form is None or form.needs_city:
        return _needed(text.city.text, text.city.unsupported)
    return region.text or text.county.text or form.name
