"""Every screening rule: which column must be what, under which kind, and how a failure is told.

A rule is one Pandera check. Its failing rows are the exceptions, so an asset check in the UI and
the block on an order cannot disagree.

Belongs here: the list of rules. Does not belong here: working out facts, or owners.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import pandas as pd

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.orders.characters import named
from centra_whistl_dagster.domain.orders.screening_policy import ScreeningPolicy
from centra_whistl_dagster.screening.line_facts import LineFacts
from centra_whistl_dagster.screening.order_facts import OrderFacts

Facts = TypeVar("Facts", OrderFacts, LineFacts)

K = ExceptionKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(Generic[Facts]):
    """One statement about one column."""

    kind: ExceptionKind | None
    """None when the column itself holds the kind of what is wrong, blank when nothing is."""
    column: str
    field: str
    """What people call it."""
    holds: Callable[[pd.Series[Any]], pd.Series[bool]]
    value: Callable[[Facts], object]
    """The offending value, from the row's facts."""
    is_personal: bool = False
    limit: int | None = None
    """The most characters, pieces or lines, for the message."""

    @property
    def name(self) -> str:
        """What its check is called: its kind, or its column when that tells the kind."""
        return self.kind or self.column


def order_rules(policy: ScreeningPolicy) -> list[Rule[OrderFacts]]:
    """Return the rules over the orders frame."""
    return [
        Rule(
            kind=K.ORDER_NUMBER_INVALID,
            column="order_number",
            field="order number",
            holds=_matches(rf"[A-Za-z0-9-]{{1,{policy.order_number_characters}}}"),
            value=lambda facts: facts.order_number,
            limit=policy.order_number_characters,
        ),
        Rule(
            kind=K.ORDER_WITHOUT_LINES,
            column="line_count",
            field="lines",
            holds=lambda column: column >= 1,
            value=lambda _: 0,
        ),
        Rule(
            kind=K.TOO_MANY_LINES,
            column="line_count",
            field="lines",
            holds=lambda column: column <= policy.lines_per_order,
            value=lambda facts: len(facts.order.lines),
            limit=policy.lines_per_order,
        ),
        Rule(
            kind=K.CURRENCY_INVALID,
            column="currency",
            field="currency",
            holds=_matches("[A-Z]{3}"),
            value=lambda facts: facts.order.currency,
        ),
        Rule(
            kind=K.ORDER_TOTAL_INVALID,
            column="are_amounts_sound",
            field="total",
            holds=_is_true,
            value=lambda facts: facts.order.grand_total,
            limit=int(policy.value_per_order),
        ),
        *_address_rules(policy),
        _stays_blank(None, "phone_fault", "phone", _raw_phone, is_personal=True),
        _stays_blank(None, "email_fault", "e-mail", _raw_email, is_personal=True),
        _stays_blank(None, "service_fault", "shipping option", lambda each: each.service.detail),
    ]


def line_rules(policy: ScreeningPolicy) -> list[Rule[LineFacts]]:
    """Return the rules over the lines frame."""
    return [
        _stays_blank(None, "sku_fault", "sku", lambda each: each.line.sku),
        _stays_blank(K.SKU_COLLISION, "colliding_skus", "sku", lambda each: each.of_sku.colliding),
        _stays_blank(
            K.CUSTOMS_DATA_MISSING,
            "customs_missing",
            "customs data",
            lambda facts: facts.of_sku.customs_missing,
        ),
        _stays_blank(
            K.CUSTOMS_DATA_MALFORMED,
            "customs_malformed",
            "customs data",
            lambda facts: facts.of_sku.customs_malformed,
        ),
        Rule(
            kind=K.QUANTITY_INVALID,
            column="quantity",
            field="quantity",
            holds=lambda column: (column >= 1) & (column <= policy.pieces_per_line),
            value=lambda facts: facts.line.quantity,
            limit=policy.pieces_per_line,
        ),
        Rule(
            kind=K.LINE_VALUE_INVALID,
            column="is_value_sound",
            field="price",
            holds=_is_true,
            value=lambda facts: facts.line.unit_price,
            limit=int(policy.value_per_line),
        ),
        Rule(
            kind=K.CUSTOMS_VALUE_MISSING,
            column="is_worth_declaring",
            field="price",
            holds=_is_true,
            value=lambda facts: facts.line.unit_price,
        ),
        Rule(
            kind=K.WEIGHT_UNKNOWN,
            column="is_weight_known",
            field="weight",
            holds=_is_true,
            value=lambda _: "",
        ),
    ]


def _address_rules(policy: ScreeningPolicy) -> Iterable[Rule[OrderFacts]]:
    yield Rule(
        kind=K.ADDRESS_MISSING,
        column="has_address",
        field="delivery address",
        holds=_is_true,
        value=lambda _: "",
    )
    yield Rule(
        kind=K.COUNTRY_INVALID,
        column="is_country_known",
        field="country",
        holds=_is_true,
        value=lambda facts: facts.address.destination.country,
    )
    yield Rule(
        kind=K.POSTCODE_MALFORMED,
        column="is_postcode_well_formed",
        field="postcode",
        holds=_is_true,
        value=lambda facts: facts.address.postcode,
        is_personal=True,
    )
    yield from _text_rules("name", "name", policy.name_characters, is_needed=True)
    yield from _text_rules("company", "company", policy.company_characters)
    yield from _text_rules(
        "line1", "address line 1", policy.address_line_characters, is_needed=True
    )
    yield from _text_rules("line2", "address line 2", policy.address_line_characters)
    yield from _text_rules("city", "city", policy.city_characters, is_needed=True)
    yield from _text_rules("county", "county or state", policy.county_characters, is_needed=True)
    yield from _text_rules("postcode", "postcode", policy.postcode_characters, is_needed=True)
    for column in ("line1", "line2"):
        yield Rule(
            kind=K.ADDRESS_LINE_LONG,
            column=column,
            field=f"address line {column[-1]}",
            holds=_is_no_longer_than(policy.address_line_advised_characters),
            value=_address_text(column),
            is_personal=True,
            limit=policy.address_line_advised_characters,
        )
    for column, field in _SPELLED.items():
        yield _stays_blank(
            K.UNSUPPORTED_CHARACTER,
            f"{column}_unsupported",
            field,
            _unsupported(column),
        )


_SPELLED = {
    "name": "name",
    "company": "company",
    "lines": "address lines",
    "city": "city",
    "county": "county or state",
    "postcode": "postcode",
}


def _text_rules(
    column: str, field: str, limit: int, *, is_needed: bool = False
) -> Iterable[Rule[OrderFacts]]:
    if is_needed:
        yield Rule(
            kind=K.ADDRESS_INCOMPLETE,
            column=column,
            field=field,
            holds=lambda values: values != "",
            value=lambda _: "",
        )
    yield Rule(
        kind=K.ADDRESS_TOO_LONG,
        column=column,
        field=field,
        holds=_is_no_longer_than(limit),
        value=_address_text(column),
        is_personal=True,
        limit=limit,
    )


def _address_text(column: str) -> Callable[[OrderFacts], object]:
    return lambda facts: getattr(facts.address, column)


def _stays_blank(
    kind: ExceptionKind | None,
    column: str,
    field: str,
    value: Callable[[Facts], object],
    *,
    is_personal: bool = False,
) -> Rule[Facts]:
    return Rule(
        kind=kind,
        column=column,
        field=field,
        holds=lambda values: values == "",
        value=value,
        is_personal=is_personal,
    )


def _raw_phone(facts: OrderFacts) -> str:
    return facts.phone.raw


def _raw_email(facts: OrderFacts) -> str:
    return facts.email.raw


def _unsupported(column: str) -> Callable[[OrderFacts], object]:
    return lambda facts: named(getattr(facts.address, f"{column}_unsupported"))


def _is_true(values: pd.Series[Any]) -> pd.Series[bool]:
    return values.astype(bool)


def _matches(pattern: str) -> Callable[[pd.Series[Any]], pd.Series[bool]]:
    return lambda values: values.str.fullmatch(pattern)


def _is_no_longer_than(limit: int) -> Callable[[pd.Series[Any]], pd.Series[bool]]:
    return lambda values: values.map(len) <= limit
