"""Which postcodes a country has given out, where Google's address data knows only how many digits.

The leading digits in use are those that each postal service publishes with its member page of the
Universal Postal Union. They change by the decade. A range is left wide where one is in doubt: a
postcode that is refused here cannot exist.
"""

from __future__ import annotations

import re

_DIGITS_IN_USE = {
    "AT": r"[1-9]",
    "BE": r"[1-9]",
    "BG": r"[1-9]",
    "CH": r"[1-9]",
    "CY": r"[1-9]",
    "CZ": r"[1-7]",
    "DE": r"0[1-46-9]|[1-357-9]|4[0-24-9]|6[013-9]",
    "DK": r"0[1-9]|[1-9]",
    "EE": r"[1-9]",
    "FR": r"0[1-9]|[1-8]|9[0-578]",
    "GR": r"[1-8]",
    "HR": r"[1-5]",
    "HU": r"[1-9]",
    "IL": r"[1-9]",
    "IS": r"[1-9]",
    "LU": r"[1-9]",
    "LV": r"LV-[1-5]",
    "MA": r"[1-9]",
    "PT": r"[1-9]",
    "RS": r"[1-3]",
    "SA": r"[1-8]",
    "SE": r"[1-9]",
    "SG": r"0[1-9]|[1-7]|8[0-3]",
    "SI": r"[1-9]",
    "SK": r"[089]",
}
_IN_USE = {country: re.compile(leading) for country, leading in _DIGITS_IN_USE.items()}

_ROUTING_KEYS = (
    "A41 A42 A45 A63 A67 A75 A81 A82 A83 A84 A85 A86 A91 A92 A94 A96 A98 C15 D01 D02 D03 D04 D05 "
    "D06 D6W D07 D08 D09 D10 D11 D12 D13 D14 D15 D16 D17 D18 D20 D22 D24 E21 E25 E32 E34 E41 E45 "
    "E53 E91 F12 F23 F26 F28 F31 F35 F42 F45 F52 F56 F91 F92 F93 F94 H12 H14 H16 H18 H23 H53 H54 "
    "H62 H65 H71 H91 K32 K34 K36 K45 K56 K67 K78 N37 N39 N41 N91 P12 P14 P17 P24 P25 P31 P32 P36 "
    "P43 P47 P51 P56 P61 P67 P72 P75 P81 P85 R14 R21 R32 R35 R42 R45 R51 R56 R93 R95 T12 T23 T34 "
    "T45 T56 V14 V15 V23 V31 V35 V42 V92 V93 V94 V95 W12 W23 W34 W91 X35 X42 X91 Y14 Y21 Y25 Y34 "
    "Y35"
)
EIRCODE_ROUTING_KEYS = frozenset(_ROUTING_KEYS.split())
"""All 139 (Eircode, routing key boundaries)."""

_EIRCODE_IDENTIFIER = re.compile(r"[0-9ACDEFHKNPRTV-Y]{4}")


def why_not_given_out(postcode: str, country: str) -> str:
    """Say why a postcode of the right form does not exist; blank when it may."""
    if country == "IE":
        key, identifier = postcode[:3], postcode[-4:]
        if key not in EIRCODE_ROUTING_KEYS:
            return f"there is no Eircode routing key {key}"
        if not _EIRCODE_IDENTIFIER.fullmatch(identifier):
            return "an Eircode has none of the letters B, G, I, J, L, M, O, Q, S, U and Z"
        return ""
    in_use = _IN_USE.get(country)
    if in_use is not None and not in_use.match(postcode):
        return f"no postcode there begins with {postcode[:2]}"
    is_zeros = not postcode.strip("0 -")
    return "it has no digit but zeros" if is_zeros else ""
