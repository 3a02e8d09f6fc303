"""Centra's side of the stock: reading all of it, or only the SKUs that cannot wait."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd
from pydantic import TypeAdapter

from centra_whistl_dagster.centra.records import CentraStockLevel, UnreadableStockLevel
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, Problem, SubjectType
from centra_whistl_dagster.ledger import exceptions, state
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.stock import archive
from centra_whistl_dagster.workflows.stock.last_sync import last_sync
from centra_whistl_dagster.workflows.stock.levels_due import LevelsDue, levels_due


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """What is known of Centra's stock since it was read last."""

    frame: pd.DataFrame
    """Every SKU as it was last read, with the moment of that as `read_at`."""
    read_at: datetime
    within_minutes: int | None
    """The last reading was of SKUs only that need this interval or a shorter one; None: of all."""

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


_STOCK_ROW = "stock in Centra"
"""The field of exceptions about rows that cannot be read."""
_MOST_UNREADABLE = 20
"""Of more rows at once, each says how many there are: their cause is one."""

_STORED = TypeAdapter(_LastReading)


def read_centra_levels(link: Link, *, within_minutes: int | None = None) -> int:
    """Read stock levels from Centra into the archive and return how many SKUs were read.

    The next reconciliation covers the SKUs read here.

    Args:
        link: the connection.
        within_minutes: read only SKUs that need this interval or a shorter one, and keep the others
            as they were read last. None covers all, and so does any value before the first sync; of
            more than the quota allows, those are read that `levels_due` says.

    Raises:
        IntegrationError: Centra could not be read to the end; the last reading stays.
    """
    read_at = link.now()
    unreadable: list[UnreadableStockLevel] = []
    known = _known(link)
    if known is None:
        within_minutes = None
    due = _due(link, known, within_minutes)
    if known is None or due is None:
        read = frame = _frame(
            link.centra.stock_levels(unreadable, takes_hours=known is None), read_at
        )
    else:
        levels = due.levels
        sizes = levels.loc[due.is_due, "product_size_id"].tolist() + due.new_sizes
        read = _frame(link.centra.stock_levels_of(sizes, unreadable), read_at)
        frame = pd.concat([levels[~due.is_due], read], ignore_index=True)
    # Two sizes under one SKU cannot be told apart by a warehouse that knows only SKUs; screening
    # says so, and neither is written.
    frame = frame.drop_duplicates("sku", keep=False)
    name = f"C--{read_at:{archive.STAMP}}"
    file = archive.keep(link.settings.archive_path, archive.CENTRA_STOCK, name, read_at, frame)
    last = _LastReading(file=str(file), read_at=read_at, within_minutes=within_minutes)
    with link.ledger.transaction() as tx:
        state.set_to(tx, state.CENTRA_LEVELS, _STORED.dump_json(last).decode())
        _update_unreadable(tx, unreadable, read, is_whole=due is None)
    return len(read)


def _due(
    link: Link, known: tuple[pd.DataFrame, pd.Series[int]] | None, within_minutes: int | None
) -> LevelsDue | None:
    """Return what to read; None: everything, page by page."""
    if known is None:
        return None
    levels, minutes = known
    if within_minutes is None:
        return levels_due(link, levels)
    is_due = (levels["sku"].map(minutes) <= within_minutes).to_numpy()
    return LevelsDue(levels=levels, is_due=is_due, new_sizes=[])


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


def last_levels(link: Link) -> Levels | None:
    """Return what is known of Centra's stock; None before it was read."""
    with link.ledger.reading() as tx:
        last = _last_reading(tx)
    if last is None:
        return None
    return Levels(
        frame=archive.fetch(link.settings.archive_path, last.file),
        read_at=last.read_at,
        within_minutes=last.within_minutes,
    )


def levels_file(tx: Transaction) -> str | None:
    """Return where in the archive the last reading is; None before there was one."""
    last = _last_reading(tx)
    return None if last is None else last.file


def _last_reading(tx: Transaction) -> _LastReading | None:
    stored = state.read(tx, state.CENTRA_LEVELS)
    return None if stored is None else _STORED.validate_json(stored)


def _known(link: Link) -> tuple[pd.DataFrame, pd.Series[int]] | None:
    """Return all levels as last read, and the interval that each SKU needs."""
    levels = last_levels(link)
    with link.ledger.reading() as tx:
        last = last_sync(tx)
    if levels is None or last is None:
        return None
    synced = archive.fetch(link.settings.archive_path, last.file)
    return levels.frame, synced.set_index("sku")["minutes"]


def _frame(levels: Iterable[CentraStockLevel], read_at: datetime) -> pd.DataFrame:
    rows = [
        (level.sku, level.product_size_id, level.physical, level.allocated, level.free)
        for level in levels
        if level.sku and level.is_active
    ]
    frame = pd.DataFrame(rows, columns=["sku", "product_size_id", "physical", "allocated", "free"])
    return frame.astype({"sku": "str"}).assign(read_at=pd.Timestamp(read_at))
