"""What screening needs to know of an order's phone and e-mail, given what its service requires.

An invalid or missing contact that the service requires blocks the order. One that the service does
not require is left out, with a warning, when it is invalid: Whistl delivers with the field blank,
and may refuse the order for a wrong one.
"""

from __future__ import annotations

from dataclasses import dataclass

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.orders.emails import (
    in_plain_form,
    is_email,
    is_email_placeholder,
)
from centra_whistl_dagster.domain.orders.order import Address
from centra_whistl_dagster.domain.orders.postcodes import UK_COUNTRIES
from centra_whistl_dagster.domain.orders.screening_policy import ScreeningPolicy
from centra_whistl_dagster.screening.phone_numbers import PhoneState, read_phone


@dataclass(frozen=True, slots=True)
class ContactFacts:
    """One contact as it would be sent, and what is wrong with it."""

    text: str
    """Blank when it is not sent."""
    fault: ExceptionKind | None
    raw: str
    """As Centra holds it."""
    change: str = ""
    """What was changed besides spaces and signs."""


def phone_facts(
    raw: str,
    country: str,
    policy: ScreeningPolicy,
    *,
    is_needed: bool,
    is_mobile_needed: bool = False,
) -> ContactFacts:
    """Read a phone number for a destination.

    Whistl's own tool cuts off a number that exceeds its length. No UK number is that long, so one
    for the UK is invalid; one for abroad is sent in full, with a warning. A landline is as good as
    a mobile unless the service sends text messages.
    """
    reading = read_phone(raw, country)
    is_needed = is_needed or is_mobile_needed
    is_long = len(reading.digits) > policy.phone_digits
    if reading.state is PhoneState.ABSENT:
        return ContactFacts("", ExceptionKind.PHONE_MISSING if is_needed else None, raw)
    if reading.state is PhoneState.MALFORMED or (is_long and country in UK_COUNTRIES):
        fault = ExceptionKind.PHONE_MALFORMED if is_needed else ExceptionKind.PHONE_LEFT_OUT
        return ContactFacts("", fault, raw)
    if is_mobile_needed and reading.is_landline:
        return ContactFacts("", ExceptionKind.PHONE_NOT_MOBILE, raw)
    if is_long:
        return ContactFacts(reading.digits, ExceptionKind.PHONE_TOO_LONG, raw, reading.change)
    is_doubtful = reading.state is PhoneState.DOUBTFUL
    doubt = ExceptionKind.PHONE_DOUBTFUL if is_doubtful else None
    return ContactFacts(reading.digits, doubt, raw, reading.change)


def best_phone(
    address: Address,
    country: str,
    policy: ScreeningPolicy,
    *,
    is_needed: bool,
    is_mobile_needed: bool = False,
) -> ContactFacts:
    """Read an address's phone, or its second one where only that has no fault."""

    def read(number: str) -> ContactFacts:
        return phone_facts(
            number, country, policy, is_needed=is_needed, is_mobile_needed=is_mobile_needed
        )

    first = read(address.phone)
    if first.fault is None or not address.other_phone:
        return first
    second = read(address.other_phone)
    return second if second.fault is None else first


def email_facts(raw: str, policy: ScreeningPolicy, *, is_needed: bool) -> ContactFacts:
    """Read an e-mail address."""
    text = in_plain_form(raw)
    if not text:
        return ContactFacts("", ExceptionKind.EMAIL_MISSING if is_needed else None, raw)
    if not is_email(text) or is_email_placeholder(text):
        fault = ExceptionKind.EMAIL_MALFORMED if is_needed else ExceptionKind.EMAIL_LEFT_OUT
        return ContactFacts("", fault, raw)
    is_long = len(text) > policy.email_advised_characters
    change = "" if text == raw.strip() else "written without the signs around it or in ASCII"
    return ContactFacts(text, ExceptionKind.EMAIL_TOO_LONG if is_long else None, raw, change)
