"""What screening needs to know of one delivery address: its prepared texts and where it goes.

`None` stands for "not judged": the part is blank and the country does not need it, or there is no
address at all. A part that is blank and needed is an empty text.

Belongs here: facts of the address. Does not belong here: phone and e-mail, which depend on the
service (`contact_facts`), and limits (`schemas`).
"""

from __future__ import annotations

from dataclasses import dataclass

from centra_whistl_dagster.domain.orders.addresses import in_whistl_fields
from centra_whistl_dagster.domain.orders.characters import carried
from centra_whistl_dagster.domain.orders.order import Address
from centra_whistl_dagster.domain.orders.postcodes import COUNTRY_ALIASES, Destination, destination
from centra_whistl_dagster.domain.orders.screening_policy import ScreeningPolicy
from centra_whistl_dagster.screening.address_formats import (
    CountryFormat,
    country_format,
    printed_postcode,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressFacts:
    """One address in Whistl's fields. `…_unsupported` holds the characters that cannot be sent."""

    is_there: bool
    destination: Destination
    is_country_known: bool | None
    name: str | None
    name_unsupported: str
    company: str
    company_unsupported: str
    line1: str | None
    line2: str
    lines_unsupported: str
    city: str | None
    city_unsupported: str
    county: str | None
    county_unsupported: str
    postcode: str | None
    postcode_unsupported: str
    is_postcode_well_formed: bool | None

    @property
    def is_placed(self) -> bool:
        """Whether country and postcode say where it is."""
        is_postcode_sound = self.postcode != "" and self.is_postcode_well_formed is not False
        return bool(self.is_country_known) and is_postcode_sound


def address_facts(address: Address | None, policy: ScreeningPolicy) -> AddressFacts:
    """Read one delivery address."""
    if address is None:
        return _NO_ADDRESS
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
        name=_needed(text.name.text, bool(text.name.unsupported)),
        name_unsupported=text.name.unsupported,
        company=text.company.text,
        company_unsupported=text.company.unsupported,
        line1=_needed(text.line1, bool(text.lines_unsupported)),
        line2=text.line2,
        lines_unsupported=text.lines_unsupported,
        city=_city(text.city.text, text.county.text, form, bool(text.city.unsupported)),
        city_unsupported=text.city.unsupported,
        county=text.county.text or ("" if form and form.needs_county else None),
        county_unsupported=text.county.unsupported,
        postcode=printed or postcode.text or ("" if form and form.needs_postcode else None),
        postcode_unsupported=postcode.unsupported,
        is_postcode_well_formed=printed is not None if form and postcode.text else None,
    )


def _needed(text: str, has_unsupported: bool) -> str | None:
    """Leave a part unjudged when it is blank only because nothing in it could be spelled."""
    return text or (None if has_unsupported else "")


def _city(city: str, county: str, form: CountryFormat | None, has_unsupported: bool) -> str | None:
    """Whistl needs a city everywhere; where the country has none, its emirate or name stands in."""
    if city or form is None or form.needs_city:
        return _needed(city, has_unsupported)
    return county or form.name


_NO_ADDRESS = AddressFacts(
    is_there=False,
    destination=destination("", ""),
    is_country_known=None,
    name=None,
    name_unsupported="",
    company="",
    company_unsupported="",
    line1=None,
    line2="",
    lines_unsupported="",
    city=None,
    city_unsupported="",
    county=None,
    county_unsupported="",
    postcode=None,
    postcode_unsupported="",
    is_postcode_well_formed=None,
)
