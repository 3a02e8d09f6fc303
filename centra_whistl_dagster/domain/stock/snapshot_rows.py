"""Reading a snapshot's rows into arrays, and measuring it for the guards."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeGuard

import numpy as np

from centra_whistl_dagster.domain.stock.arrays import Bools, Ints
from centra_whistl_dagster.domain.stock.availability import (
    Convention,
    WarehouseStock,
    adds_up,
    in_contract_terms,
)

FIGURES = ("on_hand", "allocated", "quarantined", "available")

_MOST_UNITS = 10**9
"""No warehouse comes near. A larger number would overflow a column somewhere, and one row would
stop all others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRow:
    """A row that cannot be used. Its SKU stays as it is in Centra, like one that is absent."""

    sku: str
    """Blank when the row names no usable SKU."""
    field: str
    value: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotRows:
    """The usable rows of one snapshot, in the contract's meaning, and what became of the others."""

    skus: tuple[str, ...]
    stock: WarehouseStock
    """One element a SKU, in the order of `skus`."""
    on_order: Ints
    """Units that Whistl expects; -1 where it does not say."""
    rows: int
    """Rows read, bad ones included."""
    bad: tuple[BadRow, ...]


@dataclass(slots=True)
class _Reading:
    most_units: int
    figures: dict[str, tuple[int, ...]] = field(default_factory=dict)
    on_order: dict[str, int] = field(default_factory=dict)
    refused: dict[str, BadRow] = field(default_factory=dict)
    """By SKU. Of a SKU named twice with different figures, neither can be trusted."""
    nameless: list[BadRow] = field(default_factory=list)
    repeats: list[BadRow] = field(default_factory=list)
    rows: int = 0


def read_rows(
    pages: Iterable[Sequence[Mapping[str, object]]],
    convention: Convention,
    *,
    most_units: int = _MOST_UNITS,
) -> SnapshotRows:
    """Read a snapshot page by page, as it arrives, and check each row by itself.

    A row must name its SKU once and give whole numbers, none below zero but `available` and none
    above `most_units`, that add up as the convention says.
    """
    reading = _Reading(most_units=min(most_units, _MOST_UNITS))
    for page in pages:
        for row in page:
            _read_row(reading, row)
    skus = [sku for sku in reading.figures if sku not in reading.refused]
    columns = np.array([reading.figures[sku] for sku in skus], dtype=np.int64).reshape(-1, 4).T
    reported = WarehouseStock(**dict(zip(FIGURES, columns, strict=True)))
    agrees = adds_up(reported, convention)
    contradicting = [_contradiction(skus[at], columns[:, at]) for at in np.flatnonzero(~agrees)]
    converted = in_contract_terms(reported, convention)
    return SnapshotRows(
        skus=tuple(sku for sku, is_good in zip(skus, agrees, strict=True) if is_good),
        stock=WarehouseStock(
            on_hand=converted.on_hand[agrees],
            allocated=converted.allocated[agrees],
            quarantined=converted.quarantined[agrees],
            available=converted.available[agrees],
        ),
        on_order=np.array([reading.on_order[sku] for sku in skus], dtype=np.int64)[agrees],
        rows=reading.rows,
        bad=(*reading.nameless, *reading.repeats, *reading.refused.values(), *contradicting),
    )


def _read_row(reading: _Reading, row: Mapping[str, object]) -> None:
    reading.rows += 1
    sku = row.get("sku")
    if not isinstance(sku, str) or not sku.strip() or not _can_be_written(sku):
        reading.nameless.append(
            BadRow(sku="", field="sku", value=reprlib.repr(sku), message="the row names no SKU")
        )
        return
    figures: list[int] = []
    for name in FIGURES:
        value = row.get(name)
        most = reading.most_units
        least = -most if name == "available" else 0
        if not _is_whole(value) or not least <= value <= most:
            reading.refused[sku] = BadRow(
                sku=sku,
                field=name,
                value=reprlib.repr(value),
                message=f"{name} should be a whole number from {least:,} to {most:,}",
            )
            return
        figures.append(value)
    again, known = tuple(figures), reading.figures.get(sku)
    if known is None:
        reading.figures[sku] = again
        reading.on_order[sku] = _on_order(row.get("on_order"))
    elif known == again:
        reading.repeats.append(_repeated(sku, "named twice, with the same figures"))
    else:
        reading.refused[sku] = _repeated(sku, f"named twice, as {known} and as {again}")


def _on_order(value: object) -> int:
    """Return units on order, -1 where unknown: a row is not refused for the sake of this figure."""
    return value if _is_whole(value) and 0 <= value <= _MOST_UNITS else -1


def _is_whole(value: object) -> TypeGuard[int]:
    # To Python, true is a whole number.
    return isinstance(value, int) and not isinstance(value, bool)


def _can_be_written(sku: str) -> bool:
    """Say whether a file can hold the SKU: JSON can spell half a character, UTF-8 cannot."""
    try:
        sku.encode()
    except UnicodeEncodeError:
        return False
    return True


def _repeated(sku: str, message: str) -> BadRow:
    return BadRow(sku=sku, field="sku", value=sku, message=message)


def _contradiction(sku: str, figures: Ints) -> BadRow:
    sums = ", ".join(f"{name} {value}" for name, value in zip(FIGURES, figures, strict=True))
    return BadRow(
        sku=sku, field="available", value=str(figures[-1]), message=f"does not add up: {sums}"
    )


def set_aside(rows: SnapshotRows, where: Bools, message: str) -> SnapshotRows:
    """Return the rows without some of them, which are then bad ones: their SKUs stay as they are.

    Args:
        rows: one snapshot's.
        where: which usable rows, in their order.
        message: why, for the person who looks into it.
    """
    if not where.any():
        return rows
    stock, kept = rows.stock, ~where
    left_out = [
        BadRow(
            sku=rows.skus[at],
            field="allocated",
            value=str(stock.allocated[at]),
            message=message.format(allocated=stock.allocated[at]),
        )
        for at in np.flatnonzero(where).tolist()
    ]
    return SnapshotRows(
        skus=tuple(sku for sku, is_kept in zip(rows.skus, kept, strict=True) if is_kept),
        stock=WarehouseStock(
            on_hand=stock.on_hand[kept],
            allocated=stock.allocated[kept],
            quarantined=stock.quarantined[kept],
            available=stock.available[kept],
        ),
        on_order=rows.on_order[kept],
        rows=rows.rows,
        bad=(*rows.bad, *left_out),
    )
