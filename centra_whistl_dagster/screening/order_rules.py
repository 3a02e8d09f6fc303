"""The rules over an order as a whole, its contact details and its shipping service."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import partial

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, SubjectType
from centra_whistl_dagster.domain.orders.order import Order
from centra_whistl_dagster.domain.orders.screening_policy import ScreeningPolicy
from centra_whistl_dagster.screening.order_facts import OrderFacts, is_amount
from centra_whistl_dagster.screening.rule import (
    Check,
    Rule,
    fault_rules,
    is_between,
    is_true,
    matches,
)

K = ExceptionKind


def order_rules(policy: ScreeningPolicy) -> list[Rule[OrderFacts]]:
    """Return the rules over an order as a whole."""
    longest = policy.order_number_characters
    return [
        Rule(
            kind=K.ORDER_NUMBER_INVALID,
            check=Check.ORDER,
            field="order number",
            reads=lambda facts: facts.order_number,
            holds=matches(rf"[A-Za-z0-9-]{{1,{longest}}}"),
            says="Invalid order number {value}: Whistl takes letters, digits and hyphens, at most "
            f"{longest} characters.",
        ),
        Rule(
            kind=K.ORDER_WITHOUT_LINES,
            check=Check.ORDER,
            field="lines",
            reads=lambda facts: len(facts.order.lines),
            holds=lambda counts: counts >= 1,
            says="The order has no lines left to send.",
        ),
        Rule(
            kind=K.TOO_MANY_LINES,
            check=Check.ORDER,
            field="lines",
            reads=lambda facts: len(facts.order.lines),
            holds=is_between(0, policy.lines_per_order),
            says="The order has {value} lines, and Whistl takes at most "
            f"{policy.lines_per_order}.",
        ),
        Rule(
            kind=K.CURRENCY_INVALID,
            check=Check.ORDER,
            field="currency",
            reads=lambda facts: facts.order.currency,
            holds=matches("[A-Z]{3}"),
            says="Invalid currency code {value}: it must be three capital letters, such as GBP.",
        ),
        _amount("total", lambda order: order.grand_total, policy),
        _amount("shipping", lambda order: order.shipping_total, policy),
        _amount("tax", lambda order: order.tax_total, policy),
        *_contact_rules(policy),
        *_service_rules(),
    ]


def _contact_rules(policy: ScreeningPolicy) -> list[Rule[OrderFacts]]:
    return [
        *fault_rules(
            {
                K.PHONE_MISSING: "The delivery address has no phone number, which {service} "
                "requires.",
                K.PHONE_MALFORMED: "Invalid phone number, and {service} requires one.",
                K.PHONE_NOT_MOBILE: "The phone number is a landline, and {service} sends text "
                "messages.",
                K.PHONE_DOUBTFUL: "The phone number is in no range known to be in use, is a "
                "freephone or premium number, or has an extension, which Whistl cannot store. It "
                "is sent without the extension.",
                K.PHONE_TOO_LONG: f"The phone number exceeds Whistl's {policy.phone_digits} digits "
                "and may be cut off there. It is sent in full.",
                K.PHONE_LEFT_OUT: "Invalid phone number. It is not sent: the service does not "
                "require one.",
            },
            check=Check.CONTACT,
            field="phone",
            reads=lambda facts: facts.phone.fault,
            value=lambda facts: facts.phone.raw,
            is_personal=True,
        ),
        *fault_rules(
            {
                K.EMAIL_MISSING: "The delivery address has no e-mail address, which {service} "
                "requires.",
                K.EMAIL_MALFORMED: "Invalid e-mail address, and {service} requires one.",
                K.EMAIL_TOO_LONG: "The e-mail address exceeds Whistl's "
                f"{policy.email_advised_characters} characters, so the carrier's notifications may "
                "not arrive. It is sent in full.",
                K.EMAIL_LEFT_OUT: "Invalid e-mail address. It is not sent: the service does not "
                "require one.",
            },
            check=Check.CONTACT,
            field="e-mail",
            reads=lambda facts: facts.email.fault,
            value=lambda facts: facts.email.raw,
            is_personal=True,
        ),
    ]


def _service_rules() -> list[Rule[OrderFacts]]:
    service_rules = partial(
        fault_rules,
        check=Check.SERVICE,
        field="shipping option",
        reads=_service_fault,
        value=_service_detail,
    )
    of_order = {
        K.SHIPPING_OPTION_MISSING: "The order has no shipping option.",
        K.SERVICE_TOO_HEAVY: "One item with its packaging is too heavy for the service: {value}.",
    }
    of_option = {
        K.SERVICE_UNMAPPED: "The shipping services file has no row for {option}.",
        K.SERVICE_AMBIGUOUS: "The shipping services file has conflicting rows for "
        "{option}: {value}.",
        K.SERVICE_UNKNOWN: "{option} is mapped to {value}, which Whistl does not have.",
        K.SERVICE_INACTIVE: "{option} is mapped to {value}, which is switched off at Whistl.",
        K.SERVICE_NOT_OFFERED: "{option} is mapped to {value}, which Whistl does not offer there.",
    }
    return [
        *service_rules(of_order),
        *service_rules(of_option, subject=SubjectType.SHIPPING_OPTION),
    ]


def _amount(
    field: str, amount: Callable[[Order], Decimal], policy: ScreeningPolicy
) -> Rule[OrderFacts]:
    return Rule(
        kind=K.ORDER_TOTAL_INVALID,
        check=Check.ORDER,
        field=field,
        # The verdict, not the amount: pandas counts Decimal("NaN") as absent and judges it not.
        reads=lambda facts: is_amount(amount(facts.order), policy.value_per_order),
        holds=is_true,
        value=lambda facts: amount(facts.order),
        says=f"Invalid {field} {{value}}: it must be from 0 to {policy.value_per_order:f}.",
    )


def _service_fault(facts: OrderFacts) -> ExceptionKind | None:
    return facts.service.kind


def _service_detail(facts: OrderFacts) -> str:
    return facts.service.detail
