"""An installation as Dagster's own processes find it: in the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from centra_whistl_dagster.simulator.wire.server import RunningSimulator
from centra_whistl_dagster.simulator.world.catalogue import shipping_services_csv

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def config_folder(
    monkeypatch: pytest.MonkeyPatch, simulator: RunningSimulator, tmp_path: Path
) -> Path:
    """The environment names the simulated systems; a test may edit what operators own."""
    config = tmp_path / "config"
    config.mkdir()
    for path in (PROJECT / "config").iterdir():
        (config / path.name).write_text(path.read_text())
    (config / "shipping_services.csv").write_text(shipping_services_csv(simulator.world))
    for name, value in {
        "CENTRA_BASE_URL": simulator.centra_url,
        "CENTRA_TOKEN": "centra-test-token",
        "WHISTL_BASE_URL": simulator.whistl_url,
        "WHISTL_TOKEN": "whistl-test-token",
        "WHISTL_CLIENT_CODE": "ACME",
        "WHISTL_LOOK_UP_LAG_SECONDS": "30",
        "WHISTL_SITE": "SW",
        "STATE_DIR": str(tmp_path / "state"),
        "CONFIG_DIR": str(config),
    }.items():
        monkeypatch.setenv(name, value)
    return config
