"""Whatever opens the link keeps the ledger alive, and finds out whether it is an old copy."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from centra_whistl_dagster.defs.resources import LinkResource
from centra_whistl_dagster.domain.generations import Beginning
from centra_whistl_dagster.ledger import generations
from centra_whistl_dagster.workflows.continuity import about_to_send

PROJECT = Path(__file__).parents[2]
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The environment of an installation; returns its folder of state."""
    values = {
        "CENTRA_BASE_URL": "http://127.0.0.1:1/centra",
        "CENTRA_TOKEN": "t",
        "WHISTL_BASE_URL": "http://127.0.0.1:1/whistl",
        "WHISTL_TOKEN": "t",
        "WHISTL_CLIENT_CODE": "ACME",
        "WHISTL_SITE": "SW",
        "STATE_DIR": str(tmp_path / "state"),
        "CONFIG_DIR": str(PROJECT / "config"),
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return tmp_path / "state"


def reason(at: datetime) -> Beginning:
    """Open the link as a sensor does; return why the ledger's generation began."""
    with (
        time_machine.travel(at, tick=False),
        LinkResource().open("a sensor") as link,
        link.ledger.reading() as tx,
    ):
        row = generations.newest(tx)
    assert row is not None
    return row.reason


def test_a_sensor_keeps_the_ledger_in_its_generation(state: Path) -> None:
    assert not state.exists()
    for seconds in range(0, 600, 30):
        assert reason(NOW + timedelta(seconds=seconds)) is Beginning.NEW
    assert reason(NOW + timedelta(seconds=900)) is Beginning.SILENT


def test_a_sensor_finds_that_an_old_copy_of_the_ledger_was_put_in_place(state: Path) -> None:
    assert reason(NOW) is Beginning.NEW
    shutil.copy(state / "ledger.db", state / "copy.db")
    with time_machine.travel(NOW, tick=False), LinkResource().open("a step") as link:
        with link.ledger.transaction() as tx:
            effect = generations.count_effect(tx)
        about_to_send(link, effect)
    for left in state.glob("ledger.db*"):
        left.unlink()
    shutil.copy(state / "copy.db", state / "ledger.db")
    assert reason(NOW + timedelta(seconds=1)) is Beginning.OLDER
