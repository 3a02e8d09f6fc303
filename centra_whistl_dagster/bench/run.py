"""Run the benchmarks, one load after the other, and write `docs/benchmarks.md`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import click

from centra_whistl_dagster.bench import orders, screening, stock, ticks, views, year
from centra_whistl_dagster.bench.apart import apart
from centra_whistl_dagster.bench.full_sync import SyncAtLimits, full_sync
from centra_whistl_dagster.bench.report import Comparison, Limit, Load, report
from centra_whistl_dagster.bench.timing import Timing, copy_rate_gb_per_s

_SIZES = (10_000, 100_000, 1_000_000)
_ORDERS = (5_000, 50_000)
_YEAR_SHARE = 0.1
"""Of the large shop whose year the analysts' views are timed on: all of it takes a quarter of an
hour to generate. Time grows no faster than the rows do."""
_SNAPSHOTS = 100
_SNAPSHOTS_COMPARED = 12
_PUBLISHED_CHANGE = 0.01


def run(path: Path, *, quick: bool = False) -> list[Timing]:
    """Time everything, write the report to `path`, and return the figures.

    Args:
        path: the file to write.
        quick: a tenth of each load.

    Raises:
        click.ClickException: dlt, which the history is compared with, is not installed.
    """
    if find_spec("dlt") is None:
        raise click.ClickException("dlt is not installed. `make bench` installs it, and runs this.")
    scale = 10 if quick else 1
    load_before, _, _ = os.getloadavg()
    copy_rate, _ = apart(copy_rate_gb_per_s)
    screened = list(_screening(scale))
    rejudged, drained = list(_relaying(scale))
    idle = [_idle(count // scale) for count in _ORDERS]
    reconciled = [_reconciling(skus // scale, scale) for skus in _SIZES]
    synced, sync_gb = apart(full_sync, _SIZES[1] // scale)
    kept, peak_gb = apart(stock.keep, _SIZES[-1] // scale, snapshots=_SNAPSHOTS)
    ingested = Load(timing=kept.timing, peak_gb=peak_gb)
    answers, answers_gb = apart(views.answer_questions, _YEAR_SHARE / scale)
    answered = [Load(timing=timing, peak_gb=answers_gb) for timing in answers]
    (published, _), published_peak_gb = apart(
        stock.publish_after_change, _SIZES[-1] // scale, changed_share=_PUBLISHED_CHANGE
    )
    comparisons = [_compared(skus // scale) for skus in _SIZES]
    at_limits = [Load(timing=timing, peak_gb=sync_gb) for timing in (synced.sync, synced.pages)]
    loads = [*screened, rejudged, drained, *idle, *reconciled, *at_limits, ingested, *answered]
    loads.append(Load(timing=published, peak_gb=published_peak_gb))
    limits = [
        Limit(name=rejudged.timing.name, asked=2, measured=rejudged.timing.median_s, unit="s"),
        Limit(name=drained.timing.name, asked=100, measured=drained.timing.median_s, unit="s"),
        _limit_of_memory([*reconciled, ingested]),
        Limit(name=f"{_SNAPSHOTS} snapshots", asked=120, measured=kept.megabytes, unit="MB"),
        Limit(
            name=f"{idle[-1].timing.name}, against a tenth of them",
            asked=1.5,
            measured=idle[-1].timing.median_s / idle[0].timing.median_s,
            unit="times",
        ),
        _limit_of_sync(synced),
        *_limits_of_views(answers, share=_YEAR_SHARE / scale),
        *_limits_of_time([load.timing for load in reconciled], asked=0.3),
        *_limits_of_time(
            [*(pair.ours.timing for pair in comparisons[:-1]), kept.timing], asked=0.4
        ),
        Limit(
            name=f"{kept.timing.name}, as a part of dlt's time",
            asked=1 / 3,
            measured=comparisons[-1].ours.timing.median_s / comparisons[-1].dlts.timing.median_s,
            unit="times",
        ),
        Limit(name=published.name, asked=1, measured=published.median_s, unit="s"),
    ]
    document = report(
        loads, comparisons, limits, copy_rate_gb_per_s=copy_rate, load_before=load_before
    )
    path.write_text(document, encoding="utf-8")
    return [
        *(load.timing for load in loads),
        *(kept.timing for pair in comparisons for kept in (pair.ours, pair.dlts)),
    ]


def _screening(scale: int) -> Iterator[Load]:
    for lines, per_order in ((100_000, 10), (100_000, 2), (1_000_000, 10)):
        timing, peak_gb = apart(screening.many_orders, lines // scale, lines_per_order=per_order)
        yield Load(timing=timing, peak_gb=peak_gb)
    timing, peak_gb = apart(screening.one_order)
    yield Load(timing=timing, peak_gb=peak_gb)


def _relaying(scale: int) -> Iterator[Load]:
    for load, count in ((orders.rejudge, 1_000), (orders.drain, 10_000)):
        timing, peak_gb = apart(load, count // scale)
        yield Load(timing=timing, peak_gb=peak_gb)


def _idle(orders: int) -> Load:
    timing, peak_gb = apart(ticks.idle, orders)
    return Load(timing=timing, peak_gb=peak_gb)


def _reconciling(skus: int, scale: int) -> Load:
    timing, peak_gb = apart(stock.reconcile, skus, with_open_orders=200_000 // scale)
    return Load(timing=timing, peak_gb=peak_gb)


def _compared(skus: int) -> Comparison:
    ours, ours_peak_gb = apart(stock.keep, skus, snapshots=_SNAPSHOTS_COMPARED)
    dlts, dlts_peak_gb = apart(stock.keep_with_dlt, skus, snapshots=_SNAPSHOTS_COMPARED)
    return Comparison(
        skus=skus,
        snapshots=_SNAPSHOTS_COMPARED,
        ours=ours,
        ours_peak_gb=ours_peak_gb,
        dlts=dlts,
        dlts_peak_gb=dlts_peak_gb,
    )


def _limits_of_views(answers: Sequence[Timing], *, share: float) -> list[Limit]:
    """Return the slowest view, as measured and as it would be at the whole shop's size."""
    slowest = max(answers, key=lambda timing: timing.median_s)
    whole = f"the same with {year.ORDERS_A_DAY:,} orders a day, extrapolated in proportion"
    return [
        Limit(name=slowest.name, asked=1, measured=slowest.median_s, unit="s"),
        Limit(name=whole, asked=1, measured=slowest.median_s / share, unit="s"),
    ]


def _limit_of_memory(loads: Sequence[Load]) -> Limit:
    return Limit(
        name="memory of any load of stock",
        asked=1.5,
        measured=max(load.peak_gb for load in loads),
        unit="GB",
    )


def _limit_of_sync(synced: SyncAtLimits) -> Limit:
    name = f"{synced.sync.name}, against its pages alone"
    return Limit(name=name, asked=1.3, measured=synced.ratio, unit="times")


def _limits_of_time(by_size: Sequence[Timing], *, asked: float) -> list[Limit]:
    least, most = by_size[0], by_size[-1]
    growth = most.median_s / least.median_s
    return [
        Limit(name=most.name, asked=asked, measured=most.median_s, unit="s"),
        Limit(
            name=f"{most.name}, against a hundredth of them",
            asked=_SIZES[-1] / _SIZES[0],
            measured=growth,
            unit="times",
        ),
    ]
