"""Time what is done with all stock at once: reconciling it, and keeping its changes.

Keeping changes is timed beside dlt's `scd2` merge, which does the same for any table: every SKU's
figures with the time from which and until which they were valid.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd

from centra_whistl_dagster.bench import loads
from centra_whistl_dagster.bench.timing import Timing, timed
from centra_whistl_dagster.domain.stock.catalogue import reconcile_columns
from centra_whistl_dagster.history.alignment import align, columns_of
from centra_whistl_dagster.history.columns import table_name
from centra_whistl_dagster.history.levels import Reading
from centra_whistl_dagster.history.publish import publish
from centra_whistl_dagster.history.stock_tables import StockLevels
from centra_whistl_dagster.history.store import History

CHANGED_SHARE = 0.02
"""Of the SKUs, how many each snapshot finds sold since the one before."""

Ingest = Callable[[tuple[datetime, pd.DataFrame]], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What keeping a series of snapshots took. The first, all new, and the second are not timed."""

    timing: Timing
    rows: int
    """How many rows the changes came to."""
    megabytes: float
    """The file that holds them."""


def reconcile(skus: int, *, with_open_orders: int) -> Timing:
    """Time the reconciliation of Whistl's stock with Centra's and with open orders."""
    both = {
        "whistl": loads.whistl_stock(skus, seed=1),
        "centra": loads.centra_levels(skus, seed=2),
    }
    ours = {"ours": loads.our_units(skus, with_open_orders, seed=3)}
    buffers = np.zeros(skus, dtype=np.int64)
    return timed(
        f"reconcile {skus:,} SKUs",
        lambda _: reconcile_columns(columns_of(align(both, ours)), buffers),
        prepare=lambda: None,
    )


def keep(skus: int, *, snapshots: int) -> Kept:
    """Time our own history, with its default memory and threads."""
    with tempfile.TemporaryDirectory() as folder:
        history = _history(Path(folder))

        def ingest(snapshot: tuple[datetime, pd.DataFrame]) -> None:
            at, frame = snapshot
            reading = Reading(snapshot_id=at.isoformat(), taken_at=at, read_at=at, is_complete=True)
            with history.writing() as session:
                session.record_stock_snapshot(frame, reading)

        timing = _timed("ingest", ingest, skus, snapshots)
        with history.reading() as reader:
            rows = reader.row_counts()[table_name(StockLevels)]
        return Kept(timing=timing, rows=rows, megabytes=history.path.stat().st_size / 1e6)


def publish_after_change(skus: int, *, changed_share: float) -> tuple[Timing, float]:
    """Time the publication of the history after a snapshot in which a share of SKUs changed.

    Returns:
        The times, and the size of the published file in MB.
    """
    with tempfile.TemporaryDirectory() as folder:
        history = _history(Path(folder))
        published = Path(folder) / "published" / "history.duckdb"
        frames = loads.snapshots(skus, changed_share=changed_share)

        def ingest() -> None:
            at, frame = next(frames)
            reading = Reading(snapshot_id=at.isoformat(), taken_at=at, read_at=at, is_complete=True)
            with history.writing() as session:
                session.record_stock_snapshot(frame, reading)

        ingest()
        publish(history, published)
        timing = timed(
            f"publish {skus:,} SKUs, {changed_share:.0%} changed".replace("%", " %"),
            lambda _: publish(history, published),
            prepare=ingest,
            runs=10,
        )
        return timing, published.stat().st_size / 1e6


def _history(folder: Path) -> History:
    return History(
        folder / "history.duckdb",
        memory_limit="1GB",
        threads=2,
        now=lambda: datetime.now(UTC),
        sleep=time.sleep,
    )


def keep_with_dlt(skus: int, *, snapshots: int) -> Kept:
    """Time dlt on the same snapshots, used as its documentation describes for frames.

    A row's version is the hash that dlt's own helper adds, and a row is valid from the snapshot's
    time; everything else is the default. Run it in a process of its own: it sets environment
    variables.

    Raises:
        ModuleNotFoundError: dlt is not installed; `make bench` installs it for itself alone.
    """
    with tempfile.TemporaryDirectory() as folder:
        # Set before dlt is loaded: it must neither report its use to its makers nor read or write
        # settings in the user's folders. Its one warning is about a hint that changes nothing here.
        os.environ.update(
            RUNTIME__DLTHUB_TELEMETRY="false",
            RUNTIME__LOG_LEVEL="ERROR",
            DLT_DATA_DIR=folder,
            DLT_PROJECT_DIR=folder,
        )
        dlt = import_module("dlt")
        with_hash = import_module("dlt.sources.helpers.transform").add_row_hash_to_table("version")
        path = Path(folder) / "dlt.duckdb"
        pipeline = dlt.pipeline(
            "bench", destination=dlt.destinations.duckdb(str(path)), dataset_name="stock"
        )

        def ingest(snapshot: tuple[datetime, pd.DataFrame]) -> None:
            at, frame = snapshot
            # The helper writes into the frame it is given, from which the next one is made.
            resource = dlt.resource(
                [frame.copy(deep=False)],
                name="levels",
                write_disposition={
                    "disposition": "merge",
                    "strategy": "scd2",
                    "row_version_column_name": "version",
                    "boundary_timestamp": at,
                },
            )
            pipeline.run(resource.add_map(with_hash)).raise_on_failed_jobs()

        timing = _timed("merge with dlt", ingest, skus, snapshots)
        with pipeline.sql_client() as client:
            rows = len(client.native_connection.table("stock.levels"))
        return Kept(timing=timing, rows=rows, megabytes=path.stat().st_size / 1e6)


def _timed(name: str, ingest: Ingest, skus: int, snapshots: int) -> Timing:
    frames = loads.snapshots(skus, changed_share=CHANGED_SHARE)
    ingest(next(frames))
    return timed(
        f"{name} a snapshot of {skus:,} SKUs, {CHANGED_SHARE:.0%} changed".replace("%", " %"),
        ingest,
        prepare=lambda: next(frames),
        runs=snapshots - 2,
    )
