"""The rules over an order as a whole, its contact details and its shipping service."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, SubjectType
from centra_whistl_dagster.domain.orders.order import Order
from centra_whistl_dagster.domain.orders.screening_policy import ScreeningPolicy
from centra_whistl_dagster.screening.order_facts import OrderFacts, is_amount
from centra_whistl_dagster.screening.rule import (
    Rule,
    ScreeningCheck,
    is_between,
    is_not,
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
            check=ScreeningCheck.ORDER,
            field="order number",
            reads=lambda facts: facts.order_number,
            holds=matches(rf"[A-Za-z0-9-]{{1,{longest}}}"),
            says="Invalid order number {value}: Whistl takes letters, digits and hyphens, at most "
            f"{longest} characters.",
        ),
        Rule(
            kind=K.ORDER_WITHOUT_LINES,
            check=ScreeningCheck.ORDER,
            field="lines",
            reads=_line_count,
            holds=lambda counts: counts >= 1,
            says="The order has no lines left to send.",
        ),
        Rule(
            kind=K.TOO_MANY_LINES,
            check=ScreeningCheck.ORDER,
            field="lines",
            reads=_line_count,
            holds=is_between(0, policy.lines_per_order),
            says="The order has {value} lines, and Whistl takes at most "
            f"{policy.lines_per_order}.",
        ),
        Rule(
            kind=K.CURRENCY_INVALID,
            check=ScreeningCheck.ORDER,
            field="currency",
            reads=lambda facts: facts.order.currency,
            holds=matches("[A-Z]{3}"),
            says="Invalid currency code {value}: it must be three capital letters, such as GBP.",
        ),
        _amount("total", lambda order: order.grand_total, policy),
        _amount("shipping", lambda order: order.shipping_total, policy),
        _amount("tax", lambda order: order.tax_total, policy),
        *_contact_rules(policy),
        *_SERVICE_RULES,
    ]


def _contact_rules(policy: ScreeningPolicy) -> list[Rule[OrderFacts]]:
    advice = ScreeningCheck.ADVICE
    return [
        _phone(
            K.PHONE_MISSING, "The delivery address has no phone number, which {service} requires."
        ),
        _phone(K.PHONE_MALFORMED, "Invalid phone number, and {service} requires one."),
        _phone(
            K.PHONE_DOUBTFUL,
            "The phone number is in no range known to be in use, or has an extension, which Whistl "
            "cannot store. It was sent without one.",
            advice,
        ),
        _phone(
            K.PHONE_TOO_LONG,
            f"The phone number exceeds Whistl's {policy.phone_digits} digits and may be cut off "
            "there. It was sent in full.",
            advice,
        ),
        _phone(
            K.PHONE_LEFT_OUT,
            "Invalid phone number. It was not sent: the service does not require one.",
            advice,
        ),
        _email(
            K.EMAIL_MISSING, "The delivery address has no e-mail address, which {service} requires."
        ),
        _email(K.EMAIL_MALFORMED, "Invalid e-mail address, and {service} requires one."),
        _email(
            K.EMAIL_TOO_LONG,
            f"The e-mail address exceeds Whistl's {policy.email_advised_characters} characters, so "
            "the carrier's notifications may not arrive. It was sent in full.",
            advice,
        ),
        _email(
            K.EMAIL_LEFT_OUT,
            "Invalid e-mail address. It was not sent: the service does not require one.",
            advice,
        ),
    ]


def _line_count(facts: OrderFacts) -> int:
    return len(facts.order.lines)


def _amount(
    field: str, amount: Callable[[Order], Decimal], policy: ScreeningPolicy
) -> Rule[OrderFacts]:
    return Rule(
        kind=K.ORDER_TOTAL_INVALID,
        check=ScreeningCheck.ORDER,
        field=field,
        # The verdict, not the amount: pandas counts Decimal("NaN") as absent and judges it not.
        reads=lambda facts: is_amount(amount(facts.order), policy.value_per_order),
        holds=is_true,
        value=lambda facts: amount(facts.order),
        says=f"Invalid {field} {{value}}: it must be from 0 to {policy.value_per_order:f}.",
    )


def _phone_fault(facts: OrderFacts) -> str:
    return facts.phone.fault or ""


def _phone(
    kind: ExceptionKind, says: str, check: ScreeningCheck = ScreeningCheck.CONTACT
) -> Rule[OrderFacts]:
    return Rule(
        kind=kind,
        check=check,
        field="phone",
        reads=_phone_fault,
        holds=is_not(kind),
        value=lambda facts: facts.phone.raw,
        says=says,
        is_personal=True,
    )


def _email_fault(facts: OrderFacts) -> str:
    return facts.email.fault or ""


def _email(
    kind: ExceptionKind, says: str, check: ScreeningCheck = ScreeningCheck.CONTACT
) -> Rule[OrderFacts]:
    return Rule(
        kind=kind,
        check=check,
        field="e-mail",
        reads=_email_fault,
        holds=is_not(kind),
        value=lambda facts: facts.email.raw,
        says=says,
        is_personal=True,
    )


def _service_fault(facts: OrderFacts) -> str:
    return facts.service.kind or ""


def _service(
    kind: ExceptionKind, says: str, subject: SubjectType = SubjectType.SHIPPING_OPTION
) -> Rule[OrderFacts]:
    return Rule(
        kind=kind,
        check=ScreeningCheck.SERVICE,
        field="shipping option",
        reads=_service_fault,
        holds=is_not(kind),
        value=lambda facts: facts.service.detail,
        says=says,
        subject=subject,
    )


_SERVICE_RULES = (
    _service(K.SHIPPING_OPTION_MISSING, "The order has no shipping option.", SubjectType.ORDER),
    _service(K.SERVICE_UNMAPPED, "The shipping services file has no row for {shipping_option}."),
    _service(
        K.SERVICE_AMBIGUOUS,
        "The shipping services file has conflicting rows for {shipping_option}: {value}.",
    ),
    _service(
        K.SERVICE_UNKNOWN, "{shipping_option} is mapped to {value}, which Whistl does not have."
    ),
    _service(
        K.SERVICE_INACTIVE,
        "{shipping_option} is mapped to {value}, which is switched off at Whistl.",
    ),
    _service(
        K.SERVICE_NOT_OFFERED,
        "{shipping_option} is mapped to {value}, which Whistl does not offer there.",
    ),
    _service(
        K.SERVICE_TOO_HEAVY,
        "One item with its packaging is too heavy for the service: {value}.",
        SubjectType.ORDER,
    ),
)
