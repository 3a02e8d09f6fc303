"""The catalogues and services of both systems as last read, for screening to check against."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from centra_whistl_dagster.domain.orders.whistl_catalogue import (
    ServiceCode,
    WhistlProduct,
    WhistlService,
)
from centra_whistl_dagster.ledger import records
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.parts import parts
from centra_whistl_dagster.ledger.tables import (
    centra_sizes,
    sku_collisions,
    whistl_products,
    whistl_services,
)


def replace_services(tx: Transaction, services: Iterable[WhistlService]) -> None:
    """Replace the list of Whistl's services."""
    tx.execute(sa.delete(whistl_services))
    _insert(
        tx,
        whistl_services,
        [
            {
                "carrier_code": service.code.carrier_code,
                "delivery_method": service.code.delivery_method,
                "body": records.dumps(service),
                "is_active": service.is_active,
            }
            for service in services
        ],
    )


def replace_products(tx: Transaction, products: Iterable[WhistlProduct]) -> None:
    """Replace Whistl's catalogue. Give it a complete read only: what is missing is forgotten."""
    tx.execute(sa.delete(whistl_products))
    # By SKU: a product that a moving list of pages shows twice is kept once, as shown last.
    rows = {
        product.sku: {
            "sku": product.sku,
            "body": records.dumps(product),
            "is_active": product.is_active,
        }
        for product in products
    }
    _insert(tx, whistl_products, list(rows.values()))


def replace_centra_sizes(tx: Transaction, sizes: Iterable[tuple[int, str, bool]]) -> None:
    """Replace Centra's catalogue: (product size id, SKU or blank, is active)."""
    tx.execute(sa.delete(centra_sizes))
    _insert(
        tx,
        centra_sizes,
        [
            {"product_size_id": size_id, "sku": sku, "is_active": is_active}
            for size_id, sku, is_active in sizes
        ],
    )


def services(tx: Transaction) -> dict[ServiceCode, WhistlService]:
    """Return Whistl's services by code."""
    bodies = tx.execute(sa.select(whistl_services.c.body)).scalars()
    found = (records.loads(WhistlService, body) for body in bodies)
    return {service.code: service for service in found}


def products(tx: Transaction, skus: Collection[str]) -> dict[str, WhistlProduct]:
    """Return those of the SKUs that Whistl knows."""
    found: dict[str, WhistlProduct] = {}
    for part in parts(sorted(skus)):
        query = sa.select(whistl_products.c.body).where(whistl_products.c.sku.in_(part))
        for body in tx.execute(query).scalars():
            product = records.loads(WhistlProduct, body)
            found[product.sku] = product
    return found


def all_products(tx: Transaction) -> list[WhistlProduct]:
    """Return Whistl's catalogue."""
    query = sa.select(whistl_products.c.body).order_by(whistl_products.c.sku)
    return [records.loads(WhistlProduct, body) for body in tx.execute(query).scalars()]


def active_centra_skus(tx: Transaction) -> frozenset[str]:
    """Return every SKU of Centra's catalogue that is for sale."""
    query = sa.select(centra_sizes.c.sku).where(centra_sizes.c.is_active, centra_sizes.c.sku != "")
    return frozenset(tx.execute(query).scalars())


def active_centra_sizes(tx: Transaction) -> dict[int, str]:
    """Return the SKU of every size of Centra's catalogue that is for sale, by its id."""
    query = sa.select(centra_sizes.c.product_size_id, centra_sizes.c.sku).where(
        centra_sizes.c.is_active, centra_sizes.c.sku != ""
    )
    return dict(tx.execute(query).tuples().all())


def count_centra_sizes(tx: Transaction) -> int:
    """Count the sizes of Centra's catalogue."""
    return tx.execute(sa.select(sa.func.count()).select_from(centra_sizes)).scalar_one()


def replace_collisions(tx: Transaction, colliding: Mapping[str, Iterable[str]]) -> None:
    """Replace the list of SKUs that look alike: by SKU, the others."""
    tx.execute(sa.delete(sku_collisions))
    _insert(
        tx,
        sku_collisions,
        [{"sku": sku, "others": json.dumps(sorted(others))} for sku, others in colliding.items()],
    )


def collisions(tx: Transaction, skus: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Return, for those of the SKUs that look like others, the others."""
    rows = tx.execute(sa.select(sku_collisions)).all()
    return {row.sku: tuple(json.loads(row.others)) for row in rows if row.sku in skus}


def fingerprint(tx: Transaction) -> str:
    """Return a digest of everything here that a screening verdict can depend on."""
    digest = sha256()
    for service in sorted(services(tx).values(), key=lambda service: service.code):
        # A set has no order of its own: its text differs from process to process.
        facts = {
            name: sorted(v) if isinstance(v, frozenset) else v
            for name, v in asdict(service).items()
        }
        digest.update(repr(facts).encode())
    for query in (
        sa.select(whistl_products.c.body).order_by(whistl_products.c.sku),
        sa.select(centra_sizes.c.sku).order_by(centra_sizes.c.product_size_id),
    ):
        for text in tx.execute(query).scalars():
            digest.update(text.encode())
            digest.update(b"\n")
    return digest.hexdigest()


def _insert(tx: Transaction, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    if rows:
        tx.execute(sa.insert(table), rows)
