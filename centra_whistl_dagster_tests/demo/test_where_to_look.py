"""A person finds the demo's alerts and can run the product's commands on it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from centra_whistl_dagster.demo.day import Day, prepare
from centra_whistl_dagster.demo.inbox import Inbox
from centra_whistl_dagster.demo.run import alerts_received, where_to_look

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def day(tmp_path: Path) -> Day:
    return Day(
        seconds=None,
        seed=7,
        orders_per_minute=1.0,
        state=tmp_path / "a demo",
        webserver_port=3000,
        code_server_port=3001,
        simulator_port=3002,
        desk_port=3003,
    )


def test_every_alert_is_written_to_a_file_that_people_can_read(tmp_path: Path) -> None:
    file = tmp_path / "alerts.txt"
    alert = {"title": "Invalid postcode: order 100009", "message": "What to do: correct it."}
    with Inbox(file) as inbox:
        httpx.post(inbox.web_url("cx").replace("json", "http"), json=alert)

    text = file.read_text()
    assert "to cx" in text
    assert "Invalid postcode: order 100009" in text
    assert "What to do: correct it." in text


def test_a_demo_ends_with_its_last_alert_and_where_all_of_them_are(
    day: Day, tmp_path: Path
) -> None:
    with Inbox(tmp_path / "alerts.txt") as inbox:
        before = alerts_received(day, inbox)
        for number in (100009, 100010):
            alert = {"title": f"Invalid postcode: order {number}", "message": "What to do."}
            httpx.post(inbox.web_url("cx").replace("json", "http"), json=alert)
        after = alerts_received(day, inbox)

    assert before.strip() == f"0 alerts received. All of them are in {day.alerts_file}."
    assert f"2 alerts received. All of them are in {day.alerts_file}." in after
    assert "Invalid postcode: order 100010\n\nWhat to do." in after
    assert "100009" not in after


def test_a_shell_gets_the_demos_settings_whatever_a_real_system_s_are(
    day: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEDGER_URL", "postgresql://real")
    prepare(day, PROJECT)
    day.write_settings_file()

    script = f'. "{day.settings_file}"; echo "$STATE_DIR|$LEDGER_URL|$CENTRA_BASE_URL"'
    shown = subprocess.run(  # noqa: S603 - the test's own text
        ["/bin/sh", "-c", script], capture_output=True, text=True, check=True
    )

    assert shown.stdout == f"{day.state}||http://127.0.0.1:3002/centra\n"
    assert "LEDGER_URL" not in day.environment()


def test_what_is_printed_names_the_pages_the_alerts_and_the_settings(day: Day) -> None:
    printed = where_to_look(day)

    assert "http://127.0.0.1:3000" in printed
    assert "http://127.0.0.1:3003" in printed
    assert str(day.alerts_file) in printed
    assert "http://127.0.0.1:3003/briefs" in printed
    assert str(day.settings_file) in printed
    assert "exceptions" in printed


def test_an_interrupt_ends_what_a_script_started_in_the_background() -> None:
    """A shell script starts such a process with SIGINT ignored."""
    program = "from centra_whistl_dagster.cli.main import main; main()"
    script = f"exec {sys.executable} -c '{program}' simulate --port 0"
    with subprocess.Popen(  # noqa: S603 - the test's own text
        ["/bin/sh", "-c", f"trap '' INT; {script}"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert "truth" in process.stdout.readline()
        process.send_signal(signal.SIGINT)

        assert process.wait(60) == 130
