"""Everything besides the orders that screening needs, read once and handed in whole.

Belongs here: holding it, and what is worked out from it once rather than per order. Does not belong
here: reading it from either system or from a file.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from centra_whistl_dagster.domain.orders import skus
from centra_whistl_dagster.domain.orders.screening_policy import ScreeningPolicy
from centra_whistl_dagster.domain.orders.service_mapping import ServiceMapping
from centra_whistl_dagster.domain.orders.whistl_catalogue import (
    ServiceCode,
    WhistlProduct,
    WhistlService,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreeningReference:
    """What orders are judged against; products and collisions of at least the SKUs they name."""

    mapping: ServiceMapping
    services: Mapping[ServiceCode, WhistlService]
    products: Mapping[str, WhistlProduct]
    """By exact SKU, as Whistl knows them."""
    colliding: Mapping[str, tuple[str, ...]]
    """By SKU, the others of either catalogue that look like it; SKUs without any are absent."""
    policy: ScreeningPolicy
    today: date
    order_number_prefix: str


def screening_reference(
    *,
    mapping: ServiceMapping,
    services: Iterable[WhistlService],
    products: Iterable[WhistlProduct],
    centra_skus: Collection[str],
    policy: ScreeningPolicy,
    today: date,
    order_number_prefix: str,
) -> ScreeningReference:
    """Gather what orders are judged against, and find the SKUs that look alike."""
    by_sku = {product.sku: product for product in products}
    return ScreeningReference(
        mapping=mapping,
        services={service.code: service for service in services},
        products=by_sku,
        colliding=colliding_skus(by_sku, centra_skus, policy),
        policy=policy,
        today=today,
        order_number_prefix=order_number_prefix,
    )


def colliding_skus(
    whistl_skus: Collection[str], centra_skus: Collection[str], policy: ScreeningPolicy
) -> dict[str, tuple[str, ...]]:
    """Return, by SKU, the others that it would be mixed up with, inside either catalogue.

    One between the catalogues is none: `abc` in Centra for Whistl's `ABC` is an unknown SKU, and
    `reference/sku_alignment` names the spelling.
    """
    if not policy.sku_collisions_ignore:
        return {}
    in_centra = skus.collisions(centra_skus, policy.sku_collisions_ignore)
    at_whistl = skus.collisions(whistl_skus, policy.sku_collisions_ignore)
    return {
        sku: tuple(sorted({*in_centra.get(sku, ()), *at_whistl.get(sku, ())}))
        for sku in in_centra.keys() | at_whistl.keys()
    }
