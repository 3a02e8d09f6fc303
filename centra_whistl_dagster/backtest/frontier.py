"""What strategies cost and save, side by side: a table, JSON, and a picture of the trade.

Belongs here: comparing and showing. Does not belong here: how one strategy fares (`backtest`).
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from functools import partial
from io import BytesIO
from multiprocessing import get_context
from typing import Any

import pandas as pd

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
    """Live through the same orders in the same world with each strategy.

    Args:
        demand: the orders.
        strategies: what to try; the outcomes come in their order.
        settings: the world's.
        warm_up_share: of the time, lived through before counting begins.
        workers: processes to share the work among.
    """
    one = partial(run, demand, settings=settings, warm_up_share=warm_up_share)
    if workers == 1 or len(strategies) == 1:
        return [one(strategy) for strategy in strategies]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return list(pool.map(one, strategies))


def frontier(policy: StockPolicy) -> list[Strategy]:
    """Return a policy at other buffer risks: what more caution saves, and what it costs."""
    return [
        Strategy(
            name=f"buffer risk {risk:.3%}",
            policy=replace(policy, buffer=replace(policy.buffer, risk=risk)),
        )
        for risk in (0.1, 0.001, 0.0001, 0.00001)
    ]


def as_table(outcomes: Sequence[Outcomes]) -> pd.DataFrame:
    """Return one row a strategy, for people: units in 10,000, and calls at the busiest."""
    return pd.DataFrame(
        {
            "strategy": [each.strategy for each in outcomes],
            "oversold": [round(each.oversold_per_10k, 2) for each in outcomes],
            "withheld": [round(each.withheld_per_10k, 2) for each in outcomes],
            "lost": [round(each.lost_per_10k, 1) for each in outcomes],
            "passes a day": [round(each.passes / each.days) for each in outcomes],
            "Centra requests/h": [each.centra_requests_peak_hour for each in outcomes],
            "Centra mutations/h": [each.centra_mutations_peak_hour for each in outcomes],
            "Centra mutations/10 s": [each.centra_mutations_peak_10s for each in outcomes],
            "Whistl requests/min": [each.whistl_requests_peak_minute for each in outcomes],
        }
    )


def as_records(outcomes: Sequence[Outcomes]) -> list[dict[str, Any]]:
    """Return every figure of each strategy, ready for JSON."""
    return [
        {
            **asdict(each),
            "oversold_per_10k": each.oversold_per_10k,
            "withheld_per_10k": each.withheld_per_10k,
            "lost_per_10k": each.lost_per_10k,
        }
        for each in outcomes
    ]


def as_picture(outcomes: Sequence[Outcomes]) -> bytes:
    """Return a PNG: oversold against withheld, both on a scale that shows zero and thousands.

    Raises:
        ExtraMissing: matplotlib is not installed.
    """
    require_extra("plots", "matplotlib", needed_for="The picture of a backtest")
    from matplotlib.figure import Figure  # noqa: PLC0415 - an optional extra

    figure = Figure(figsize=(8, 5), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    for each in outcomes:
        at = (each.withheld_per_10k, each.oversold_per_10k)
        axes.plot(*at, "o")
        axes.annotate(each.strategy, at, xytext=(6, 4), textcoords="offset points", fontsize=8)
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
