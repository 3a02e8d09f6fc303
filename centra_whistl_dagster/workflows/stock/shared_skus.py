"""SKUs that several active sizes of Centra share, and the exceptions about them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, Problem, SubjectType
from centra_whistl_dagster.ledger import catalogues, exceptions
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.workflows.link import Link


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """A size whose SKU another active size has too.

    A warehouse that knows only SKUs cannot tell them apart, so neither gets a share of the stock.
    """

    sku: str
    product_size_id: int


def twins_of(frame: pd.DataFrame) -> tuple[Twin, ...]:
    """Return the sizes of a list that share their SKU with another one of it."""
    shared = frame[frame.duplicated("sku", keep=False)]
    return tuple(
        Twin(sku=sku, product_size_id=size_id)
        for sku, size_id in zip(shared["sku"], shared["product_size_id"].tolist(), strict=True)
    )


def all_twins(link: Link, frame: pd.DataFrame) -> tuple[Twin, ...]:
    """Return the twins where not every level was read: those of the catalogue are among them."""
    with link.ledger.reading() as tx:
        sizes = catalogues.active_centra_sizes(tx)
    listed = pd.DataFrame(sizes.items(), columns=["product_size_id", "sku"])
    return tuple(dict.fromkeys([*twins_of(listed), *twins_of(frame)]))


def sizes_by_sku(twins: Iterable[Twin]) -> dict[str, list[int]]:
    """Return, by shared SKU, the sizes that have it."""
    sizes: dict[str, list[int]] = {}
    for twin in twins:
        sizes.setdefault(twin.sku, []).append(twin.product_size_id)
    return sizes


def update_twins(tx: Transaction, twins: Sequence[Twin]) -> None:
    """Open an exception about each shared SKU; resolve those of SKUs that are shared no more."""
    kind, sizes = ExceptionKind.SKU_ON_SEVERAL_SIZES, sizes_by_sku(twins)
    exceptions.resolve_kind(tx, kind, except_subjects=set(sizes))
    exceptions.open_or_refresh(tx, [_shared(sku, ids) for sku, ids in sizes.items()])


def _shared(sku: str, size_ids: Sequence[int]) -> Problem:
    names = ", ".join(map(str, sorted(size_ids)))
    return Problem(
        kind=ExceptionKind.SKU_ON_SEVERAL_SIZES,
        subject_type=SubjectType.SKU,
        subject=sku,
        field="SKU",
        value=names,
        message=(
            f"Several active sizes in Centra have the SKU {sku} (sizes {names}). Whistl's stock "
            "cannot be divided between them, so none of them is for sale."
        ),
    )
