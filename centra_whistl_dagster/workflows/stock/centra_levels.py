"""Centra's side of the stock: reading all of it, or only the SKUs that cannot wait.

Does not belong here: what the levels should be (`workflows.stock.reconciliation`), and any write.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence, Set
from dataclasses import dataclass
from datetime import datetime

import pandas as pd
from pydantic import TypeAdapter

from centra_whistl_dagster.centra.records import CentraStockLevel, UnreadableStockLevel
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, Problem, SubjectType
from centra_whistl_dagster.ledger import catalogues, exceptions, state
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.workflows.link import Installation, Link
from centra_whistl_dagster.workflows.stock import archive
from centra_whistl_dagster.workflows.stock.last_sync import last_sync
from centra_whistl_dagster.workflows.stock.levels_due import LevelsDue, levels_due
from centra_whistl_dagster.workflows.stock.shared_skus import (
    Twin,
    all_twins,
    twins_of,
    update_twins,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """What is known of Centra's stock since it was read last."""

    frame: pd.DataFrame
    """Every SKU as it was last read, with the moment of that as `read_at`."""
    read_at: datetime
    within_minutes: int | None
    """The last reading was of SKUs only that need this interval or a shorter one; None: of all."""
    twins: tuple[Twin, ...] = ()
    """Sizes that share their SKU with another active size, as the last reading of all had them."""

    @property
    def just_read(self) -> pd.DataFrame:
        """The SKUs that the last reading covers: of a full sync all, though few were read anew."""
        if self.within_minutes is None:
            return self.frame
        return self.frame[self.frame["read_at"] == self.read_at]


@dataclass(frozen=True, slots=True, kw_only=True)
class _LastReading:
    """What the ledger holds of the last reading."""

    file: str
    """In the archive."""
    read_at: datetime
    within_minutes: int | None
    twins: tuple[Twin, ...] = ()


_STOCK_ROW = "stock in Centra"
"""The field of exceptions about rows that cannot be read."""
_MOST_UNREADABLE = 20
"""Of more rows at once, each says how many there are: their cause is one."""

_NAMELESS = "a size without an id"
_FIGURES = ("product_size_id", "physical", "allocated", "free", "demand")

_STORED = TypeAdapter(_LastReading)


def read_centra_levels(
    link: Link, *, within_minutes: int | None = None, skus: Set[str] | None = None
) -> int:
    """Read stock levels from Centra into the archive and return how many SKUs were read.

    The next reconciliation covers the SKUs read here.

    Args:
        link: the connection.
        within_minutes: read only SKUs that need this interval or a shorter one, and keep the others
            as they were read last. None covers all, and so does any value before the first sync; of
            more than the quota allows, those are read that `levels_due` says.
        skus: of a partial reading, in their place only these (`workflows.stock.levels_needed`).

    Raises:
        IntegrationError: Centra could not be read to the end; the last reading stays.
    """
    read_at = link.now()
    unreadable: list[UnreadableStockLevel] = []
    known = _known(link)
    if known is None:
        within_minutes = None
    due = _due(link, known, within_minutes, skus)
    if known is None or due is None:
        shown = list(link.centra.stock_levels(unreadable, takes_hours=known is None))
        with link.ledger.reading() as tx:
            shown += _without_a_row(tx, shown, unreadable)
        read = frame = _frame(shown, read_at)
        twins = twins_of(frame)
    else:
        levels = due.levels
        sizes = levels.loc[due.is_due, "product_size_id"].tolist() + due.new_sizes
        read = _frame(link.centra.stock_levels_of(sizes, unreadable), read_at)
        frame = pd.concat([levels[~due.is_due], read], ignore_index=True)
        is_partial = within_minutes is not None
        twins = known.twins if is_partial else all_twins(link, frame)
    # Two sizes under one SKU: see `Twin`. None of both is for sale (`workflows.stock.sync`).
    frame = frame.drop_duplicates("sku", keep=False)
    name = f"C--{read_at:{archive.STAMP}}"
    file = archive.keep(link.settings.archive_path, archive.CENTRA_STOCK, name, read_at, frame)
    last = _LastReading(file=str(file), read_at=read_at, within_minutes=within_minutes, twins=twins)
    with link.ledger.transaction() as tx:
        state.set_to(tx, state.CENTRA_LEVELS, _STORED.dump_json(last).decode())
        _update_unreadable(tx, unreadable, read, is_whole=due is None)
        if within_minutes is None:
            update_twins(tx, twins)
    return len(read)


def _due(
    link: Link, known: _Known | None, within_minutes: int | None, skus: Set[str] | None
) -> LevelsDue | None:
    """Return what to read; None: everything, page by page."""
    if known is None:
        return None
    if within_minutes is None:
        return levels_due(link, known.levels)
    names = known.levels["sku"]
    is_due = names.map(known.minutes) <= within_minutes if skus is None else names.isin(list(skus))
    return LevelsDue(levels=known.levels, is_due=is_due.to_numpy(), new_sizes=[])


def _update_unreadable(
    tx: Transaction,
    unreadable: Sequence[UnreadableStockLevel],
    read: pd.DataFrame,
    *,
    is_whole: bool,
) -> None:
    """Open an exception about each row that could not be read; resolve those of rows that were.

    A row that a reading of all stock does not have any more is over too.
    """
    kind, still = ExceptionKind.UNREADABLE_RECORD, {row.name for row in unreadable}
    waiting = exceptions.unended_subjects(tx, kind, field=_STOCK_ROW) - still
    if waiting and not is_whole:
        waiting &= {*read["sku"], *(f"size {number}" for number in read["product_size_id"])}
    for name in waiting:
        exceptions.resolve(tx, SubjectType.SKU, name, [kind], field=_STOCK_ROW)
    first = sorted(unreadable, key=lambda row: row.name)[:_MOST_UNREADABLE]
    exceptions.open_or_refresh(tx, [_unreadable(row, len(unreadable)) for row in first])


def _unreadable(row: UnreadableStockLevel, of_rows: int) -> Problem:
    alike = f" {of_rows} rows cannot be read." if of_rows > _MOST_UNREADABLE else ""
    return Problem(
        kind=ExceptionKind.UNREADABLE_RECORD,
        subject_type=SubjectType.SKU,
        subject=row.name,
        field=_STOCK_ROW,
        value=row.field,
        message=(
            f"Centra's stock of {row.name} could not be read, and is not written. {row.field}: "
            f"{row.detail}.{alike}"
        ),
    )


def last_levels(link: Installation) -> Levels | None:
    """Return what is known of Centra's stock; None before it was read."""
    with link.ledger.reading() as tx:
        last = _last_reading(tx)
    if last is None:
        return None
    return Levels(
        frame=_with_demand(archive.fetch(link.settings.archive_path, last.file)),
        read_at=last.read_at,
        within_minutes=last.within_minutes,
        twins=last.twins,
    )


def file_of_levels(tx: Transaction) -> tuple[str, datetime] | None:
    """Return the file in the archive with Centra's stock as last read, and when that was."""
    last = _last_reading(tx)
    return None if last is None else (last.file, last.read_at)


def read_again(link: Link, levels: pd.DataFrame, skus: Collection[str]) -> pd.DataFrame:
    """Read the rows of some SKUs again, and return all levels with them.

    A row that cannot be read now is left out: its SKU is not written. One that Centra does not show
    stays as it was: Centra says what is wrong once it is written.

    Raises:
        IntegrationError: Centra could not be read to the end.
    """
    is_asked = levels["sku"].isin(list(skus))
    if not is_asked.any():
        return levels
    read_at, unreadable = link.now(), list[UnreadableStockLevel]()
    sizes = levels.loc[is_asked, "product_size_id"].tolist()
    read = _frame(link.centra.stock_levels_of(sizes, unreadable), read_at)
    is_shown = levels["product_size_id"].isin(read["product_size_id"])
    is_unreadable = levels["sku"].isin([row.name for row in unreadable])
    not_shown = levels[is_asked & ~is_shown & ~is_unreadable]
    return pd.concat([levels[~is_asked], read, not_shown], ignore_index=True)


def levels_file(tx: Transaction) -> str | None:
    """Return where in the archive the last reading is; None before there was one."""
    last = _last_reading(tx)
    return None if last is None else last.file


def _with_demand(frame: pd.DataFrame) -> pd.DataFrame:
    """Add the column that a reading of an earlier release does not have."""
    return frame if "demand" in frame.columns else frame.assign(demand=0)


def _last_reading(tx: Transaction) -> _LastReading | None:
    stored = state.read(tx, state.CENTRA_LEVELS)
    return None if stored is None else _STORED.validate_json(stored)


@dataclass(frozen=True, slots=True)
class _Known:
    """All levels as last read, the interval that each SKU needs, and the twins."""

    levels: pd.DataFrame
    minutes: pd.Series[int]
    twins: tuple[Twin, ...]


def _known(link: Link) -> _Known | None:
    levels = last_levels(link)
    with link.ledger.reading() as tx:
        last = last_sync(tx)
    if levels is None or last is None:
        return None
    synced = archive.fetch(link.settings.archive_path, last.file)
    return _Known(levels.frame, synced.set_index("sku")["minutes"], levels.twins)


def _without_a_row(
    tx: Transaction,
    levels: Sequence[CentraStockLevel],
    unreadable: Sequence[UnreadableStockLevel],
) -> list[CentraStockLevel]:
    """Return sizes for sale that have no row of stock in Centra: writing a quantity makes it.

    Without it, goods that Whistl has would never be for sale, and nobody would hear of it.
    """
    named = {row.name for row in unreadable}
    if _NAMELESS in named:
        return []
    shown = {level.product_size_id for level in levels}
    return [
        CentraStockLevel(
            sku=sku, product_size_id=size_id, physical=0, allocated=0, free=0, is_active=True
        )
        for size_id, sku in catalogues.active_centra_sizes(tx).items()
        if not (size_id in shown or sku in named or f"size {size_id}" in named)
    ]


def _frame(levels: Iterable[CentraStockLevel], read_at: datetime) -> pd.DataFrame:
    rows = [
        (level.sku, *(getattr(level, name) for name in _FIGURES))
        for level in levels
        if level.sku and level.is_active
    ]
    frame = pd.DataFrame(rows, columns=["sku", *_FIGURES])
    return frame.astype({"sku": "str"}).assign(read_at=pd.Timestamp(read_at))
