"""Everything besides the orders that screening needs, read once and passed in."""

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
    """What orders are judged against; of the catalogues, at least the SKUs in the orders."""

    mapping: ServiceMapping
    services: Mapping[ServiceCode, WhistlService]
    products: Mapping[str, WhistlProduct]
    """By exact SKU, as Whistl knows them."""
    colliding: Mapping[str, tuple[str, ...]]
    """By SKU, the other SKUs of the same catalogue that look like it, if there are any."""
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
    """Return, by SKU, the others of the same catalogue that it would be mixed up with.

    Between the catalogues there are no collisions: `abc` in Centra for Whistl's `ABC` is an unknown
    SKU, and `reference/sku_alignment` shows both spellings.
    """
    if not policy.sku_collisions_ignore:
        return {}
    in_centra = skus.collisions(centra_skus, policy.sku_collisions_ignore)
    at_whistl = skus.collisions(whistl_skus, policy.sku_collisions_ignore)
    return {
        sku: tuple(sorted({*in_centra.get(sku, ()), *at_whistl.get(sku, ())}))
        for sku in in_centra.keys() | at_whistl.keys()
    }
