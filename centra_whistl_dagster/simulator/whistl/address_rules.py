"""What the simulated Whistl refuses in a delivery address, and whether a service goes there."""

from __future__ import annotations

import re
from collections.abc import Mapping

import phonenumbers

from centra_whistl_dagster.domain.orders.whistl_catalogue import WhistlService
from centra_whistl_dagster.simulator.whistl.findings import Findings, check_characters, text_of

ADDRESS_LENGTHS = {
    "name": 35,
    "company": 35,
    "line1": 35,
    "line2": 35,
    "line3": 0,
    "city": 35,
    "county": 35,
    "postcode": 10,
    "country": 2,
    "phone": 15,
    "email": 254,
}
"""Longest text per address field; Whistl carries no third line."""

GB_PHONE_LENGTH = 12
"""Characters of the phone column; a number for abroad may be longer and is then only warned of."""

EMAIL_COLUMN_LENGTH = 35

COUNTRIES = frozenset(phonenumbers.SUPPORTED_REGIONS)
BRITISH = frozenset({"GB", "JE", "GG", "IM"})
UK_POSTCODE = re.compile(
    r"GIR 0AA|(?:[A-PR-UWYZ](?:[0-9]{1,2}|[A-HK-Y][0-9]{1,2}|[0-9][A-HJKPSTUW]"
    r"|[A-HK-Y][0-9][ABEHMNPRVWXY])) [0-9][ABD-HJLNP-UW-Z]{2}"
)
EMAIL_FORM = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def check_address(address: Mapping[str, object], findings: Findings) -> None:
    """Find what is wrong with the written address."""
    for name, longest in ADDRESS_LENGTHS.items():
        where, value = f"delivery_address.{name}", text_of(address, name)
        if len(value) > longest:
            findings.refuse("too_long", where, f"at most {longest} characters", value)
        check_characters(value, where, findings)
    for name in ("name", "line1", "city", "country"):
        if not text_of(address, name):
            findings.refuse("required", f"delivery_address.{name}", f"{name} is missing")
    country, postcode = text_of(address, "country"), text_of(address, "postcode")
    if country and country not in COUNTRIES:
        message = "not an ISO 3166 country that is served"
        findings.refuse("invalid_country", "delivery_address.country", message, country)
    if country in BRITISH and not postcode:
        findings.refuse("required", "delivery_address.postcode", "postcode is missing")
    elif country in BRITISH and not UK_POSTCODE.fullmatch(postcode):
        message = "not a valid British postcode"
        findings.refuse("invalid_postcode", "delivery_address.postcode", message, postcode)


def check_contact(
    address: Mapping[str, object], service: WhistlService | None, findings: Findings
) -> None:
    """Find what is wrong with phone and e-mail, given what the service asks for."""
    phone, email = text_of(address, "phone"), text_of(address, "email")
    where = "delivery_address.phone"
    if not phone and service and service.requires_phone:
        findings.refuse("missing_phone", where, f"Service {service.code} needs a phone")
    if phone and (not re.fullmatch(r"[0-9]{7,15}", phone) or len(set(phone)) == 1):
        findings.refuse("invalid_phone", where, "7 to 15 digits that are a real number", phone)
    elif len(phone) > GB_PHONE_LENGTH and text_of(address, "country") in BRITISH:
        findings.refuse("too_long", where, f"at most {GB_PHONE_LENGTH} characters", phone)
    elif len(phone) > GB_PHONE_LENGTH:
        findings.warn("phone_cut", where, f"The label carries {GB_PHONE_LENGTH} characters of it")
    where = "delivery_address.email"
    if not email and service and service.requires_email:
        findings.refuse("missing_email", where, f"Service {service.code} needs an e-mail")
    if email and not EMAIL_FORM.fullmatch(email):
        findings.refuse("invalid_email", where, "not a valid e-mail address", email)
    if len(email) > EMAIL_COLUMN_LENGTH:
        findings.warn("email_cut", where, f"The carrier gets {EMAIL_COLUMN_LENGTH} characters")


def check_destination(
    address: Mapping[str, object], service: WhistlService | None, findings: Findings
) -> None:
    """Find whether the service goes there; Whistl would otherwise pick another by itself."""
    country, area = text_of(address, "country"), postcode_area(address)
    if service is None or country not in COUNTRIES:
        return
    is_bfpo = area == "BF" and country == "GB"
    if (
        (service.is_domestic and country not in BRITISH)
        or (service.countries and country not in service.countries)
        or (country in BRITISH and area in service.excluded_postcode_areas)
        or (is_bfpo and not service.serves_bfpo)
    ):
        findings.refuse(
            "service_not_available_for_destination",
            "service",
            f"{service.code} does not go to {area or ''} {country}",
            str(service.code),
        )


def postcode_area(address: Mapping[str, object]) -> str:
    """Return the letters a British postcode begins with."""
    if text_of(address, "country") not in BRITISH:
        return ""
    letters = re.match("[A-Z]*", text_of(address, "postcode"))
    return letters.group() if letters else ""
