"""Run the benchmarks and write `docs/benchmarks.md`."""

from __future__ import annotations

import os
import platform
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from centra_whistl_dagster.bench import loads
from centra_whistl_dagster.bench.timing import (
    Timing,
    copy_rate_gb_per_s,
    peak_memory_gb,
    timed,
)
from centra_whistl_dagster.domain.orders import Order
from centra_whistl_dagster.history.levels import Reading
from centra_whistl_dagster.history.reconcile import align, columns_of
from centra_whistl_dagster.history.store import History
from centra_whistl_dagster.screening.reference import ScreeningReference
from centra_whistl_dagster.screening.screen import screen
from centra_whistl_dagster.stock.reconcile import reconcile_columns

_FIRST = datetime(2026, 11, 27, tzinfo=UTC)
_SNAPSHOTS = 100


def run(report: Path, *, quick: bool = False) -> list[Timing]:
    """Time everything, write the report, and return the figures."""
    scale = 10 if quick else 1
    figures = [*_screening(scale), *_reconciling(scale)]
    with tempfile.TemporaryDirectory() as folder:
        ingested, megabytes = _ingesting(Path(folder), scale)
    figures.append(ingested)
    report.write_text(_told(figures, megabytes, scale), encoding="utf-8")
    return figures


def _screening(scale: int) -> Iterator[Timing]:
    reference = loads.reference()
    for lines, per_order in ((100_000, 10), (100_000, 2), (1_000_000, 10)):
        batch = loads.orders(
            lines // scale, lines_per_order=per_order, faulty_share=0.01, seed=lines
        )
        yield timed(
            f"screen {lines // scale:,} order lines, {per_order} an order, 1 % failing",
            partial(_screen, batch, reference),
            runs=5 if lines < 1_000_000 else 3,
        )
    one = loads.orders(2, lines_per_order=2, faulty_share=0.0, seed=1)
    yield timed("screen one order", partial(_screen, one, reference), runs=15)


def _screen(orders: list[Order], reference: ScreeningReference, _given: object) -> None:
    screen(orders, reference)


def _reconciling(scale: int) -> Iterator[Timing]:
    for skus in (10_000, 100_000, 1_000_000 // scale):
        both = {
            "whistl": loads.whistl_stock(skus, seed=1),
            "centra": loads.centra_levels(skus, seed=2),
        }
        ours = {"ours": loads.our_units(skus, 200_000 // scale, seed=3)}
        yield timed(f"reconcile {skus:,} SKUs", partial(_reconcile, both, ours, skus))


def _reconcile(
    both: dict[str, pd.DataFrame], ours: dict[str, pd.DataFrame], skus: int, _given: object
) -> None:
    reconcile_columns(columns_of(align(both, ours)), np.zeros(skus, dtype=np.int64))


def _ingesting(folder: Path, scale: int) -> tuple[Timing, float]:
    skus = 1_000_000 // scale
    history = History(
        folder / "history.duckdb",
        memory_limit="2GB",
        threads=2,
        now=lambda: datetime.now(UTC),
        sleep=time.sleep,
    )
    stock = loads.whistl_stock(skus, seed=1)
    taken = 0

    def next_snapshot() -> pd.DataFrame:
        nonlocal stock
        stock = loads.moved(stock, 0.02, seed=taken)
        return stock

    def ingest(frame: pd.DataFrame) -> None:
        nonlocal taken
        at = _FIRST + timedelta(minutes=15 * taken)
        with history.writing() as session:
            session.record_stock_snapshot(
                frame,
                Reading(snapshot_id=f"S-{taken:04}", taken_at=at, read_at=at, is_complete=True),
            )
        taken += 1

    ingest(stock)
    figure = timed(
        f"ingest a snapshot of {skus:,} SKUs, 2 % changed",
        ingest,
        prepare=next_snapshot,
        runs=_SNAPSHOTS - 2,
    )
    return figure, history.path.stat().st_size / 1e6


def _told(figures: list[Timing], megabytes: float, scale: int) -> str:
    rows = [
        "| "
        + " | ".join([each.name, *(f"{s:.3f}" for s in (each.median_s, each.least_s, each.most_s))])
        + f" | {each.runs} |"
        for each in figures
    ]
    machine = (
        f"Machine: {os.cpu_count()} cores ({platform.machine()}), Python "
        f"{platform.python_version()}, memory copied at {copy_rate_gb_per_s():.1f} GB/s."
    )
    sizes = (
        f"{_SNAPSHOTS} snapshots of {1_000_000 // scale:,} SKUs take {megabytes:.0f} MB. The most "
        f"memory this process held was {peak_memory_gb():.2f} GB."
    )
    intro = "Written by `make bench`. Seconds of wall clock; read the medians."
    head = ["| what | median | least | most | runs |", "|---|---|---|---|---|"]
    lines = ["# Benchmarks", "", intro, "", machine, "", *head, *rows, "", sizes, ""]
    return "\n".join(lines)
