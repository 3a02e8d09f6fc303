"""The trials that the tests run, and their table in `docs/reliability.md`."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from centra_whistl_dagster_tests.domain.stock.feeds.shops import Shop, ShopSettings
from centra_whistl_dagster_tests.domain.stock.feeds.trial import (
    Rates,
    Results,
    live_lawfully,
    live_through,
    plant,
    plant_first,
)

SHOPS = (
    ShopSettings(name="150 SKUs", seed=11, skus=150, lines_a_day=60, feed_minutes=30),
    ShopSettings(name="800 SKUs, hourly", seed=12, skus=800, lines_a_day=600, feed_minutes=60),
    ShopSettings(
        name="400 SKUs, many returns",
        seed=13,
        skus=400,
        lines_a_day=800,
        feed_minutes=30,
        returned_share=0.4,
        unseen_share=0.3,
    ),
    ShopSettings(
        name="1,200 SKUs, goods-in announced",
        seed=14,
        skus=1200,
        lines_a_day=1500,
        feed_minutes=60,
        shows_on_order=True,
    ),
)
BOTH_HALVES = (0, 1)
_DAYS = (3, 8)
"""After so many days of trading the trials begin: before limits are learnt, and after."""


def try_all(
    shops: Iterable[ShopSettings], demand: npt.NDArray[np.float64] | None = None
) -> Results:
    """Let shops trade, and try every kind of feed at several moments."""
    results = Results()
    for settings in shops:
        plant_first(Shop(settings, demand), settings.seed, BOTH_HALVES, results)
        moments = [int(days * 1440 / settings.feed_minutes) + 7 for days in _DAYS]
        for half, moment in enumerate(live_through(Shop(settings, demand), moments, results)):
            plant(moment, settings.seed, [(half + settings.seed) % 2], results)
            live_lawfully(moment, settings.seed, [(half + settings.seed) % 2], results)
    return results


def table(results: Results) -> str:
    """Return the rates by kind, as Markdown."""
    tried, refused = sum(results.ordinary.tried.values()), sum(results.ordinary.wrong.values())
    return "\n".join(
        [
            "| bad feeds | tried | accepted |",
            "| --- | --- | --- |",
            *_rows(results.bad),
            "",
            "| correct feeds | days | days on which a feed was refused |",
            "| --- | --- | --- |",
            *_rows(results.lawful_days),
            "",
            "| true and as large as a fault | tried | needed more than one release |",
            "| --- | --- | --- |",
            *_rows(results.large),
            "",
            f"Of all {tried:,} correct feeds, those before the trials too, {refused} were refused.",
        ]
    )


def _rows(rates: Rates) -> list[str]:
    rows = [f"| {kind} | {tried} | {rates.wrong[kind]} |" for kind, tried in rates.tried.items()]
    tried, wrong = sum(rates.tried.values()), sum(rates.wrong.values())
    return [*rows, f"| **all** | **{tried}** | **{wrong}** |"]
