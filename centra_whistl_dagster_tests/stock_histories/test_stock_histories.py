"""Whatever people, both systems and the network do, nothing is sold that is not there."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from centra_whistl_dagster.domain.stock import availability, catalogue
from centra_whistl_dagster.history.alignment import align
from centra_whistl_dagster.workflows.stock import reconciliation
from centra_whistl_dagster_tests.stock_histories.cheap import aligned_without_duckdb
from centra_whistl_dagster_tests.stock_histories.life import Lived, live_through
from centra_whistl_dagster_tests.stock_histories.run import (
    NOT_YET,
    Plan,
    Summary,
    never_happened,
    run,
)
from centra_whistl_dagster_tests.stock_histories.shrinking import replay, shortest, written
from centra_whistl_dagster_tests.stock_histories.steps import ACTS, History, Step, history

SHORT = Plan(histories=200, seed=1, processes=2)
MOST_UNTIL_NOTICED = 120


@pytest.fixture(scope="module")
def summary() -> Summary:
    return run(SHORT)


@pytest.fixture
def quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.timeout(3600)
def test_in_no_history_is_anything_sold_that_is_not_there(summary: Summary) -> None:
    assert not summary.wrong, "\n".join(summary.examples)
    assert summary.histories == SHORT.histories
    assert summary.writes > summary.histories / 2


@pytest.mark.timeout(3600)
def test_everything_that_can_happen_did(summary: Summary) -> None:
    assert never_happened(summary) == set()
    assert NOT_YET.keys() <= ACTS.keys()


# ---- holes that histories found, each as the shortest history that led there
HOLES: dict[str, History] = {
    "shipped by hand while Whistl has it": (
        Step("ordered", 0, 0),
        Step("shipped by hand in Centra", 0, 0, 9),
    ),
    "shipped by hand after it was allocated": (
        Step("ordered", 0, 0),
        Step("orders relayed", 0, 0),
        Step("worked on", 0, 0),
        Step("shipped by hand in Centra", 0, 1),
        Step("snapshot taken", 0, 0),
        Step("stock synced", 0, 0),
        Step("ordered", 0, 2),
    ),
    "goods come for a pre-order": (
        Step("pre-ordered", 0, 1),
        Step("goods came", 0, 3),
        Step("snapshot taken", 0, 0),
        Step("stock synced", 0, 0),
        Step("ordered", 0, 2),
    ),
    "allocated, then held with its stock given back": (
        Step("ordered", 0, 1),
        Step("orders relayed", 0, 0),
        Step("worked on", 0, 0),
        Step("despatches relayed", 0, 0),
        Step("held at Whistl, stock given back", 0, 0),
        Step("snapshot taken", 0, 0),
        Step("stock synced", 0, 0),
        Step("ordered", 0, 2),
    ),
    "the same while statuses are late": (
        Step("ordered", 0, 1),
        Step("orders relayed", 0, 0),
        Step("worked on", 0, 0),
        Step("despatches relayed", 0, 0),
        Step("time passes", 0, 1),
        Step("statuses lag", 0, 0),
        Step("held at Whistl, stock given back", 0, 0),
        Step("snapshot taken", 0, 0),
        Step("stock synced", 0, 0),
        Step("ordered", 0, 2),
    ),
    "held, stopped at Whistl, resumed with a wrong address": (
        Step("ordered", 0, 1),
        Step("orders relayed", 0, 0),
        Step("worked on", 0, 0),
        Step("despatches relayed", 0, 0),
        Step("held in Centra", 0, 0),
        Step("orders relayed", 0, 0),
        Step("resumed in Centra", 0, 0),
        Step("address edited in Centra", 0, 0),
        Step("orders relayed", 0, 0),
        Step("snapshot taken", 0, 0),
        Step("stock synced", 0, 0),
        Step("ordered", 0, 2),
    ),
    "shipped by hand while it is being sent, and the same SKU ordered again": (
        Step("ordered", 2, 0),
        Step("shipped by hand in Centra", 0, 0, 10),
        Step("orders relayed", 0, 0),
        Step("ordered", 2, 0),
        Step("stock synced", 0, 0),
    ),
}


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("steps", HOLES.values(), ids=HOLES.keys())
def test_a_hole_that_was_found_stays_closed(steps: History) -> None:
    assert live_through(steps).faults() == {}


# ---- that the histories would notice
Rule = Callable[..., Any]


def held_ignored(rule: Rule, *arguments: Any) -> Any:
    """Write what Whistl has available as Centra's physical quantity: each order counts twice."""
    units = rule(*arguments)
    return replace(units, held=np.zeros_like(units.held))


def left_ignored(rule: Rule, *arguments: Any) -> Any:
    """Forget what has left, or will, although the snapshot still counts it."""
    units = rule(*arguments)
    return replace(units, left=np.zeros_like(units.left))


def taken_believed_for_ever(rule: Rule, *arguments: Any) -> Any:
    """Count every unit sent as set aside by Whistl."""
    (line,) = arguments
    return rule(replace(line, taken=np.maximum(line.taken, line.sent)))


def completed_ignored(rule: Rule, *arguments: Any) -> Any:
    """Take no notice of shipments in Centra."""
    (line,) = arguments
    return rule(replace(line, completed=np.zeros_like(line.completed)))


BUGS = (held_ignored, left_ignored, taken_believed_for_ever, completed_ignored)


def first_that_fails(of: range) -> Lived | None:
    lived = (live_through(history(seed, without=NOT_YET), seed=seed) for seed in of)
    return next((each for each in lived if each.faults()), None)


@pytest.mark.usefixtures("quiet")
@pytest.mark.timeout(900)
@pytest.mark.parametrize("bug", BUGS, ids=[bug.__name__ for bug in BUGS])
def test_a_bug_in_the_sum_is_noticed(monkeypatch: pytest.MonkeyPatch, bug: Rule) -> None:
    right = availability.units_of_line
    monkeypatch.setattr(reconciliation, "units_of_line", lambda line: bug(right, line))

    assert first_that_fails(range(MOST_UNTIL_NOTICED)) is not None


@pytest.mark.usefixtures("quiet")
@pytest.mark.timeout(900)
def test_demand_that_is_ignored_is_noticed_and_cut_down_to_what_matters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    right = availability.reconcile

    def without_demand(warehouse: Any, ours: Any, centra: Any, buffer: Any) -> Any:
        centra = replace(centra, demand=np.zeros_like(centra.physical))
        return right(warehouse, ours, centra, buffer)

    monkeypatch.setattr(f"{catalogue.__name__}.reconcile", without_demand)
    noise = (Step("time passes", 0, 3), Step("unlocked in Centra", 0, 0))
    failing = live_through((*noise, *HOLES["goods come for a pre-order"], *noise))

    cut = shortest(failing)

    acts = [step.act for step in cut.steps]
    assert acts == ["pre-ordered", "goods came", "snapshot taken", "stock synced"]
    assert replay(written(cut.steps)).faults() == cut.faults() != {}


def test_the_cheap_join_is_the_real_one() -> None:
    whistl = pd.DataFrame({"sku": ["A", "B"], "available": [3, -1], "on_hand": [4, 2]})
    centra = pd.DataFrame({"sku": ["C", "B"], "physical": [7, 8]})
    ours = pd.DataFrame({"sku": ["B", "X"], "held": [1, 9]})
    tables: tuple[dict[str, Any], dict[str, Any]] = (
        {"whistl": whistl, "centra": centra},
        {"ours": ours},
    )

    cheap = aligned_without_duckdb(*tables).to_pandas().set_index("sku").sort_index()
    real = align(*tables).to_pandas().set_index("sku").sort_index()

    pd.testing.assert_frame_equal(cheap[real.columns], real)
