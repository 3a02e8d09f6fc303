"""The rules over order lines, and over SKUs wherever they are ordered."""

from __future__ import annotations

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, SubjectType
from centra_whistl_dagster.domain.orders.screening_policy import ScreeningPolicy
from centra_whistl_dagster.screening.line_facts import LineFacts, SkuFacts
from centra_whistl_dagster.screening.rule import (
    Check,
    Rule,
    fault_rules,
    is_between,
    is_blank,
    is_not,
    is_true,
)

K = ExceptionKind


def line_rules(policy: ScreeningPolicy) -> list[Rule[LineFacts]]:
    """Return the rules over an order line."""
    return [
        Rule(
            kind=K.SKU_MISSING,
            check=Check.SKU,
            field="SKU of line {line}",
            reads=lambda facts: facts.line.sku,
            holds=is_not(""),
            says="Line {line} has no SKU: in Centra it has no product size.",
        ),
        Rule(
            kind=K.QUANTITY_INVALID,
            check=Check.ORDER,
            field="quantity of line {line}",
            reads=lambda facts: facts.line.quantity,
            holds=is_between(1, policy.pieces_per_line),
            says="Invalid quantity {value} on line {line} ({sku}): it must be from 1 to "
            f"{policy.pieces_per_line}.",
        ),
        Rule(
            kind=K.LINE_VALUE_INVALID,
            check=Check.ORDER,
            field="price of line {line}",
            reads=lambda facts: facts.is_value_sound(policy.value_per_line),
            holds=is_true,
            value=lambda facts: facts.line.unit_price,
            says="Invalid price {value} on line {line} ({sku}): price times quantity must be from "
            f"0 to {policy.value_per_line:f}.",
        ),
        Rule(
            kind=K.CUSTOMS_VALUE_MISSING,
            check=Check.CUSTOMS,
            field="price of line {line}",
            reads=lambda facts: facts.is_worth_declaring,
            holds=is_true,
            value=lambda facts: facts.line.unit_price,
            says="Line {line} ({sku}) has the price {value}, and goods sent to {destination} must "
            "have a value to declare.",
        ),
        Rule(
            kind=K.CUSTOMS_DATA_MISSING,
            check=Check.CUSTOMS,
            field="customs data",
            reads=lambda facts: facts.customs_missing,
            holds=is_blank,
            says="SKU {sku} lacks data that customs requires for {destination}: {value}.",
            subject=SubjectType.SKU,
        ),
    ]


def sku_rules(policy: ScreeningPolicy) -> list[Rule[SkuFacts]]:
    """Return the rules over a SKU: fixed once for all orders that hold it."""
    return [
        *fault_rules(
            {
                K.SKU_MALFORMED: "Invalid SKU {value}: Whistl takes letters, digits and . _ / -, "
                f"at most {policy.sku_characters} characters, starting with a letter or a digit.",
                K.SKU_NOT_A_PRODUCT: "SKU {value} is a charge or a voucher, not goods to pick.",
                K.SKU_UNKNOWN: "Whistl does not recognise SKU {value}.",
                K.SKU_INACTIVE: "SKU {value} is switched off at Whistl.",
            },
            check=Check.SKU,
            field="SKU",
            reads=lambda facts: facts.fault,
            value=lambda facts: facts.sku,
            subject=SubjectType.SKU,
        ),
        Rule(
            kind=K.SKU_COLLISION,
            check=Check.SKU,
            field="SKU",
            reads=lambda facts: facts.colliding,
            holds=is_blank,
            says="SKU {sku} differs from {value} only by case, spaces, punctuation or leading "
            "zeros, so the wrong one may be picked.",
            subject=SubjectType.SKU,
        ),
        Rule(
            kind=K.CUSTOMS_DATA_MALFORMED,
            check=Check.CUSTOMS,
            field="customs data",
            reads=lambda facts: facts.customs_malformed,
            holds=is_blank,
            says="SKU {sku} has invalid customs data: {value}.",
            subject=SubjectType.SKU,
        ),
        Rule(
            kind=K.WEIGHT_UNKNOWN,
            check=Check.ADVICE,
            field="weight",
            reads=lambda facts: facts.is_weight_known,
            holds=is_true,
            value=lambda _: "",
            says="Whistl has no weight for SKU {sku}, so the service's weight limit could not be "
            "checked.",
            subject=SubjectType.SKU,
        ),
    ]
