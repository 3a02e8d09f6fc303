"""An order that Whistl shows is ours when what we sent is what it shows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from centra_whistl_dagster.domain.orders.identity import (
    OrderIdentity,
    is_of_same_sale,
    is_same_order,
)

SENT = OrderIdentity(
    external_reference="centra-7f3c",
    units={"TEE-M": 2, "CAP": 1},
    postcode="YO1 7HH",
    country="GB",
    name="Ada Lovelace",
)


@pytest.mark.parametrize(
    "shown",
    [
        SENT,
        replace(SENT, units={"CAP": 1, "TEE-M": 2}),
        replace(SENT, postcode="yo17hh", country="gb", name="ADA  LOVELACE"),
        replace(SENT, name="Ada Love"),
        replace(SENT, external_reference="", postcode="", country="", name=""),
    ],
)
def test_spelling_order_of_lines_a_cut_name_and_what_is_not_shown_make_no_other_order(
    shown: OrderIdentity,
) -> None:
    assert is_same_order(SENT, shown)


@pytest.mark.parametrize(
    "shown",
    [
        replace(SENT, external_reference="centra-7f3"),
        replace(SENT, units={"TEE-M": 1, "CAP": 1}),
        replace(SENT, units={"TEE-M": 2}),
        replace(SENT, units={"TEE-m": 2, "CAP": 1}),
        replace(SENT, units={}),
        replace(SENT, postcode="YO1 7HJ"),
        replace(SENT, country="IE"),
        replace(SENT, name="Grace Hopper"),
    ],
)
def test_another_reference_other_units_or_another_destination_make_another_order(
    shown: OrderIdentity,
) -> None:
    assert not is_same_order(SENT, shown)


def test_an_order_of_the_same_sale_is_known_by_its_reference_alone() -> None:
    assert is_of_same_sale(SENT, replace(SENT, units={}, postcode="X"))
    assert not is_of_same_sale(SENT, replace(SENT, external_reference=""))
    assert not is_of_same_sale(SENT, replace(SENT, external_reference="centra-8"))


def test_its_text_names_no_person() -> None:
    assert "Ada" not in repr(SENT)
    assert "YO1" not in repr(SENT)
