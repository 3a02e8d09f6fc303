"""After a day with faults, people are in the ledger alone; once erased, nowhere at all.

The short form of `make canaries`, which plays the day through Dagster.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from centra_whistl_dagster.ledger import erasure, orders, tables
from centra_whistl_dagster.simulator.world.world import Settings
from centra_whistl_dagster.workflows.exceptions.alerting import tell_owners
from centra_whistl_dagster.workflows.upkeep import history, personal_data
from centra_whistl_dagster_tests.canaries.searching import find_bytes
from centra_whistl_dagster_tests.workflows import test_a_seeded_day as seeded_day
from centra_whistl_dagster_tests.workflows.conftest import Desk

MARK = "Kanari"
SECRETS = {"CENTRA_TOKEN": "centra-test-token", "WHISTL_CLIENT_SECRET": "whistl-test-secret"}


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(seeded_day, "STEPS", 30)
    return Settings(
        seed=5,
        skus=40,
        speed=30,
        orders_per_minute=6.0,
        spoiled_share=0.3,
        several_parcels_share=0.3,
        cancelled_share=0.1,
        centra_limits=None,
        mark=MARK,
        switches={
            "whistl_requests_per_minute": None,
            "whistl_lookup_lag_seconds": 20.0,
            "short_line_share": 0.1,
            "duplicate_despatch_share": 0.2,
            "corrected_tracking_share": 0.2,
            "no_tracking_share": 0.1,
        },
    )


@pytest.fixture
def after_the_day(desk: Desk, settings: Settings) -> Desk:
    """A day with faults, alerts, history and a published copy."""
    assert {name: desk.environment[name] for name in SECRETS} == SECRETS
    seeded_day.live_through_the_day(desk, settings.seed)
    tell_owners(desk.link.ledger, desk.link.settings.alerts)
    seeded_day.settle(desk)
    tell_owners(desk.link.ledger, desk.link.settings.alerts)
    live = history.open_history(desk.link)
    for load in (history.load_orders, history.load_exceptions, history.load_stock):
        load(desk.link, live)
    history.publish_history(desk.link, live)
    return desk


def test_people_are_in_the_ledger_alone_and_once_erased_nowhere_and_secrets_never(
    after_the_day: Desk,
) -> None:
    desk = after_the_day
    home = Path(desk.environment["STATE_DIR"])
    with desk.link.ledger.reading() as tx:
        ids = list(tx.execute(sa.select(tables.orders.c.centra_id)).scalars())
        rows = list(orders.find_all(tx, ids).values())

    before = find_bytes(home, [MARK, *SECRETS.values()])
    done = personal_data.erase(desk.link, rows)
    _take_out_open_orders(desk, done.still_open)
    after = find_bytes(home, [MARK])

    assert {each.path.name.split("-")[0] for each in before} == {"ledger.db"}
    assert {each.needle for each in before} == {MARK}
    assert len(done.erased) > 25
    assert done.is_compacted
    assert after == []


def _take_out_open_orders(desk: Desk, still_open: object) -> None:
    """Remove what an open order needs and may keep: what is left must be free of people."""
    assert isinstance(still_open, dict)
    with desk.link.ledger.transaction() as tx:
        for number in still_open:
            row = orders.find_by_number(tx, number)
            assert row is not None
            erasure.erase(tx, row)
    assert desk.link.ledger.compact()
