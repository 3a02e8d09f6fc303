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
"""How most UK numbers are typed."""

_MINIMUM_DIGITS, _MAXIMUM_DIGITS = 7, 15
"""The shortest that Whistl takes, and E.164."""

_COUNTING = "0123456789012345678909876543210"
_UK_MOBILE = re.compile(r"07[0-9 ()-]{9,}")

_Type = phonenumbers.PhoneNumberType
_LANDLINE = frozenset({_Type.FIXED_LINE, _Type.TOLL_FREE, _Type.SHARED_COST, _Type.PREMIUM_RATE})
_HARDLY_A_SHOPPERS = frozenset({_Type.TOLL_FREE, _Type.SHARED_COST, _Type.PREMIUM_RATE})


class PhoneState(StrEnum):
    """How good a text is as a phone number."""

    ABSENT = "absent"
    GOOD = "good"
    DOUBTFUL = (
        "doubtful"  # of the plan's form, in no range known to be in use, or hardly a shopper's
    )
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True)
class PhoneReading:
    """A phone number in digits as Whistl may carry it; blank when there is none to carry."""

    state: PhoneState
    digits: str = ""
    is_landline: bool = False
    """No text message reaches it."""
    change: str = ""
    """What was changed besides spaces and signs."""


@lru_cache(maxsize=65536)
def read_phone(raw: str, country: str) -> PhoneReading:
    """Read a phone number as somebody in `country` (ISO code) would have typed it.

    What the library's metadata calls valid is good, however its digits run, except one repeated
    digit. An extension cannot be carried, so a number with one is doubtful.
    """
    if not raw.strip():
        return PhoneReading(PhoneState.ABSENT)
    number = _parsed(raw, country)
    if number is None:
        return PhoneReading(PhoneState.MALFORMED)
    kind = phonenumbers.number_type(number)
    is_valid = kind != _Type.UNKNOWN
    if not is_valid and country not in UK_COUNTRIES and _UK_MOBILE.fullmatch(raw.strip()):
        at_home = _parsed(raw, "GB")
        if at_home is not None and phonenumbers.is_valid_number(at_home):
            carried = _digits(at_home) or ""
            return PhoneReading(PhoneState.GOOD, carried, change="read as a UK mobile number")
    digits = _digits(number)
    if digits is None or not (is_valid or _is_of_the_plan(number)):
        return PhoneReading(PhoneState.MALFORMED)
    is_sound = is_valid and not number.extension and kind not in _HARDLY_A_SHOPPERS
    state = PhoneState.GOOD if is_sound else PhoneState.DOUBTFUL
    change = f"extension {number.extension} left out" if number.extension else ""
    return PhoneReading(state, digits, is_landline=kind in _LANDLINE, change=change)


def _parsed(raw: str, country: str) -> phonenumbers.PhoneNumber | None:
    """Parse; the commonest spelling without the library, which is slower than the whole rest."""
    if country in UK_COUNTRIES and _UK_NATIONAL.fullmatch(raw):
        return phonenumbers.PhoneNumber(country_code=_UK_CODE, national_number=int(raw))
    try:
        return phonenumbers.parse(raw, country)
    except phonenumbers.NumberParseException:
        return None


def _digits(number: phonenumbers.PhoneNumber) -> str | None:
    """Return the digits to carry, None when they are no number: too few, or one digit repeated."""
    national = phonenumbers.national_significant_number(number)
    if len(set(national)) <= 1 or len(set(national[1:])) <= 1:
        return None
    is_uk = number.country_code == _UK_CODE
    whole = f"0{national}" if is_uk else f"{number.country_code}{national}"
    return whole if _MINIMUM_DIGITS <= len(whole) <= _MAXIMUM_DIGITS else None


def _is_of_the_plan(number: phonenumbers.PhoneNumber) -> bool:
    """Say whether a number in no known range has the form of its country's numbers all the same.

    The metadata is as old as the release installed, and ranges are opened all the time. Digits in
    counting order are what shoppers type to get past a form.
    """
    national = phonenumbers.national_significant_number(number)
    region = phonenumbers.region_code_for_country_code(number.country_code or 0)
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region, None)
    plan = metadata.general_desc if metadata else None
    if plan is None or not phonenumbers.is_possible_number(number):
        return False
    is_of_form = re.fullmatch(plan.national_number_pattern or "", national)
    return bool(is_of_form) and national not in _COUNTING
