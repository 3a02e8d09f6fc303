"""Phone numbers as the warehouse may carry them: the only importer of phonenumbers.

Whistl's own label tool cuts a phone at 12 characters, which makes `+447700900123` a wrong number
(the field dictionary published with Whistl-Fulfilment-South-West/TAFIE). So UK numbers are sent in
national form, others without their `+`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import phonenumbers

from centra_whistl_dagster.domain.orders.postcodes import UK_COUNTRIES

_UK_CODE = 44
_UK_NATIONAL = re.compile(r"07[0-9]{9}|0[1-3][0-9]{8,9}")
"""Mobile, and geographic or 03: a driver cannot reach a customer on any other."""

_MAXIMUM_DIGITS = 15
"""E.164."""

_COUNTING = "0123456789012345678909876543210"


class PhoneState(StrEnum):
    """How good a text is as a phone number."""

    ABSENT = "absent"
    GOOD = "good"
    DOUBTFUL = "doubtful"  # the right length, in no range that is known to be in use
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True)
class PhoneReading:
    """A phone number in digits as Whistl may carry it; blank when there is none to carry."""

    state: PhoneState
    digits: str = ""


@lru_cache(maxsize=65536)
def read_phone(raw: str, country: str) -> PhoneReading:
    """Read a phone number as somebody in `country` (ISO code) would have typed it.

    An extension cannot be carried, so a number with one is doubtful. One repeated digit, or digits
    in counting order, are what shoppers type to get past a form: malformed.
    """
    if not raw.strip():
        return PhoneReading(PhoneState.ABSENT)
    try:
        number = _parsed(raw, country)
    except phonenumbers.NumberParseException:
        return PhoneReading(PhoneState.MALFORMED)
    digits = _digits(number)
    if digits is None or not phonenumbers.is_possible_number(number):
        return PhoneReading(PhoneState.MALFORMED)
    is_sound = phonenumbers.is_valid_number(number) and not number.extension
    return PhoneReading(PhoneState.GOOD if is_sound else PhoneState.DOUBTFUL, digits)


def _parsed(raw: str, country: str) -> phonenumbers.PhoneNumber:
    """Parse; the commonest spelling without the library, which is slower than the whole rest."""
    if country in UK_COUNTRIES and _UK_NATIONAL.fullmatch(raw):
        return phonenumbers.PhoneNumber(country_code=_UK_CODE, national_number=int(raw))
    return phonenumbers.parse(raw, country)


def _digits(number: phonenumbers.PhoneNumber) -> str | None:
    """Return the digits to carry, None when they cannot be anybody's number."""
    national = phonenumbers.national_significant_number(number)
    if _is_typed_to_pass(national) or _is_typed_to_pass(national[1:]):
        return None
    if number.country_code == _UK_CODE:
        return f"0{national}" if _UK_NATIONAL.fullmatch(f"0{national}") else None
    whole = f"{number.country_code}{national}"
    return whole if len(whole) <= _MAXIMUM_DIGITS else None


def _is_typed_to_pass(national: str) -> bool:
    return len(set(national)) <= 1 or national in _COUNTING
