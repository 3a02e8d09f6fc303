"""The desk as a process of its own: what it is given, and that it answers."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from urllib.request import urlopen

from centra_whistl_dagster.launching.dagster_processes import (
    LOOPBACK,
    desk_environment,
    free_port,
    start_desk,
)
from centra_whistl_dagster.launching.processes import Processes

PROJECT = Path(__file__).parents[2]


def test_the_desk_gets_what_is_kept_here_and_no_other_secret() -> None:
    given = desk_environment(
        {
            "PATH": "/usr/bin",
            "STATE_DIR": "state",
            "LEDGER_URL_FILE": "/run/secrets/ledger",
            "DESK_PROXY_SECRET": "secret",
            "LEDGER_KEY": "key",
            "LEDGER_FORMER_KEY_FILE": "/run/secrets/key",
            "CENTRA_TOKEN": "token",
            "WHISTL_CLIENT_SECRET": "secret",
            "ALERT_CX_URL": "mailtos://",
            "AWS_SECRET_ACCESS_KEY": "secret",
        }
    )

    assert given.keys() == {"PATH", "STATE_DIR", "LEDGER_URL_FILE", "DESK_PROXY_SECRET"}


def test_the_desk_answers_on_loopback_beside_an_empty_ledger(tmp_path: Path) -> None:
    config = shutil.copytree(PROJECT / "config", tmp_path / "config")
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.environ.get("PYTHONPATH", str(PROJECT)),
        "STATE_DIR": str(tmp_path / "state"),
        "CONFIG_DIR": str(config),
    }
    port = free_port()
    with Processes(tmp_path / "logs") as processes:
        start_desk(processes, port, environment)
        with urlopen(f"http://{LOOPBACK}:{port}/", timeout=60) as answer:
            page = answer.read().decode()

    assert "0 exceptions open" in page
    assert "Read-only." in page
