"""The report in Markdown: what was measured, beside the limits."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version

from centra_whistl_dagster.bench.stock import Kept
from centra_whistl_dagster.bench.timing import Timing


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """A load's timing and the most memory its process held, what it imports included."""

    timing: Timing
    peak_gb: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The same snapshots kept by this project and by dlt, each in a process of its own."""

    skus: int
    snapshots: int
    ours: Kept
    ours_peak_gb: float
    dlts: Kept
    dlts_peak_gb: float

    def __post_init__(self) -> None:
        if self.ours.rows != self.dlts.rows:
            raise ValueError(
                f"Of {self.skus:,} SKUs the history kept {self.ours.rows:,} rows and dlt "
                f"{self.dlts.rows:,}: they did not do the same work, so their times say nothing."
            )

    @property
    def ratio(self) -> float:
        """How many times as long dlt took."""
        return self.dlts.timing.median_s / self.ours.timing.median_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A figure and the most it was asked to be."""

    name: str
    asked: float
    measured: float
    unit: str


def report(
    loads: Sequence[Load],
    comparisons: Sequence[Comparison],
    limits: Sequence[Limit],
    *,
    copy_rate_gb_per_s: float,
    load_before: float,
) -> str:
    """Return the whole document.

    Args:
        loads: the figures of this project alone.
        comparisons: beside dlt, by size; one at least.
        limits: figures that have a limit.
        copy_rate_gb_per_s: how fast the machine copies memory.
        load_before: the machine's load average before the start: work other than this.
    """
    machine = (
        f"Machine: {os.cpu_count()} cores ({platform.machine()}), Python "
        f"{platform.python_version()}, DuckDB {version('duckdb')}, pandas {version('pandas')}, "
        f"memory copied at {copy_rate_gb_per_s:.1f} GB/s; load average before the start "
        f"{load_before:.1f}."
    )
    intro = (
        "Written by `make bench`. Seconds of wall clock; read the medians. Each load runs in a "
        "process of its own, and its peak is the most memory that process held, the imported "
        "libraries and the load's own data included."
    )
    parts = [
        "# Benchmarks",
        intro,
        machine,
        table(
            ["what", "median", "least", "most", "runs", "peak GB"],
            [[*_seconds(load.timing), f"{load.peak_gb:.2f}"] for load in loads],
        ),
        "## What was asked for",
        table(
            ["what", "at most", "measured", ""],
            [_against(limit) for limit in limits],
        ),
        "## Beside dlt",
        _setting(comparisons),
        table(
            ["what", "median", "least", "most", "runs", "peak GB", "rows", "MB"],
            [row for comparison in comparisons for row in _rows(comparison)],
        ),
        " ".join(
            f"With {comparison.skus:,} SKUs dlt takes {comparison.ratio:.1f} times as long."
            for comparison in comparisons
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _setting(comparisons: Sequence[Comparison]) -> str:
    last = comparisons[-1]
    changed = (last.ours.rows - last.skus) / (last.snapshots - 1) / last.skus
    return (
        f"The same {last.snapshots} snapshots, kept as changes in DuckDB by this project's history "
        f"and by the `scd2` merge of dlt {version('dlt')}, from the frame to the committed file. "
        f"{changed * 100:.1f} % of the SKUs change from one to the next. The first snapshot, all "
        "new, and the second are not timed. Both end with the same number of rows. Ours also "
        "refuses unusable rows and keeps each reading's head; dlt also keeps its own load packages "
        "on disk."
    )


def _rows(comparison: Comparison) -> list[list[str]]:
    return [
        [*_seconds(kept.timing), f"{peak_gb:.2f}", f"{kept.rows:,}", f"{kept.megabytes:.1f}"]
        for kept, peak_gb in (
            (comparison.ours, comparison.ours_peak_gb),
            (comparison.dlts, comparison.dlts_peak_gb),
        )
    ]


def _against(limit: Limit) -> list[str]:
    verdict = "met" if limit.measured <= limit.asked else "**missed**"
    return [
        limit.name,
        f"{limit.asked:g} {limit.unit}",
        f"{limit.measured:.3g} {limit.unit}",
        verdict,
    ]


def _seconds(timing: Timing) -> list[str]:
    return [
        timing.name,
        f"{timing.median_s:.3f}",
        f"{timing.least_s:.3f}",
        f"{timing.most_s:.3f}",
        str(timing.runs),
    ]


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
