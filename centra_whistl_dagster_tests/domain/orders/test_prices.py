"""Goods and delivery add up to what the customer pays, and a gift may have a value at customs."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from centra_whistl_dagster.domain.orders.order import Order, OrderLine
from centra_whistl_dagster.domain.orders.prices import (
    PENNY,
    delivery_total,
    goods_total,
    unit_prices,
)

AT = datetime(2026, 11, 27, 8, tzinfo=UTC)
NOTHING = Decimal(0)


def order(total: str, *lines: tuple[str, int], delivery: str = "0") -> Order:
    return Order(
        centra_id="1",
        number=1,
        status="CONFIRMED",
        is_on_hold=False,
        is_locked=False,
        is_internal=False,
        is_waiting_for_payment=False,
        ordered_at=AT,
        updated_at=AT,
        currency="GBP",
        grand_total=Decimal(total),
        shipping_total=Decimal(delivery),
        tax_total=NOTHING,
        delivery=None,
        shipping_option=None,
        lines=tuple(
            OrderLine(line_id=number, sku=f"S{number}", quantity=units, unit_price=Decimal(price))
            for number, (price, units) in enumerate(lines)
        ),
    )


def test_without_a_discount_each_line_has_its_own_price() -> None:
    plain = order("43.95", ("20.00", 2), delivery="3.95")

    assert unit_prices(plain, gift_value=NOTHING) == [Decimal("20.00")]
    assert goods_total(plain) == Decimal("40.00")


def test_a_discount_on_the_order_is_spread_in_proportion_to_the_values_of_the_lines() -> None:
    reduced = order("33.95", ("20.00", 1), ("10.00", 2), delivery="3.95")

    assert goods_total(reduced) == Decimal("30.00")
    assert unit_prices(reduced, gift_value=NOTHING) == [Decimal("15.00"), Decimal("7.50")]


def test_a_charge_besides_goods_and_delivery_raises_no_price() -> None:
    wrapped = order("25.00", ("20.00", 1))

    assert unit_prices(wrapped, gift_value=NOTHING) == [Decimal("20.00")]


def test_a_gift_is_declared_at_what_the_policy_says_and_nothing_else_is() -> None:
    gift = order("20.00", ("20.00", 1), ("0", 1))

    assert unit_prices(gift, gift_value=NOTHING) == [Decimal("20.00"), NOTHING]
    assert unit_prices(gift, gift_value=Decimal("1.50")) == [Decimal("20.00"), Decimal("1.50")]


def test_a_voucher_that_pays_for_the_delivery_too_leaves_no_negative_total() -> None:
    given_away = order("1.00", ("20.00", 1), delivery="3.95")

    assert (goods_total(given_away), delivery_total(given_away)) == (NOTHING, Decimal("1.00"))
    assert unit_prices(given_away, gift_value=NOTHING) == [Decimal("20.00")]


@given(
    st.lists(st.tuples(st.integers(1, 50_000), st.integers(1, 9)), min_size=1, max_size=8),
    st.floats(0.01, 1),
)
def test_the_lines_together_are_what_was_paid_to_a_penny_a_piece(
    pence: list[tuple[int, int]], share: float
) -> None:
    lines = [(str(Decimal(price) / 100), units) for price, units in pence]
    value = sum(Decimal(price) * units for price, units in lines)
    paid = max((value * Decimal(str(share))).quantize(PENNY), PENNY)
    prices = unit_prices(order(str(paid), *lines), gift_value=NOTHING)

    pieces = sum(units for _, units in lines)
    declared = sum(price * units for price, (_, units) in zip(prices, lines, strict=True))
    assert abs(declared - paid) <= PENNY * pieces
    assert all(price > 0 for price in prices)
