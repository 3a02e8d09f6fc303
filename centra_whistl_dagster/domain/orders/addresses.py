"""A delivery address in Whistl's fields: two lines, no line feeds, nothing for Whistl to cut.

Whistl's own label tool merges everything after the first address line into one and cuts that at 35
characters, deletes line feeds and cuts names (the field dictionary published with
Whistl-Fulfilment-South-West/TAFIE). It reports none of that, so the text is re-flowed here where
nothing is lost by it; where something would be lost, screening blocks the order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from centra_whistl_dagster.domain.orders.characters import CarriedText, carried
from centra_whistl_dagster.domain.orders.order import Address
from centra_whistl_dagster.domain.orders.placeholders import has_no_letter, is_placeholder


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedAddress:
    """A delivery address that passed screening, in Whistl's fields and within its lengths."""

    name: str
    company: str
    line1: str
    line2: str
    city: str
    county: str
    postcode: str
    country: str
    """ISO 3166-1 alpha-2, as the chosen service lists it."""
    phone: str
    """Digits. UK numbers in national form, `07700900123`; others with the country code, no `+`."""
    email: str


@dataclass(frozen=True, slots=True)
class Change:
    """What differs between an order as typed and as sent. Holds nothing personal."""

    field: str
    how: str
    """A few words, such as `\u0141 as L` or `placeholder left out`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressText:
    """The parts of an address in characters that the warehouse can hold, not screened yet."""

    name: CarriedText
    company: CarriedText
    line1: str
    line2: str
    """One of the two lines exceeds the limit when the address does not fit into two."""
    lines_unsupported: str
    """The characters of either line that the warehouse cannot hold."""
    city: CarriedText
    county: CarriedText
    placeholders: frozenset[str] = frozenset()
    """The fields of which a placeholder was left out."""
    changes: tuple[Change, ...] = ()


def in_whistl_fields(address: Address, *, line_length: int, country: str = "") -> AddressText:
    """Put Centra's address parts into Whistl's fields, dropping nothing but placeholders.

    Centra's `attention` is the name when there is no other, and otherwise an address part of its
    own, since Whistl has no field for it.

    Args:
        address: as typed.
        line_length: the most characters of each of the two lines.
        country: the destination's ISO code, for the placeholders that are real places there.
    """
    name, attention = _read(_name(address), country), _read(address.attention, country)
    if not name.text and not name.unsupported and attention.text:
        name, attention = attention, _NOTHING
    company, city = _read(address.company, country), _read(address.city, country)
    if has_no_letter(city.text):
        city = _PLACEHOLDER
    county = _read(address.county, country)
    lines = [
        _read(line, country) for line in (*address.line1.splitlines(), *address.line2.splitlines())
    ]
    if attention.text and attention.text.casefold() not in {
        name.text.casefold(),
        company.text.casefold(),
    }:
        lines.insert(0, attention)
    line1, line2 = folded_lines([line.text for line in lines], limit=line_length)
    unsupported = "".join([line.unsupported for line in lines])
    parts = zip(_PARTS, (name, company, city, county, *lines), strict=False)
    odd = [(field, part) for field, part in parts if part.respelled or part is _PLACEHOLDER]
    return AddressText(
        name=name,
        company=company,
        line1=line1,
        line2=line2,
        lines_unsupported="".join(dict.fromkeys(unsupported)) if unsupported else "",
        city=city,
        county=county,
        placeholders=frozenset([field for field, part in odd if part is _PLACEHOLDER]),
        changes=tuple([Change(field, part.respelled) for field, part in odd if part.respelled]),
    )


_PARTS = ("name", "company", "city", "county or state", *["address lines"] * 100)
_NOTHING = CarriedText("")
_PLACEHOLDER = CarriedText("")
"""What is carried of a placeholder. Known by its identity: a blank part equals it."""


@lru_cache(maxsize=65536)
def _read(typed: str, country: str) -> CarriedText:
    part = carried(typed)
    return _PLACEHOLDER if part.text and is_placeholder(part.text, country) else part


def _name(address: Address) -> str:
    """Return first and last name, without a sign that stands in the place of either."""
    names = [name for name in (address.first_name, address.last_name) if name.strip(" .-_/*")]
    return " ".join(names) if names else address.name


def folded_lines(parts: Sequence[str], *, limit: int) -> tuple[str, str]:
    """Flow address parts into two lines of at most `limit` characters, breaking at a space.

    A break after a comma is best and one behind a number worst, so that a house number stays with
    its street. Nothing is ever cut: when two lines cannot hold the address, one exceeds the limit.
    """
    kept = [part for part in parts if part]
    if len(kept) <= 2 and all(len(part) <= limit for part in kept):
        line1, line2, *_ = (*kept, "", "")
        return line1, line2
    whole = ", ".join(kept)
    if len(whole) <= limit:
        return whole, ""
    breaks = [
        (_badness(left), -len(left), left.rstrip(","), right)
        for left, right in _two_parts(whole)
        if len(left.rstrip(",")) <= limit and len(right) <= limit
    ]
    if breaks:
        _, _, line1, line2 = min(breaks)
        return line1, line2
    return kept[0], ", ".join(kept[1:])


def _two_parts(text: str) -> list[tuple[str, str]]:
    return [(text[:at], text[at + 1 :]) for at, c in enumerate(text) if c == " "]


def _badness(left: str) -> int:
    if left.endswith(","):
        return 0
    return 2 if any(c.isdigit() for c in left.rsplit(" ", 1)[-1]) else 1
