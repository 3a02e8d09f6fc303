"""What makes the figures of a whole installation worth reading."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from centra_whistl_dagster.bench import installation_report
from centra_whistl_dagster.bench.installation import QUICK, Lengths, Trade, Window
from centra_whistl_dagster.bench.installation_report import Figure, Spent, document
from centra_whistl_dagster.bench.usage import RUNS, Usage, usage
from centra_whistl_dagster.cli import bench as cli_bench
from centra_whistl_dagster.domain.orders.polling import IDLE, PUSH_MAY_TAKE, USUAL
from centra_whistl_dagster.launching.processes import Processes

BUSY = """
import subprocess, sys, time
while time.process_time() < {own}:
    pass
print("ready", flush=True)
subprocess.run([sys.executable, "-c", "import time\\nwhile time.process_time() < {child}: pass"])
print("done", flush=True)
time.sleep(600)
"""
LINUX = pytest.mark.skipif(
    not Path("/proc/self/smaps_rollup").exists(), reason="only Linux shows this"
)


def wait_for_text(path: Path, text: str) -> None:
    deadline = time.monotonic() + 60
    while text not in path.read_text():
        assert time.monotonic() < deadline, f"{path} never says {text!r}"
        time.sleep(0.05)


@LINUX
def test_children_that_have_ended_count_with_what_started_them_and_runs_apart(
    tmp_path: Path,
) -> None:
    (tmp_path / "busy_bench_module.py").write_text(BUSY.format(own=0.4, child=0.8))
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    with Processes(tmp_path) as processes:
        for name in ("code_server", "daemon", "simulators"):
            processes.start(name, "busy_bench_module", env=environment)
        for name in processes.started():
            wait_for_text(tmp_path / f"{name}.log", "done")
        used = usage(processes.started())

    by_process = used.cpu_by_process
    # A little less than was used: the system counts in hundredths.
    assert 0.3 <= by_process["code_server"] < 0.7
    assert by_process[RUNS] >= 0.7
    assert by_process["daemon"] >= 1.0
    assert used.cpu_s == sum(by_process[name] for name in ("code_server", RUNS, "daemon"))
    assert used.count == 3
    assert used.memory_gb > 0.005


@LINUX
def test_a_process_that_nobody_named_is_not_counted(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        used = usage({"daemon": -1})
        other.communicate(b"\n")

    assert used == Usage(cpu_by_process={}, memory_gb=0.0, count=0)


def test_what_was_used_in_between_is_the_difference_by_process() -> None:
    before = Usage(cpu_by_process={"daemon": 2.0}, memory_gb=0.1, count=1)
    after = Usage(cpu_by_process={"daemon": 2.5, RUNS: 0.5}, memory_gb=0.1, count=2)

    assert after.since(before) == {"daemon": 0.5, RUNS: 0.5}


def figure(*measured: float, cold: tuple[float, ...] = (), is_at_least: bool = False) -> Figure:
    return Figure(
        name="it", unit="s", asked=2, measured=measured, cold=cold, is_at_least=is_at_least
    )


def test_a_figure_is_judged_by_its_median_and_compared_with_cold_runs() -> None:
    assert figure(1, 9, 2).row() == ["it", "≤ 2 s", "2", "1", "9", "3", "met", "", ""]
    assert figure(1, 9, 3, cold=(6.0,)).row()[-3:] == ["**missed**", "6", "2.0"]


def test_what_is_to_be_sustained_is_met_from_the_asked_figure_on() -> None:
    assert figure(1, is_at_least=True).row()[1] == "≥ 2 s"
    assert figure(1, is_at_least=True).row()[6] == "**missed**"
    assert figure(2, is_at_least=True).row()[6] == "met"


def test_a_window_is_given_by_the_hour_and_the_minute_however_long_it_was() -> None:
    window = Window(wall_s=30, cpu_by_process={}, centra_requests=6, accepted=400, memory_gb=0.1)

    assert window.requests_an_hour == 720
    assert window.accepted_a_minute == 800


@pytest.mark.parametrize("lengths", [Lengths(), QUICK], ids=["whole", "quick"])
def test_an_idle_installation_with_pushes_is_watched_for_several_of_its_polls(
    lengths: Lengths,
) -> None:
    assert lengths.idle_s >= 3 * IDLE.total_seconds()
    assert lengths.settle_s > (PUSH_MAY_TAKE + USUAL).total_seconds()


def test_the_document_says_where_the_seconds_went_without_the_simulators_in_the_sum() -> None:
    spent = Spent(
        name="a day",
        wall_s=200.4,
        cpu_by_process={"daemon": 3.0, RUNS: 4.0, "simulators": 50.0},
        memory_gb=0.9,
    )

    text = document([figure(1)], [spent], load_before=0.2)

    assert "load average before the start 0.2." in text
    assert "| what | wall seconds | CPU seconds | daemon | runs | simulators | GB |" in text
    assert "| a day | 200 | 7.0 | 3.0 | 4.0 | 50.0 | 0.90 |" in text


def test_of_several_days_the_one_with_the_median_of_cpu_seconds_is_shown() -> None:
    days = [
        Trade(
            name=f"day of {cpu}",
            wall_s=1,
            used=Usage(cpu_by_process={"daemon": cpu}, memory_gb=1, count=1),
            memory_at_close_gb=None,
            p50_s=1,
            p95_s=1,
        )
        for cpu in (9.0, 1.0, 5.0)
    ]

    assert installation_report.spent_on(days).name == "day of 5.0"


@pytest.mark.parametrize(
    ("only", "expected"), [("loads", ["loads"]), ("installation", ["installation"])]
)
def test_one_part_of_the_benchmarks_leaves_the_file_of_the_other_as_it_is(
    only: str, expected: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []

    def loads(path: Path, *, quick: bool) -> list[object]:
        ran.append(f"loads{'' if path.name == 'benchmarks.md' and quick else '?'}")
        return []

    def installation(path: Path, **_: object) -> list[object]:
        ran.append(f"installation{'' if path.name == 'benchmarks-installation.md' else '?'}")
        return []

    monkeypatch.setattr(cli_bench, "run_benchmarks", loads)
    monkeypatch.setattr(installation_report, "run", installation)

    result = CliRunner().invoke(
        cli_bench.bench, ["--quick", "--only", only, "--folder", str(tmp_path)]
    )

    assert result.exit_code == 0, result.output
    assert ran == expected


def test_a_machine_that_does_not_show_what_processes_use_is_refused_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("centra_whistl_dagster.bench.usage._PROC", tmp_path)

    with pytest.raises(Exception, match="only Linux has"):
        installation_report.run(tmp_path / "report.md", project=tmp_path, lengths=Lengths())

    assert not (tmp_path / "report.md").exists()
