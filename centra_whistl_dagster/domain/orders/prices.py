"""What an order's lines cost after a discount on the whole order, and what gifts declare."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from centra_whistl_dagster.domain.orders.order import Order

PENNY = Decimal("0.01")


def goods_total(order: Order) -> Decimal:
    """Return what the customer pays for the goods: goods and delivery add up to the order's total.

    Charges that are neither, such as gift wrapping, are part of it. It is 0 where a voucher pays
    for the goods and for some of the delivery too.
    """
    return max(order.grand_total - order.shipping_total, Decimal(0))


def delivery_total(order: Order) -> Decimal:
    """Return what the customer pays for delivery."""
    return order.grand_total - goods_total(order)


def unit_prices(order: Order, *, gift_value: Decimal) -> list[Decimal]:
    """Return a unit price for each line, to the penny, with a discount on the order spread.

    Each line bears a share of the discount in proportion to its value, so that customs are told
    what was paid. Prices are never raised: a charge besides goods and delivery is not spread.

    Args:
        order: as Centra has it.
        gift_value: what a line without a price is declared at, where it crosses a customs border; 0
            declares nothing.
    """
    value = sum((line.unit_price * line.quantity for line in order.lines), Decimal(0))
    paid = goods_total(order)
    share = paid / value if 0 < paid < value else Decimal(1)
    return [_priced(line.unit_price, share, gift_value) for line in order.lines]


def _priced(price: Decimal, share: Decimal, gift_value: Decimal) -> Decimal:
    if price.is_zero():
        return gift_value
    spread = (price * share).quantize(PENNY, ROUND_HALF_UP)
    # A line that costs something is worth something at customs.
    return max(spread, PENNY) if price > 0 else price
