"""What makes the benchmarks' figures worth reading: the same work, each load's own memory."""

from __future__ import annotations

import re
import sys
import tomllib
from itertools import islice, pairwise
from pathlib import Path

import click
import pytest

from centra_whistl_dagster.bench import loads, screening, stock, ticks
from centra_whistl_dagster.bench.apart import apart
from centra_whistl_dagster.bench.full_sync import full_sync
from centra_whistl_dagster.bench.report import Comparison, Limit, Load, report
from centra_whistl_dagster.bench.run import run
from centra_whistl_dagster.bench.stock import Kept
from centra_whistl_dagster.bench.timing import Timing, copy_rate_gb_per_s, timed

PROJECT = Path(__file__).parents[2]


def timing(median_s: float = 0.2) -> Timing:
    return Timing(name="ingest", runs=5, median_s=median_s, least_s=0.1, most_s=0.9)


def comparison(*, our_rows: int, dlts_rows: int) -> Comparison:
    return Comparison(
        skus=1000,
        snapshots=12,
        ours=Kept(timing=timing(0.2), rows=our_rows, megabytes=2.0),
        ours_peak_gb=0.3,
        dlts=Kept(timing=timing(0.5), rows=dlts_rows, megabytes=3.0),
        dlts_peak_gb=0.4,
    )


def test_a_load_that_runs_apart_is_not_charged_with_the_memory_of_another() -> None:
    _, of_a_copied_gigabyte = apart(copy_rate_gb_per_s)
    copy_rate_gb_per_s()  # so this process has held a gigabyte too
    _, of_one_order = apart(screening.one_order)

    assert of_a_copied_gigabyte > 1.0
    assert of_one_order < 0.7


def test_the_warming_up_and_the_preparing_are_not_timed_but_every_run_has_its_own_load() -> None:
    given = iter(range(100))
    worked: list[int] = []

    times = timed("work", worked.append, prepare=lambda: next(given), runs=5)

    assert worked == [0, 1, 2, 3, 4, 5]
    assert times.runs == 5
    assert times.least_s <= times.median_s <= times.most_s


def test_every_contender_gets_the_same_snapshots_and_few_skus_change_between_two() -> None:
    first, again = (list(islice(loads.snapshots(5000, changed_share=0.02), 8)) for _ in range(2))

    for (at, frame), (same_at, same_frame) in zip(first, again, strict=True):
        assert at == same_at
        assert frame.equals(same_frame)
    for (before, old), (after, new) in pairwise(first[1:]):
        assert before < after
        changed = (old.drop(columns="sku") != new.drop(columns="sku")).any(axis=1)
        assert 0.01 < changed.mean() < 0.03


def test_what_the_timed_history_holds_in_the_end_is_every_change_once() -> None:
    frames = [frame for _, frame in islice(loads.snapshots(1000, changed_share=0.02), 5)]
    changes = sum(int((old != new).any(axis=1).sum()) for old, new in pairwise(frames))

    kept = stock.keep(1000, snapshots=5)

    assert kept.rows == 1000 + changes
    assert kept.timing.runs == 3
    assert kept.megabytes > 0


def test_contenders_that_did_not_do_the_same_work_are_not_compared() -> None:
    with pytest.raises(ValueError, match="the history kept 1,225 rows and dlt 1,000"):
        comparison(our_rows=1225, dlts_rows=1000)


def test_the_report_names_each_limit_that_was_missed_and_how_much_longer_dlt_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("centra_whistl_dagster.bench.report.version", lambda _: "1.0")

    document = report(
        [Load(timing=timing(), peak_gb=0.42)],
        [comparison(our_rows=1220, dlts_rows=1220)],
        [
            Limit(name="memory", asked=1.5, measured=1.68, unit="GB"),
            Limit(name="reconcile", asked=0.5, measured=0.346, unit="s"),
        ],
        copy_rate_gb_per_s=22.7,
        load_before=0.3,
    )

    assert "| ingest | 0.200 | 0.100 | 0.900 | 5 | 0.42 |" in document
    assert "| memory | 1.5 GB | 1.68 GB | **missed** |" in document
    assert "| reconcile | 0.5 s | 0.346 s | met |" in document
    assert "2.0 % of the SKUs change" in document
    assert "With 1,000 SKUs dlt takes 2.5 times as long." in document
    assert "memory copied at 22.7 GB/s; load average before the start 0.3." in document


def test_without_dlt_nothing_is_timed_and_the_command_that_brings_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "dlt", None)

    with pytest.raises(click.ClickException, match="`make bench` installs it"):
        run(tmp_path / "benchmarks.md")

    assert not (tmp_path / "benchmarks.md").exists()


def locked(name: str) -> dict[str, int]:
    """Return each package of a lock with how many hashes it may have."""
    entries = re.split(r"\n(?=\S)", (PROJECT / name).read_text(encoding="utf-8").strip())
    return {entry.partition("==")[0]: entry.count("--hash=sha256:") for entry in entries}


def test_what_only_the_benchmarks_need_is_locked_apart_from_what_everything_needs() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    everything, for_bench = locked("requirements.lock"), locked("requirements-bench.lock")

    assert "dlt" in for_bench
    assert all(for_bench.values())
    assert not everything.keys() & for_bench.keys()
    assert not [need for need in project["dependencies"] if need.startswith("dlt")]


def test_a_tick_is_timed_on_an_installation_in_which_nothing_is_due() -> None:
    timed_tick = ticks.idle(300)

    assert timed_tick.name == "idle tick, 300 orders in the ledger"
    assert timed_tick.runs == 15


def test_the_full_sync_that_is_timed_reads_every_page_at_the_limits_and_writes_what_is_wrong() -> (
    None
):
    synced = full_sync(5_000)

    assert synced.written == 100
    # 25 pages of Centra's and 10 of Whistl's, of which 15 and 8 go in the first ten seconds.
    assert synced.pages.median_s >= 20
    assert synced.ratio > 1
