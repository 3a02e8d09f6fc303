"""Who shops: names, places, phone numbers and e-mail addresses, drawn from a seeded source.

Phone numbers are from the ranges that regulators keep for fiction; mail goes to example.com.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

HOME_SHARE = 0.88
"""Of the shoppers, those on the British mainland; the others are listed in `_ELSEWHERE`."""

_FIRST_NAMES = (
    "Ada", "Grace", "Alan", "Zoë", "Mary", "Łukasz", "Aisha", "Siân", "Tom", "Priya", "José",
    "Ingrid", "Kofi", "Mei", "Owen", "Renée",
)  # fmt: skip
_LAST_NAMES = (
    "Lovelace", "Hopper", "Turing", "O'Brien", "Jackson", "Nowak", "Khan", "Rees", "Smith-Jones",
    "Patel", "García", "Larsen", "Mensah", "Chen", "Pritchard", "Müller",
)  # fmt: skip
_STREETS = (
    "High Street", "Station Road", "Church Lane", "Victoria Terrace", "Mill Lane", "The Green",
    "Queen's Drive", "St Mary's Close",
)  # fmt: skip
_HOME = (
    ("York", "YO1"), ("Leeds", "LS6"), ("Bristol", "BS8"), ("London", "E1"), ("London", "SW4"),
    ("Manchester", "M20"), ("Cardiff", "CF11"), ("Edinburgh", "EH7"), ("Norwich", "NR2"),
    ("Exeter", "EX4"), ("Glasgow", "G12"), ("Brighton", "BN2"),
)  # fmt: skip
_INWARD_LETTERS = "ABDEFGHJLNPQRSTUWXYZ"

_COUNTRIES = {
    "GB": {"id": 1, "name": "United Kingdom", "code": "GB", "isEU": False},
    "JE": {"id": 2, "name": "Jersey", "code": "JE", "isEU": False},
    "FR": {"id": 3, "name": "France", "code": "FR", "isEU": True},
    "DE": {"id": 4, "name": "Germany", "code": "DE", "isEU": True},
    "IE": {"id": 5, "name": "Ireland", "code": "IE", "isEU": True},
    "SE": {"id": 6, "name": "Sweden", "code": "SE", "isEU": True},
}


@dataclass(frozen=True, slots=True)
class _Place:
    """A town outside the mainland. `#` in a pattern stands for a digit."""

    country: str
    city: str
    postcode: str
    phone: str
    street: str


_ELSEWHERE = (
    _Place("GB", "Belfast", "BT1 4GT", "07400123###", "12 Donegall Square"),
    _Place("FR", "Paris", "75011", "+3363998####", "8 rue Oberkampf"),
    _Place("JE", "St Helier", "JE2 3BT", "07400123###", "3 Queen Street"),
    _Place("DE", "Berlin", "10115", "+4930231251##", "Invalidenstraße 44"),
    _Place("IE", "Dublin", "D02 AF30", "+35320915####", "5 Dawson Street"),
    _Place("SE", "Stockholm", "111 22", "+46701740###", "Vasagatan 16"),
)


ADA: dict[str, Any] = {
    "companyName": None,
    "attention": None,
    "firstName": "Ada",
    "lastName": "Lovelace",
    "address1": "12 High Street",
    "address2": None,
    "city": "York",
    "zipCode": "YO1 7HH",
    "stateOrProvince": None,
    "cellPhoneNumber": "07400123456",
    "phoneNumber": None,
    "email": None,
    "vatNumber": None,
    "country": _COUNTRIES["GB"],
    "state": None,
}
"""A delivery address with which nothing is wrong."""

ADA_THE_CUSTOMER: dict[str, Any] = {
    "id": 1,
    "email": "ada@example.com",
    "firstName": "Ada",
    "lastName": "Lovelace",
}


def shopper(
    rng: random.Random, *, at_home: bool = False, mark: str = ""
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a delivery address and a customer, as Centra keeps them, with nothing wrong.

    With `at_home` the address is on the British mainland, which every domestic service serves. A
    `mark` becomes a part of the name, the street and the e-mail.
    """
    first, last = rng.choice(_FIRST_NAMES), f"{rng.choice(_LAST_NAMES)}{mark}"
    number = rng.randint(1, 9999)
    email = f"shopper{mark}{number}@example.com"
    place = _home(rng) if at_home or rng.random() < HOME_SHARE else rng.choice(_ELSEWHERE)
    phone = _digits(rng, place.phone)
    has_mobile = rng.random() < 0.7
    address = {
        "companyName": None,
        "attention": None,
        "firstName": first,
        "lastName": last,
        "address1": f"{place.street} {mark}".strip(),
        "address2": rng.choice((None, None, None, "Flat 2", "Little Wold")),
        "city": place.city,
        "zipCode": place.postcode,
        "stateOrProvince": None,
        "cellPhoneNumber": phone if has_mobile else None,
        "phoneNumber": None if has_mobile else phone,
        "email": email if rng.random() < 0.5 else None,
        "vatNumber": None,
        "country": _COUNTRIES[place.country],
        "state": None,
    }
    return address, {"id": number, "email": email, "firstName": first, "lastName": last}


def _home(rng: random.Random) -> _Place:
    city, outward = rng.choice(_HOME)
    inward = f"{rng.randint(1, 9)}{rng.choice(_INWARD_LETTERS)}{rng.choice(_INWARD_LETTERS)}"
    street = f"{rng.randint(1, 200)} {rng.choice(_STREETS)}"
    return _Place("GB", city, f"{outward} {inward}", "07400123###", street)


def _digits(rng: random.Random, pattern: str) -> str:
    return "".join(str(rng.randint(0, 9)) if char == "#" else char for char in pattern)
