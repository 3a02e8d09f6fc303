"""What operators see of refused stock snapshots, and of the connections: the commands' output."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
import time_machine
from click.testing import CliRunner, Result

from centra_whistl_dagster.cli.main import commands, main
from centra_whistl_dagster.simulator.whistl.snapshots import take_snapshot
from centra_whistl_dagster.workflows.stock.quarantine import quarantined

if TYPE_CHECKING:
    from centra_whistl_dagster_tests.workflows.conftest import Desk


@pytest.fixture(autouse=True)
def wall_clock(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[time_machine.Traveller]:
    """The commands read the environment and the wall clock, which here are the desk's own."""
    for name, value in desk.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("COLUMNS", "300")
    with time_machine.travel(desk.clock(), tick=False) as traveller:
        yield traveller


@pytest.fixture
def refused(desk: Desk) -> str:
    """A warehouse that sold nearly out overnight, which the guards refuse to believe."""
    desk.sync_stock()
    desk.wait(10)
    with desk.world.lock:
        for sku in desk.skus[1:]:
            desk.world.shelves[sku].on_hand = 0
        take_snapshot(desk.world)
    desk.wait(30)
    desk.sync_stock()
    (snapshot,) = quarantined(desk.link)
    return snapshot.snapshot_id


def run(*arguments: str) -> Result:
    return CliRunner().invoke(commands, arguments, catch_exceptions=False)


# ---- stock quarantine
def test_an_empty_quarantine_says_so() -> None:
    assert "No snapshot is in quarantine." in run("stock", "quarantine").stdout


def test_a_refused_snapshot_is_listed_previewed_and_released(desk: Desk, refused: str) -> None:
    listed = run("stock", "quarantine").stdout
    preview = run("stock", "quarantine", "show", refused).stdout
    still_listed = quarantined(desk.link)
    released = run("stock", "quarantine", "release", refused).stdout

    assert refused in listed
    assert "would be sold out" in preview
    assert "0 SKUs would go up by 0 units in total" in preview
    assert len(still_listed) == 1
    assert f"{refused} is released" in released
    assert quarantined(desk.link) == []


@pytest.mark.parametrize("command", ["show", "release"])
@pytest.mark.usefixtures("refused")
def test_an_unknown_snapshot_is_refused_and_its_name_cannot_control_the_terminal(
    command: str,
) -> None:
    result = run("stock", "quarantine", command, "S-\x1b[2J")

    assert result.exit_code == 1
    assert r"S-\x1b[2J" in result.stderr


# ---- doctor
ALL_STATED = {
    "WHISTL_TIME_ZONE": "UTC",
    "ALERT_DEFAULT_URL": "json://127.0.0.1:9/",
    "LEDGER_KEY": base64.b64encode(bytes(32)).decode(),
}


def test_doctor_names_every_part_of_a_working_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ALL_STATED.items():
        monkeypatch.setenv(name, value)

    result = run("doctor")

    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    about_age = [line for line in lines if " data: " in line]
    assert [line[6:].partition(":")[0] for line in about_age] == ["Address data", "Phone data"]
    assert [line[:4] for line in lines if line not in about_age] == ["ok  "] * 9


def test_doctor_writes_out_what_a_sku_hides(desk: Desk) -> None:
    with desk.world.lock:
        for item in desk.world.items.values():
            item.shown_sku = "TEE\x1b[2J"

    result = run("doctor")

    assert r"TEE\x1b[2J" in result.stdout
    assert "\x1b" not in result.output


def test_doctor_fails_where_the_published_history_is_damaged(desk: Desk) -> None:
    published = desk.link.settings.published_path
    published.parent.mkdir(parents=True, exist_ok=True)
    published.write_bytes(b"half a fi")

    result = run("doctor")

    assert result.exit_code == 1
    (line,) = [line for line in result.output.splitlines() if "History" in line]
    assert "cannot be opened" in line
    assert "Run the job publish_history." in result.output


def test_doctor_fails_where_no_alert_would_reach_anybody() -> None:
    result = run("doctor")

    failed = [line for line in result.stdout.splitlines() if line.startswith("FAIL")]
    assert result.exit_code == 1
    assert [line.partition(", so")[0] for line in failed] == ["FAIL  Alerts: no address is set"]


@pytest.mark.parametrize(
    ("addresses", "warning"),
    [
        ({"DATA": "json://a/"}, "channel cx has no address: they are not sent"),
        (
            {"DATA": "json://a/", "FALLBACK": "json://b/"},
            "channel cx has no address: they go to the second channel",
        ),
        (
            {"DEFAULT": "json://a/", "CX_TEAM": "json://b/"},
            "ALERT_CX_TEAM_URL is set, and config/exceptions.toml names no such channel.",
        ),
    ],
)
def test_doctor_warns_of_channels_and_addresses_that_do_not_belong_together(
    monkeypatch: pytest.MonkeyPatch, addresses: dict[str, str], warning: str
) -> None:
    for channel, address in addresses.items():
        monkeypatch.setenv(f"ALERT_{channel}_URL", address)

    result = run("doctor")

    assert result.exit_code == 0
    assert f"warn  Alerts: {warning}" in result.stdout
    assert "channel data" not in result.stdout


@pytest.mark.parametrize(
    "url", ["sqlite:////dev/null/ledger.db", "postgresql://ledger:secret@127.0.0.1:9/ledger"]
)
def test_a_ledger_that_cannot_be_reached_is_named_without_a_trace_or_a_secret(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], url: str
) -> None:
    monkeypatch.setenv("LEDGER_URL", url)
    monkeypatch.setattr("sys.argv", ["centra-whistl", "doctor"])

    with pytest.raises(SystemExit) as ended:
        main()

    printed = capsys.readouterr()
    assert ended.value.code == 2
    assert "ledger" in printed.err
    assert "LEDGER_URL" in printed.err
    assert "Traceback" not in printed.err + printed.out
    assert "secret" not in printed.err + printed.out


def test_doctor_fails_and_names_the_parts_that_do_not_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in ALL_STATED.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CENTRA_TOKEN", "expired")

    result = run("doctor")

    assert result.exit_code == 1
    failed = [line for line in result.stdout.splitlines() if line.startswith("FAIL")]
    parts = [line.removeprefix("FAIL  ").rpartition(": ")[0] for line in failed]
    assert len(failed) == 3
    assert all(part.startswith("Centra: ") for part in parts)
