"""A failed rule as a problem: its subject, its value fit to be shown, and its sentence.

Belongs here: turning one failing row into words. Does not belong here: deciding that it fails.
"""

from __future__ import annotations

from centra_whistl_dagster.domain.exceptions.problems import (
    ExceptionKind,
    Problem,
    SubjectType,
    masked,
)
from centra_whistl_dagster.domain.orders.characters import named
from centra_whistl_dagster.domain.orders.screening_policy import ScreeningPolicy
from centra_whistl_dagster.screening.address_formats import country_format
from centra_whistl_dagster.screening.line_facts import LineFacts
from centra_whistl_dagster.screening.messages import MESSAGES
from centra_whistl_dagster.screening.order_facts import OrderFacts
from centra_whistl_dagster.screening.schemas import Failure

LONGEST_SHOWN_VALUE = 80
"""Characters; a text of pages in a field must not become an alert of pages."""

_OF_THE_SKU = frozenset(
    {
        ExceptionKind.SKU_NOT_A_PRODUCT,
        ExceptionKind.SKU_MALFORMED,
        ExceptionKind.SKU_UNKNOWN,
        ExceptionKind.SKU_INACTIVE,
        ExceptionKind.SKU_COLLISION,
        ExceptionKind.CUSTOMS_DATA_MISSING,
        ExceptionKind.CUSTOMS_DATA_MALFORMED,
        ExceptionKind.WEIGHT_UNKNOWN,
    }
)
"""Mended once for all orders that hold the SKU."""

_OF_THE_OPTION = frozenset(
    {
        ExceptionKind.SERVICE_UNMAPPED,
        ExceptionKind.SERVICE_AMBIGUOUS,
        ExceptionKind.SERVICE_UNKNOWN,
        ExceptionKind.SERVICE_INACTIVE,
        ExceptionKind.SERVICE_NOT_OFFERED,
    }
)
"""Mended once for all orders of the option to that destination."""


def shown(value: object) -> str:
    """Return a value as text that any log, mail or database takes, and not longer than a line."""
    text = "".join(c if c.isprintable() else named(c) for c in str(value)[:LONGEST_SHOWN_VALUE])
    return text if len(str(value)) <= LONGEST_SHOWN_VALUE else f"{text}…"


def order_problem(failure: Failure[OrderFacts], facts: OrderFacts) -> Problem:
    """Say what is wrong with an order."""
    rule, kind, _ = failure
    option = facts.order.shipping_option
    destination = shown(facts.address.destination)
    option_name = shown(option.name) if option else ""
    subject_type, subject = SubjectType.ORDER, str(facts.order.number)
    if kind in _OF_THE_OPTION:
        subject_type, subject = SubjectType.SHIPPING_OPTION, f"{option_name} to {destination}"
    return _problem(
        failure,
        subject_type,
        subject,
        rule.field,
        rule.value(facts),
        option=option_name,
        destination=destination or "the country",
        example=_example(facts.address.destination.country),
        service=facts.service.service.code if facts.service.service else "the service",
    )


def line_problem(
    failure: Failure[LineFacts], facts: LineFacts, order: OrderFacts, policy: ScreeningPolicy
) -> Problem:
    """Say what is wrong with an order line, or with its SKU wherever it is ordered."""
    rule, kind, _ = failure
    is_of_sku = kind in _OF_THE_SKU
    return _problem(
        failure,
        SubjectType.SKU if is_of_sku else SubjectType.ORDER,
        shown(facts.line.sku) if is_of_sku else str(order.order.number),
        rule.field if is_of_sku else f"{rule.field} of line {facts.line_number}",
        rule.value(facts),
        line=facts.line_number,
        sku=shown(facts.line.sku),
        sku_limit=policy.sku_characters,
        destination=shown(order.address.destination),
    )


def _problem(
    failure: Failure[OrderFacts] | Failure[LineFacts],
    subject_type: SubjectType,
    subject: str,
    field: str,
    value: object,
    **names: object,
) -> Problem:
    rule, text = failure.rule, "" if value is None else shown(value)
    return Problem(
        kind=failure.kind,
        subject_type=subject_type,
        subject=subject,
        field=field,
        value=masked(text) if rule.is_personal else text,
        message=MESSAGES[failure.kind].format(
            field=rule.field, value=text, limit=rule.limit, **names
        ),
    )


def _example(country: str) -> str:
    form = country_format(country)
    return f", such as {form.postcode_example}" if form and form.postcode_example else ""
