"""Whether both systems' catalogues and the configuration agree, before an order depends on it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from centra_whistl_dagster.domain.exceptions.problems import Problem
from centra_whistl_dagster.domain.london import LONDON
from centra_whistl_dagster.domain.orders.order import ShippingOption
from centra_whistl_dagster.domain.orders.services import problems_of_mapping
from centra_whistl_dagster.domain.orders.skus import AlignedSku, Alignment, align
from centra_whistl_dagster.ledger import catalogues, orders
from centra_whistl_dagster.workflows.link import Link


@dataclass(frozen=True, slots=True, kw_only=True)
class SkuAlignment:
    """Both catalogues, SKU by SKU."""

    counts: dict[Alignment, int]
    differing: list[AlignedSku]
    colliding: dict[str, tuple[str, ...]]
    """By SKU, the SKUs of the same catalogue that look the same on a pick list."""


def compare_catalogues(link: Link) -> SkuAlignment:
    """Compare the SKUs of both catalogues as they were last read."""
    with link.ledger.reading() as tx:
        ours = catalogues.active_centra_skus(tx)
        theirs = [product.sku for product in catalogues.all_products(tx)]
        colliding = catalogues.collisions(tx, {*ours, *theirs})
    rows = align(ours, theirs)
    counts = Counter(row.alignment for row in rows)
    return SkuAlignment(
        counts={alignment: counts[alignment] for alignment in Alignment},
        differing=[row for row in rows if row.alignment is not Alignment.SAME],
        colliding=colliding,
    )


def problems_of_the_shipping_table(link: Link) -> list[Problem]:
    """Find shipping options in use that are not mapped, and mapped services Whistl does not offer.

    Centra publishes no list of its shipping options, so those of all orders read count as in use.
    Orders on hold or unpaid are read before they may be sent.
    """
    with link.ledger.reading() as tx:
        services = catalogues.services(tx)
        options = [
            ShippingOption(option_id=0, name=name) for name in orders.shipping_options_seen(tx)
        ]
        today = tx.now.astimezone(LONDON).date()
    return problems_of_mapping(link.configuration.services, services, options, on=today)
