"""What a screening rule is, and the tests that its column may have to pass.

A rule is one Pandera check. Its failing rows block orders and turn its asset check red, so the page
in Dagster and the block on an order cannot disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

import pandas as pd

from centra_whistl_dagster.domain.exceptions.problems import ADVICE, ExceptionKind, SubjectType


class Check(StrEnum):
    """The asset checks of `orders/screened`, each named by what is true while it is green."""

    ORDER = "every_order_is_one_the_warehouse_takes"
    ADDRESS = "every_delivery_address_is_complete_and_valid"
    CONTACT = "every_order_has_the_contact_details_its_service_requires"
    SKU = "every_line_has_a_sku_the_warehouse_accepts"
    SERVICE = "every_shipping_option_has_one_service"
    CUSTOMS = "every_cross_border_order_has_customs_data"
    ADVICE = "no_order_is_sent_with_a_warning"


class HasWords(Protocol):
    """Facts that rules are about."""

    def words(self) -> Mapping[str, str]:
        """Return what a rule's sentence may name, and every subject by its `SubjectType`."""


Facts = TypeVar("Facts", bound=HasWords)
Holds: TypeAlias = "Callable[[pd.Series[Any]], pd.Series[bool]]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(Generic[Facts]):
    """One statement about one value of an order, of a line or of a SKU.

    No other code names the rule. The team that fixes it, the time limit and the instructions are
    the entry of its kind in `config/exceptions.toml`.
    """

    kind: ExceptionKind
    check: Check
    """The asset check that a failure turns red."""
    field: str
    """What people call it. With the kind it is unique; it may name words, as `says` may."""
    reads: Callable[[Facts], object]
    """The value to judge. None is not judged, nor is NaN: pandas counts both as absent."""
    holds: Holds
    """Which of the values read are sound. Rules that read by one function share a column."""
    says: str
    """What is wrong, in one plain sentence. `{value}` and the words of the facts are filled in."""
    value: Callable[[Facts], object] | None = None
    """The value to show, where it is not the one judged."""
    subject: SubjectType = SubjectType.ORDER
    """Whose exception it is: orders that share the subject share the exception."""
    is_personal: bool = False
    """The value is shown masked, in the sentence too."""

    @property
    def name(self) -> str:
        """What its Pandera check is called."""
        return f"{self.kind} {self.field}"


def fault_rules(
    sentences: Mapping[ExceptionKind, str],
    *,
    check: Check,
    field: str,
    reads: Callable[[Facts], ExceptionKind | None],
    value: Callable[[Facts], object],
    subject: SubjectType = SubjectType.ORDER,
    is_personal: bool = False,
) -> list[Rule[Facts]]:
    """Return a rule for each kind of fault, where facts name the first fault and hide the others.

    Kinds that block no order belong to the check of advice.
    """
    return [
        Rule(
            kind=kind,
            check=Check.ADVICE if kind in ADVICE else check,
            field=field,
            reads=reads,
            holds=is_not(kind),
            says=says,
            value=value,
            subject=subject,
            is_personal=is_personal,
        )
        for kind, says in sentences.items()
    ]


def is_true(values: pd.Series[Any]) -> pd.Series[bool]:
    """Hold where the value read is true."""
    return values.astype(bool)


def is_blank(values: pd.Series[Any]) -> pd.Series[bool]:
    """Hold where the text read, which says what is wrong, is empty."""
    return values == ""


def is_not(text: str) -> Holds:
    """Hold where the text read is another one."""
    return lambda values: values != text


def matches(pattern: str) -> Holds:
    """Hold where the whole text matches."""
    return lambda values: values.str.fullmatch(pattern)


def is_between(least: int, most: int) -> Holds:
    """Hold where the number is within both bounds."""
    return lambda values: (values >= least) & (values <= most)


def is_no_longer_than(limit: int) -> Holds:
    """Hold where the text has at most that many characters."""
    return lambda values: values.map(len) <= limit
