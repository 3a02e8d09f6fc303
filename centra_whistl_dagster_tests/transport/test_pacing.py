"""Shares of quotas, several at once, across those who count in one file."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from centra_whistl_dagster.transport import Pacer, Quota

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BURST, STEADY = Quota(units=20, seconds=10), Quota(units=60, seconds=3600)


def at(seconds: float) -> Callable[[], datetime]:
    return lambda: START + timedelta(seconds=seconds)


def granted(pacer: Pacer, resource: str = "calls", *, tries: int = 100) -> int:
    return sum(pacer.take(resource, 1) == 0.0 for _ in range(tries))


def test_only_a_share_of_the_quota_is_handed_out() -> None:
    assert granted(Pacer({"calls": (BURST,)}, system="Testland", share=0.5, now=at(0))) == 10


def test_a_share_of_which_nothing_is_left_still_lets_one_call_go_in_the_longest_time() -> None:
    pacer = Pacer({"calls": (BURST, STEADY)}, system="Testland", share=0.001, now=at(0))

    assert granted(pacer) == 1
    assert pacer.left("calls") == [(1, 0)]


@pytest.mark.parametrize("file", [None, "pacing.db"])
def test_every_rate_holds_at_once(tmp_path: Path, file: str | None) -> None:
    now = START
    path = tmp_path / file if file else None
    pacer = Pacer(
        {"calls": (STEADY, BURST)}, system="Testland", share=1.0, now=lambda: now, file=path
    )

    taken = []
    for _ in range(5):
        taken.append(granted(pacer))
        now += timedelta(seconds=11)

    assert taken == [20, 20, 20, 0, 0]
    now = START + timedelta(seconds=3601)
    assert granted(pacer) > 0
    pacer.close()


def test_a_refusal_says_how_long_to_wait() -> None:
    now = START
    pacer = Pacer({"calls": (BURST,)}, system="Testland", share=1.0, now=lambda: now)
    granted(pacer, tries=20)
    now += timedelta(seconds=4)

    wait = pacer.take("calls", 1)

    assert wait == pytest.approx(6, abs=0.01)
    now += timedelta(seconds=wait)
    assert pacer.take("calls", 1) == 0.0


def test_those_who_share_a_file_share_a_quota(tmp_path: Path) -> None:
    one, other = (
        Pacer(
            {"calls": (BURST,), "writes": (BURST,)},
            system="Testland",
            share=1.0,
            now=at(0),
            file=tmp_path / "p.db",
        )
        for _ in range(2)
    )

    assert granted(one, tries=15) == 15
    assert granted(other) == 5
    assert granted(other, "writes") == 20
    one.close()
    other.close()


def test_systems_that_share_a_file_do_not_share_a_quota(tmp_path: Path) -> None:
    one, other = (
        Pacer({"calls": (BURST,)}, system=name, share=1.0, now=at(0), file=tmp_path / "p.db")
        for name in ("Centra", "Whistl")
    )

    assert (granted(one), granted(other)) == (20, 20)
    one.close()
    other.close()


def test_many_at_once_get_no_more_than_the_quota(tmp_path: Path) -> None:
    def grab(_: int) -> int:
        pacer = Pacer(
            {"calls": (quota,)}, system="Testland", share=1.0, now=at(0), file=tmp_path / "p.db"
        )
        start.wait()
        taken = granted(pacer, tries=60)
        pacer.close()
        return taken

    quota = Quota(units=200, seconds=10)
    start = threading.Barrier(4)
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(grab, range(4))) == 200


def test_a_call_heavier_than_the_quota_still_goes_when_nothing_else_did() -> None:
    pacer = Pacer({"calls": (BURST,)}, system="Testland", share=0.5, now=at(0))

    assert pacer.take("calls", 1_000) == 0.0
    assert pacer.take("calls", 1) > 0


def test_what_has_no_quota_is_free() -> None:
    assert granted(Pacer({}, system="Testland", share=1.0, now=at(0))) == 100


@pytest.mark.parametrize("share", [0, -1, 1.1])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        Pacer({}, system="Testland", share=share, now=at(0))


def test_a_file_that_cannot_be_used_is_an_error_of_the_system(tmp_path: Path) -> None:
    file = tmp_path / "p.db"
    pacer = Pacer({"calls": (BURST,)}, system="Testland", share=1.0, now=at(0), file=file)
    with contextlib.closing(sqlite3.connect(file)) as other:
        other.execute("DROP TABLE Testland_calls")

    with pytest.raises(OSError, match="no such table"):
        pacer.take("calls", 1)

    pacer.close()
    file.write_bytes(b"not a database" * 100)
    with pytest.raises(OSError, match="may be deleted"):
        Pacer({"calls": (BURST,)}, system="Testland", share=1.0, now=at(0), file=file)


def test_a_file_that_cannot_be_used_is_not_left_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "p.db"
    file.write_bytes(b"not a database" * 100)
    opened, closed = [], []

    class Noted(sqlite3.Connection):
        def __init__(self, *args: Any, **options: Any) -> None:
            opened.append(id(self))
            super().__init__(*args, **options)

        def close(self) -> None:
            closed.append(id(self))
            super().close()

    connect = sqlite3.connect
    monkeypatch.setattr(
        sqlite3, "connect", lambda *args, **options: connect(*args, factory=Noted, **options)
    )
    with pytest.raises(OSError, match="may be deleted"):
        Pacer({"calls": (BURST,)}, system="Testland", share=1.0, now=at(0), file=file)

    assert len(opened) == 1
    assert closed == opened


@pytest.mark.parametrize("shares_a_file", [False, True])
def test_what_is_left_of_a_quota_shrinks_with_use_and_comes_back_with_time(
    tmp_path: Path, shares_a_file: bool
) -> None:
    at = [datetime(2026, 11, 27, 9, tzinfo=UTC)]
    pacer = Pacer(
        {"requests": (Quota(units=20, seconds=10), Quota(units=100, seconds=3600))},
        system="Centra",
        share=0.5,
        now=lambda: at[0],
        file=tmp_path / "pacing.db" if shares_a_file else None,
    )
    for _ in range(4):
        assert pacer.take("requests", 1) == 0.0

    used = pacer.left("requests")
    at[0] += timedelta(seconds=11)
    later = pacer.left("requests")
    pacer.close()

    assert used == [(10, 6), (50, 46)]
    assert later == [(10, 10), (50, 46)]
    assert pacer.left("unknown") == []


@pytest.mark.parametrize("file", [None, "pacing.db"])
def test_a_quota_that_changes_holds_at_once_and_forgets_nothing(
    tmp_path: Path, file: str | None
) -> None:
    path = tmp_path / file if file else None
    pacer = Pacer({"calls": (BURST,)}, system="Testland", share=1.0, now=at(0), file=path)
    assert granted(pacer, tries=8) == 8

    pacer.allow({"calls": (Quota(units=10, seconds=10),), "writes": (Quota(units=3, seconds=10),)})
    assert (granted(pacer), granted(pacer, "writes")) == (2, 3)

    pacer.allow({"calls": (Quota(units=30, seconds=10),)})
    assert granted(pacer) == 20
    assert pacer.left("calls") == [(30, 0)]
    assert pacer.left("writes") == []
    pacer.close()


QUOTAS = st.lists(
    st.builds(
        Quota,
        units=st.integers(min_value=0, max_value=10**8),
        seconds=st.sampled_from([1.0, 10.0, 60.0, 3600.0]),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda quota: quota.seconds,
)


@given(quotas=QUOTAS, share=st.floats(min_value=0.01, max_value=1))
def test_whatever_quotas_are_said_none_is_exceeded_and_one_call_may_go(
    quotas: list[Quota], share: float
) -> None:
    pacer = Pacer({"calls": quotas}, system="Testland", share=share, now=at(0))

    left = [units for units, _ in pacer.left("calls")]
    assert left == sorted(left)
    assert 1 <= left[0] <= max(1, min(quota.units for quota in quotas) * share)
