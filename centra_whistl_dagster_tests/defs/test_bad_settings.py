"""A setting that cannot be used is one plain sentence, wherever it is met first, and no trace."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import dagster as dg
import pytest

from centra_whistl_dagster.cli.main import main
from centra_whistl_dagster.definitions import defs
from centra_whistl_dagster.defs import alerts, sensors
from centra_whistl_dagster.defs.resources import LinkResource

SECRET = "hunter2"
CANNOT_BE_USED = {
    "a token of two lines": ("CENTRA_TOKEN", f"{SECRET}\nsecond"),
    "a curly quote": ("WHISTL_TOKEN", f"“{SECRET}”"),
    "an unknown plan": ("CENTRA_PLAN", "platinum"),
    "an address with a password": ("CENTRA_BASE_URL", f"https://ada:{SECRET}@shop.example"),
    "an address that is none": ("WHISTL_BASE_URL", "http://[::1"),
    "no parallel calls": ("WHISTL_PARALLEL_CALLS", "0"),
    "lots of memory": ("HISTORY_MEMORY", "lots"),
    "another database": ("LEDGER_URL", f"mysql://ada:{SECRET}@db/ledger"),
    "a driver that there is not": ("LEDGER_URL", f"postgresql+{SECRET}://127.0.0.1:1/ledger"),
    "a driver that cannot be used": ("LEDGER_URL", f"postgresql+asyncpg://a:{SECRET}@[::1]:1/x"),
    "a port that is none": ("LEDGER_URL", f"postgresql://ada:{SECRET}@127.0.0.1:999999/ledger"),
    "an option that is none": ("LEDGER_URL", f"postgresql://a:{SECRET}@127.0.0.1:1/x?nosuch=1"),
    "a ledger in no folder": ("LEDGER_URL", "sqlite:////nowhere/at/all/ledger.db"),
    "a ledger that is a folder": ("LEDGER_URL", "sqlite:////tmp"),
    "state that is a file": ("STATE_DIR", "/dev/null"),
    "state in a file": ("STATE_DIR", "/dev/null/state"),
    "no configuration": ("CONFIG_DIR", "/nowhere"),
    "configuration that is a file": ("CONFIG_DIR", "/dev/null"),
}
COMMANDS = [
    ["doctor"],
    ["exceptions"],
    ["access"],
    ["order", "100001"],
    ["stock", "quarantine"],
    ["dev"],
]


@pytest.fixture(params=CANNOT_BE_USED)
def name(
    request: pytest.FixtureRequest, config_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    name, value = CANNOT_BE_USED[request.param]
    monkeypatch.setenv(name, value)
    # The way of a real installation; a `.env` of whoever runs the tests has no say.
    monkeypatch.setattr("centra_whistl_dagster.cli.main.load_dotenv", lambda _: None)
    monkeypatch.setattr(
        "centra_whistl_dagster.launching.dev.start_dagster",
        lambda *_: pytest.fail("Dagster was started with a setting that cannot be used"),
    )
    return name


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_command_says_what_is_wrong_and_ends(
    name: str,
    command: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["centra-whistl", *command])

    with pytest.raises(SystemExit) as ended:
        main()

    printed = "".join(capsys.readouterr())
    assert ended.value.code == 2
    assert name in printed or name == "CONFIG_DIR"
    assert "Traceback" not in printed
    assert SECRET not in printed


def test_a_sensor_says_what_is_wrong_and_launches_nothing(name: str) -> None:
    with dg.instance_for_test() as instance:
        for sensor in (sensors.new_centra_orders, sensors.work_is_due, alerts.alerts_waiting):
            context = dg.build_sensor_context(instance=instance, resources={"link": LinkResource()})
            with suppress(dg.Failure):  # any other error would be shown with its trace
                sensor(context)


def test_a_run_fails_in_plain_words(name: str) -> None:
    job = defs().resolve_job_def("relay_orders")
    with dg.instance_for_test() as instance:
        ended = job.execute_in_process(instance=instance, raise_on_error=False)
        words = "".join(
            f"{entry.user_message}{entry.dagster_event}"
            for entry in instance.all_logs(ended.run_id)
        )

    assert not ended.success
    assert SECRET not in words
    assert "Failure" in words


def test_the_project_loads_so_that_its_sensors_can_report_it(name: str) -> None:
    assert defs().get_repository_def().sensor_defs


def test_the_code_server_s_module_loads_with_no_settings_at_all() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", "from centra_whistl_dagster.definitions import defs; defs()"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path), "CONFIG_DIR": "/nowhere"},
    )

    assert ended.returncode == 0, ended.stderr
