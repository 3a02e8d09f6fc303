"""Read both catalogues and Whistl's services, for screening to check orders against."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from centra_whistl_dagster.ledger import catalogues, state
from centra_whistl_dagster.screening.reference_data import colliding_skus
from centra_whistl_dagster.workflows.link import Link

FRESH_FOR = timedelta(minutes=30)
_OVERLAP = timedelta(minutes=2)
"""The two clocks may differ by as much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """How much was read."""

    services: int
    whistl_products: int
    centra_sizes: int


def refresh_reference(link: Link) -> Refreshed:
    """Replace the reference data with what both systems say now, all of it or none.

    Raises:
        IntegrationError: a system could not be read to the end; the old data stays.
    """
    services = list(link.whistl.services())
    products = list(link.whistl.products())
    sizes = [
        (size.product_size_id, size.sku, size.is_active) for size in link.centra.product_sizes()
    ]
    colliding = colliding_skus(
        [product.sku for product in products],
        {sku for _, sku, _ in sizes if sku},
        link.configuration.screening,
    )
    with link.ledger.transaction() as tx:
        catalogues.replace_services(tx, services)
        catalogues.replace_products(tx, products)
        catalogues.replace_centra_sizes(tx, sizes)
        catalogues.replace_collisions(tx, colliding)
        state.set_to(tx, state.REFERENCE, catalogues.fingerprint(tx))
    return Refreshed(services=len(services), whistl_products=len(products), centra_sizes=len(sizes))


def has_changed_at_whistl(link: Link) -> bool:
    """Ask Whistl, in two cheap requests, whether a service or a product is new or different.

    Raises:
        IntegrationError: Whistl could not be asked.
    """
    with link.ledger.reading() as tx:
        read_at = state.moved_at(tx, state.REFERENCE)
        known_services = catalogues.services(tx)
    if read_at is None:
        return True
    if {service.code: service for service in link.whistl.services()} != known_services:
        return True
    since = read_at - _OVERLAP
    changed = {product.sku: product for product in link.whistl.products(since)}
    with link.ledger.reading() as tx:
        return catalogues.products(tx, changed) != changed


def is_due(link: Link) -> bool:
    """Say whether the reference data was never read, or too long ago."""
    with link.ledger.reading() as tx:
        read_at = state.moved_at(tx, state.REFERENCE)
        return read_at is None or tx.now - read_at > FRESH_FOR
