"""A short trading day through the real daemon, judged by the simulators' truth alone.

The day is as hard as the demo's: answers are lost on both sides, Whistl takes an order number
twice, and Dagster is killed half way and started again on the same state. Its opening orders, of
every sort, are placed by plan; the day ends when what it must show has happened.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from centra_whistl_dagster.demo.day import OPENING, Day
from centra_whistl_dagster.demo.run import run
from centra_whistl_dagster.history.publish import open_published
from centra_whistl_dagster.launching.dagster_processes import free_port
from centra_whistl_dagster.simulator.people.spoilage import SPOILAGE_KINDS

PROJECT = Path(__file__).resolve().parents[2]
SHOP_IS_OPEN_SECONDS = 15.0

# The day gives up by itself, and says what is missing, long before this.
pytestmark = pytest.mark.timeout(1500)


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    return Day(
        seconds=SHOP_IS_OPEN_SECONDS,
        seed=11,
        orders_per_minute=40.0,
        state=tmp_path_factory.mktemp("day"),
        webserver_port=free_port(),
        code_server_port=free_port(),
        simulator_port=free_port(),
        desk_port=free_port(),
        kill_after_seconds=SHOP_IS_OPEN_SECONDS / 2,
        speed=120.0,
        ladder_minutes=(1, 2),
    )


@pytest.fixture(scope="module")
def report(day: Day) -> dict[str, Any]:
    path = day.state / "demo.json"
    with Path(os.devnull).open("w") as nowhere:
        run(day, PROJECT, console=Console(file=nowhere), report=path)
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_a_day_with_lost_answers_and_a_killed_daemon_ends_clean(report: dict[str, Any]) -> None:
    assert report["verdict"] == "clean"


def test_every_order_that_may_go_is_accepted_despatched_and_completed(
    report: dict[str, Any],
) -> None:
    orders = report["orders"]

    assert orders["submitted"] >= OPENING.healthy + OPENING.held + OPENING.spoiled - 1
    assert orders["lost"] == 0
    assert orders["despatched"] + orders["cancelled"] >= orders["submitted"]
    assert orders["completed"] >= orders["submitted"] - orders["cancelled"]
    assert orders["in_doubt"] == 0


def test_a_customer_cancels(report: dict[str, Any]) -> None:
    assert report["orders"]["cancelled"] >= OPENING.cancelled


def test_every_kind_of_bad_order_is_blocked_and_goes_once_it_is_corrected(
    report: dict[str, Any],
) -> None:
    spoiled = report["spoiled"]

    assert set(spoiled) == set(SPOILAGE_KINDS)
    for kind in spoiled.values():
        assert kind["corrected"] >= 1
        assert kind["sent_after_correction"] >= 1
    assert report["exceptions"]["opened"] >= len(SPOILAGE_KINDS)
    assert report["exceptions"]["resolved"] >= 1


def test_a_bad_order_whose_customer_never_answers_stays_blocked(report: dict[str, Any]) -> None:
    assert report["orders"]["blocked"] >= 1
    assert report["exceptions"]["open"] >= 1


def test_its_owner_was_alerted_and_every_alert_sent_was_received(report: dict[str, Any]) -> None:
    alerts = report["alerts"]

    assert alerts["received"] >= alerts["sent"] > 0
    assert alerts["waiting"] == 0


def test_stock_agrees_for_every_sku_once_all_is_done(report: dict[str, Any]) -> None:
    assert report["stock"]["agreeing"] == report["stock"]["skus"]


def test_analysts_find_the_history_published(day: Day, report: dict[str, Any]) -> None:
    with open_published(day.published) as reader:
        assert reader.row_counts()["orders"] > 0
