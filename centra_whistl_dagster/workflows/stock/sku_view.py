"""One SKU as the desk shows it: both systems' stock, why it differs, and how it came about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from centra_whistl_dagster.domain.exceptions.problems import SubjectType
from centra_whistl_dagster.domain.stock.sum_in_words import CAUSES, sum_in_words
from centra_whistl_dagster.history.errors import HistoryUnreadable
from centra_whistl_dagster.history.publish import open_published
from centra_whistl_dagster.history.reads import Reader
from centra_whistl_dagster.ledger import catalogues, exceptions, stock
from centra_whistl_dagster.ledger.rows import SnapshotRow, WriteRow
from centra_whistl_dagster.workflows.exceptions.worklist import WorkItem, items_of
from centra_whistl_dagster.workflows.link import Installation
from centra_whistl_dagster.workflows.stock import archive
from centra_whistl_dagster.workflows.stock.centra_levels import file_of_levels
from centra_whistl_dagster.workflows.stock.last_sync import last_sync

WEEK = timedelta(days=7)
_WRITES = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One system's figures of a SKU, as last read."""

    read_at: datetime
    """For which moment they are true."""
    units: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Units that one system showed as free from a moment on."""

    at: datetime
    units: int | None
    """None while it did not list the SKU."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastOfSku:
    """What the published history says of a SKU."""

    compared_at: datetime | None
    expected: int | None
    """What the shop might offer by Whistl's figures; None where nothing differed."""
    actual: int | None
    sum: str
    """The difference term by term; blank where nothing differed."""
    buffer_reason: str
    """Why the buffer is what it is, as of its last change."""
    buffer_changed_at: datetime | None
    whistl: Sequence[Step]
    centra: Sequence[Step]
    as_of: datetime | None
    """How far the history reaches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SkuView:
    """What is known of one SKU."""

    sku: str
    whistl: Figures | None
    """None while no usable snapshot lists it."""
    centra: Figures | None
    wanted: int | None
    """What Centra should hold, at the last sync; None where only one system has the SKU."""
    buffer: int | None
    """Units held back at the last sync."""
    oversold: int
    synced_at: datetime | None
    minutes: int | None
    """The longest interval between two syncs of it."""
    days_of_cover: float | None
    """For how long the stock lasts at the pace of now; None where nothing is sold."""
    writes: Sequence[WriteRow]
    exceptions: Sequence[WorkItem]
    past: PastOfSku | None
    """None where no history has been published yet, or where it cannot be read."""
    past_problem: str
    """Why the history cannot be read; blank where it can, or where there is none yet."""
    colliding: tuple[str, ...]
    """SKUs that look the same on a pick list."""


def view_sku(installation: Installation, sku: str) -> SkuView | None:
    """Return what is known of a SKU; None where nothing is."""
    folder = installation.settings.archive_path
    with installation.ledger.reading() as tx:
        snapshot, levels, synced = stock.latest_accepted(tx), file_of_levels(tx), last_sync(tx)
        writes = stock.writes_of(tx, sku, limit=_WRITES)
        open_rows = exceptions.open_about(tx, SubjectType.SKU, sku)
        items = items_of(tx, open_rows)
        products = catalogues.products(tx, [sku])
        colliding = catalogues.collisions(tx, [sku]).get(sku, ())
    whistl = _whistl(installation, snapshot, sku)
    centra = None
    if levels is not None:
        row = archive.fetch_sku(folder, levels[0], sku)
        centra = _figures(row, row["read_at"], _CENTRA) if row else None
    last = archive.fetch_sku(folder, synced.file, sku) if synced else None
    if not (whistl or centra or last or writes or open_rows or products):
        return None
    past, past_problem = _past(installation, sku)
    is_in_both = bool(last and last["in_whistl"] and last["in_centra"])
    return SkuView(
        sku=sku,
        whistl=whistl,
        centra=centra,
        wanted=int(last["physical"]) if last and is_in_both else None,
        buffer=int(last["buffer_used"]) if last and is_in_both else None,
        oversold=int(last["oversold"]) if last and is_in_both else 0,
        synced_at=last["looked_at"].to_pydatetime() if last else None,
        minutes=int(last["minutes"]) if last and is_in_both else None,
        days_of_cover=_cover(whistl, last),
        writes=writes,
        exceptions=items,
        past=past,
        past_problem=past_problem,
        colliding=colliding,
    )


_WHISTL = ("on_hand", "allocated", "quarantined", "available")
_CENTRA = ("physical", "allocated", "free")


def _whistl(installation: Installation, snapshot: SnapshotRow | None, sku: str) -> Figures | None:
    if snapshot is None:
        return None
    row = archive.fetch_sku(installation.settings.archive_path, snapshot.file, sku)
    return _figures(row, snapshot.taken_at, _WHISTL) if row else None


def _figures(row: Mapping[str, Any], read_at: datetime, names: Sequence[str]) -> Figures:
    return Figures(read_at=read_at, units={name: int(row[name]) for name in names})


def _cover(whistl: Figures | None, last: Mapping[str, Any] | None) -> float | None:
    if whistl is None or last is None or last["per_hour"] <= 0:
        return None
    return float(max(whistl.units["available"], 0) / (last["per_hour"] * 24))


def _past(installation: Installation, sku: str) -> tuple[PastOfSku | None, str]:
    """Return what the history says, or why it cannot be read."""
    settings = installation.settings
    if not settings.published_path.exists():
        return None, ""
    try:
        with open_published(
            settings.published_path,
            memory_limit=settings.history_memory,
            threads=settings.history_threads,
        ) as reader:
            return _read(reader, sku, installation.now() - WEEK), ""
    except HistoryUnreadable as error:
        return None, str(error)


def _read(reader: Reader, sku: str, since: datetime) -> PastOfSku:
    differs, reason = reader.sku_divergence(sku), reader.buffer_reason(sku)
    steps: dict[str, list[Step]] = {"whistl": [], "centra": []}
    for system, at, units in reader.sku_levels(sku, since):
        steps[system].append(Step(at=at, units=units))
    return PastOfSku(
        compared_at=reader.last_compared_at(),
        expected=differs["expected"] if differs else None,
        actual=differs["actual"] if differs else None,
        sum=(
            sum_in_words(differs["difference"], {cause: differs[cause] for cause in CAUSES})
            if differs
            else ""
        ),
        buffer_reason=reason[1] if reason else "",
        buffer_changed_at=reason[2] if reason else None,
        whistl=steps["whistl"],
        centra=steps["centra"],
        as_of=reader.data_as_of(),
    )
