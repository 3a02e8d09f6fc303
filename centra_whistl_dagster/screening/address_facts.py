"""What screening needs to know of one delivery address: its prepared texts and where it goes.

`None` stands for "not judged": the part is blank and the country does not need it, or there is no
address at all. A part that is blank and needed is an empty text.
"""

from __future__ import annotations

from dataclasses import dataclass

from centra_whistl_dagster.domain.orders.addresses import AddressText, in_whistl_fields
from centra_whistl_dagster.domain.orders.characters import carried
from centra_whistl_dagster.domain.orders.order import Address
from centra_whistl_dagster.domain.orders.postcodes import COUNTRY_ALIASES, Destination, destination
from centra_whistl_dagster.domain.orders.screening_policy import ScreeningPolicy
from centra_whistl_dagster.screening.address_formats import (
    CountryFormat,
    country_format,
    printed_postcode,
)

_NO_TEXT = in_whistl_fields(Address(), line_length=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressFacts:
    """One address in Whistl's fields."""

    is_there: bool
    destination: Destination
    is_country_known: bool | None = None
    is_postcode_well_formed: bool | None = None
    name: str | None = None
    line1: str | None = None
    city: str | None = None
    county: str | None = None
    postcode: str | None = None
    text: AddressText = _NO_TEXT
    """The parts as typed, in Whistl's fields, with the characters that cannot be sent."""
    postcode_unsupported: str = ""

    @property
    def is_placed(self) -> bool:
        """Whether country and postcode show where the order goes."""
        is_postcode_sound = self.postcode != "" and self.is_postcode_well_formed is not False
        return bool(self.is_country_known) and is_postcode_sound


def address_facts(address: Address | None, policy: ScreeningPolicy) -> AddressFacts:
    """Read one delivery address."""
    if address is None:
        return AddressFacts(is_there=False, destination=destination("", ""))
    country = address.country.strip().upper()
    country = COUNTRY_ALIASES.get(country, country)
    form = country_format(country)
    text = in_whistl_fields(address, line_length=policy.address_line_characters)
    postcode = carried(address.postcode)
    printed = printed_postcode(postcode.text, country) if form and postcode.text else None
    return AddressFacts(
        is_there=True,
        destination=destination(country, printed or postcode.text),
        is_country_known=form is not None,
        is_postcode_well_formed=printed is not None if form and postcode.text else None,
        name=_needed(text.name.text, text.name.unsupported),
        line1=_needed(text.line1, text.lines_unsupported),
        city=_city(text, form),
        county=text.county.text or ("" if form and form.needs_county else None),
        postcode=printed or postcode.text or ("" if form and form.needs_postcode else None),
        text=text,
        postcode_unsupported=postcode.unsupported,
    )


def _needed(text: str, unsupported: str) -> str | None:
    """Return None for a part that is blank only because none of its characters can be sent."""
    return text or (None if unsupported else "")


def _city(text: AddressText, form: CountryFormat | None) -> str | None:
    """Whistl needs a city everywhere; a country without cities gives its emirate or its name."""
    if text.city.text or form is None or form.needs_city:
        return _needed(text.city.text, text.city.unsupported)
    return text.county.text or form.name
