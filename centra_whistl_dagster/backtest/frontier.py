"""What strategies cost and save, side by side: as a table, as JSON and as a chart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from dataclasses import asdict, replace
from functools import partial
from io import BytesIO
from multiprocessing import get_context

import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TimeRemainingColumn

from centra_whistl_dagster.backtest.demand import Demand
from centra_whistl_dagster.backtest.outcomes import Outcomes
from centra_whistl_dagster.backtest.replay import WorldSettings
from centra_whistl_dagster.backtest.run import run
from centra_whistl_dagster.backtest.strategies import Strategy
from centra_whistl_dagster.domain.stock.policy import StockPolicy
from centra_whistl_dagster.extras import require_extra


def compare(
    demand: Demand,
    strategies: Sequence[Strategy],
    settings: WorldSettings,
    *,
    warm_up_share: float = 0.25,
    workers: int = 1,
) -> list[Outcomes]:
    """Replay the same orders in the same world with each strategy; a terminal shows progress.

    Args:
        demand: the orders.
        strategies: what to try; the outcomes are returned in the same order.
        settings: the world's.
        warm_up_share: of the time, replayed before counting begins.
        workers: processes to share the work among.
    """
    replay = partial(run, demand, settings=settings, warm_up_share=warm_up_share)
    with _progress() as progress:
        days = progress.add_task("days replayed", total=demand.days * len(strategies))
        if workers > 1 and len(strategies) > 1:
            return _in_processes(replay, strategies, workers, progress, days)
        return [replay(one, on_day=partial(progress.advance, days)) for one in strategies]


def _progress() -> Progress:
    terminal = Console(stderr=True)
    columns = "{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    return Progress(*columns, console=terminal, transient=True, disable=not terminal.is_terminal)


def _in_processes(
    replay: Callable[..., Outcomes],
    strategies: Sequence[Strategy],
    workers: int,
    progress: Progress,
    days: TaskID,
) -> list[Outcomes]:
    context = get_context("spawn")
    with (
        context.Manager() as manager,
        ProcessPoolExecutor(workers, mp_context=context) as pool,
    ):
        replayed = manager.Queue()
        on_day = partial(replayed.put, None)
        runs = [pool.submit(replay, strategy, on_day=on_day) for strategy in strategies]
        while wait(runs, timeout=0.5).not_done:
            progress.update(days, completed=replayed.qsize())
        return [done.result() for done in runs]


def frontier(policy: StockPolicy) -> list[Strategy]:
    """Return a policy at other buffer risks, to show what more caution saves and costs."""
    return [
        Strategy(
            name=f"buffer risk {risk:.3%}",
            policy=replace(policy, buffer=replace(policy.buffer, risk=risk)),
        )
        for risk in (0.1, 0.001, 0.0001, 0.00001)
    ]


def as_table(outcomes: Sequence[Outcomes]) -> pd.DataFrame:
    """Return one row a strategy, for people: units in 10,000, and calls at the busiest time."""
    return pd.DataFrame(
        {
            "strategy": [outcome.strategy for outcome in outcomes],
            "oversold": [round(outcome.oversold_per_10k, 2) for outcome in outcomes],
            "gone when sold": [round(outcome.gone_when_sold_per_10k, 2) for outcome in outcomes],
            "preventable": [round(outcome.preventable_per_10k, 2) for outcome in outcomes],
            "withheld": [round(outcome.withheld_per_10k, 2) for outcome in outcomes],
            "lost": [round(outcome.lost_per_10k, 1) for outcome in outcomes],
            "syncs a day": [round(outcome.syncs / outcome.days) for outcome in outcomes],
            "Centra requests/h": [outcome.centra_requests_peak_hour for outcome in outcomes],
            "Centra mutations/h": [outcome.centra_mutations_peak_hour for outcome in outcomes],
            "Centra mutations/10 s": [outcome.centra_mutations_peak_10s for outcome in outcomes],
            "Whistl requests/min": [outcome.whistl_requests_peak_minute for outcome in outcomes],
            "risk stated": [outcome.stated_risk for outcome in outcomes],
            "worst realised": [round(max(outcome.realised_risk), 4) for outcome in outcomes],
        }
    )


def as_records(outcomes: Sequence[Outcomes]) -> list[dict[str, object]]:
    """Return every figure of each strategy, ready for JSON."""
    return [
        {
            **asdict(outcome),
            "oversold_per_10k": outcome.oversold_per_10k,
            "gone_when_sold_per_10k": outcome.gone_when_sold_per_10k,
            "preventable_per_10k": outcome.preventable_per_10k,
            "withheld_per_10k": outcome.withheld_per_10k,
            "lost_per_10k": outcome.lost_per_10k,
        }
        for outcome in outcomes
    ]


def as_picture(outcomes: Sequence[Outcomes]) -> bytes:
    """Return a PNG chart: oversold against withheld, both on a scale that shows zero and thousands.

    Raises:
        ExtraMissing: matplotlib is not installed.
    """
    require_extra("plots", "matplotlib", needed_for="The picture of a backtest")
    from matplotlib.figure import Figure  # noqa: PLC0415 - an optional extra

    figure = Figure(figsize=(8, 5), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    for outcome in outcomes:
        at = (outcome.withheld_per_10k, outcome.oversold_per_10k)
        axes.plot(*at, "o")
        axes.annotate(outcome.strategy, at, xytext=(6, 4), textcoords="offset points", fontsize=8)
    axes.set_xscale("symlog", linthresh=1)
    axes.set_yscale("symlog", linthresh=1)
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("units withheld of 10,000 ordered")
    axes.set_ylabel("units oversold of 10,000 accepted")
    axes.grid(visible=True, alpha=0.3)
    picture = BytesIO()
    figure.savefig(picture, format="png")
    return picture.getvalue()
