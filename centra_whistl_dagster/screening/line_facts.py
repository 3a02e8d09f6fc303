"""What screening needs to know of an order line and of its SKU."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.orders import skus
from centra_whistl_dagster.domain.orders.customs import CustomsData, weighed
from centra_whistl_dagster.domain.orders.order import OrderLine
from centra_whistl_dagster.domain.orders.whistl_catalogue import WhistlProduct
from centra_whistl_dagster.screening.address_formats import is_country
from centra_whistl_dagster.screening.order_facts import OrderFacts, is_amount
from centra_whistl_dagster.screening.reference_data import ScreeningReference


@dataclass(frozen=True, slots=True, kw_only=True)
class SkuFacts:
    """What one SKU is, wherever it is ordered."""

    sku: str
    fault: ExceptionKind | None
    """The first thing wrong; what comes after it cannot be judged."""
    colliding: str
    """The SKUs it would be mixed up with, blank when none."""
    customs_missing: str
    """The parts of customs data that Whistl's product lacks."""
    customs_malformed: str
    weight_kg: Decimal
    """Of one item; 0 when Whistl has not weighed it."""
    is_weight_known: bool

    def words(self) -> Mapping[str, str]:
        """Return what a rule's sentence may name."""
        return {"sku": self.sku}


class LineFacts(NamedTuple):
    """One line of one order. A tuple, which is quicker to make, since there are many."""

    order_row: int
    """The order's place in the batch."""
    order: OrderFacts
    line_number: int
    """From 1, in the order's own order: the number it is sent under."""
    line: OrderLine
    of_sku: SkuFacts

    def is_value_sound(self, most: Decimal) -> bool:
        """Say whether price times quantity is between 0 and the most Whistl takes."""
        price = self.line.unit_price
        # The price alone first: a price of a million digits would overflow the product.
        return is_amount(price, most) and is_amount(price * self.line.quantity, most)

    @property
    def customs_missing(self) -> str:
        """The parts of customs data that are asked for where it goes, and not there."""
        return self.of_sku.customs_missing if self.order.needs_customs_data else ""

    @property
    def is_worth_declaring(self) -> bool:
        """Whether customs would take its price, where there is one to take it."""
        price = self.line.unit_price
        return not self.order.needs_customs_data or (price.is_finite() and price > 0)

    def words(self) -> Mapping[str, str]:
        """Return what a rule's sentence may name."""
        return self.order.words() | {"line": str(self.line_number), "sku": self.line.sku}


def sku_facts(sku: str, reference: ScreeningReference) -> SkuFacts:
    """Read one SKU."""
    product = reference.products.get(sku)
    customs = product and CustomsData(
        hs_code=product.hs_code,
        country_of_origin=product.country_of_origin,
        description=product.description,
        unit_weight_kg=product.unit_weight_kg,
    )
    weight = weighed(product.unit_weight_kg) if product else None
    return SkuFacts(
        sku=sku,
        fault=_fault(sku, product, reference),
        colliding=", ".join(reference.colliding.get(sku, ())),
        customs_missing=", ".join(customs.missing()) if customs else "",
        customs_malformed=", ".join(customs.malformed(is_country)) if customs else "",
        weight_kg=weight or Decimal(0),
        # Nothing can be said of a SKU that Whistl does not know.
        is_weight_known=product is None or weight is not None,
    )


def _fault(
    sku: str, product: WhistlProduct | None, reference: ScreeningReference
) -> ExceptionKind | None:
    policy = reference.policy
    if not sku:
        return ExceptionKind.SKU_MISSING
    if skus.is_not_a_product(sku, policy.not_product_skus):
        return ExceptionKind.SKU_NOT_A_PRODUCT
    if not skus.is_well_formed(sku, maximum_length=policy.sku_characters):
        return ExceptionKind.SKU_MALFORMED
    if product is None:
        return ExceptionKind.SKU_UNKNOWN
    return None if product.is_active else ExceptionKind.SKU_INACTIVE
