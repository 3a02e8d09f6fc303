"""Which ledger goes on, which one has a gap, and what the gap may hide."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from centra_whistl_dagster.domain.generations import (
    CALLS_LAST,
    CLOCKS_DIFFER,
    LONGEST_SILENCE,
    Attempt,
    Beginning,
    Gap,
    Standing,
    Witness,
    beginning,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINE = Witness(token="mine", effects=7)
GAP = Gap(began_at=NOW)


def ledger(*, alive_at: datetime | None = NOW, is_empty: bool = False) -> Standing:
    tokens = {"first", "mine"} if alive_at else set[str]()
    return Standing(tokens=tokens, effects=7, alive_at=alive_at, is_empty=is_empty)


@pytest.mark.parametrize(
    ("seen", "after", "why"),
    [
        (MINE, SECOND, None),
        (MINE, LONGEST_SILENCE, None),
        (MINE, LONGEST_SILENCE + SECOND, Beginning.SILENT),
        (MINE, -LONGEST_SILENCE - SECOND, Beginning.CLOCK),
        (None, SECOND, None),
        (Witness(token="mine", effects=8), SECOND, Beginning.OLDER),
        (Witness(token="later", effects=7), SECOND, Beginning.OLDER),
        (Witness(token="first", effects=2), SECOND, None),
    ],
)
def test_a_ledger_goes_on_only_if_nothing_says_otherwise(
    seen: Witness | None, after: timedelta, why: Beginning | None
) -> None:
    assert beginning(ledger(), seen, now=NOW + after) is why


@pytest.mark.parametrize(
    ("seen", "is_empty", "why"),
    [
        (None, True, Beginning.NEW),
        (None, False, Beginning.UPGRADED),
        (MINE, True, Beginning.OLDER),
        (MINE, False, Beginning.OLDER),
    ],
)
def test_a_ledger_without_a_generation_always_begins_one(
    seen: Witness | None, is_empty: bool, why: Beginning
) -> None:
    assert beginning(ledger(alive_at=None, is_empty=is_empty), seen, now=NOW) is why


@pytest.mark.parametrize(
    ("ordered_at", "now", "is_hidden"),
    [
        (NOW - SECOND, NOW, True),
        (NOW + CLOCKS_DIFFER, NOW + CLOCKS_DIFFER, True),
        (NOW + CLOCKS_DIFFER + SECOND, NOW + CLOCKS_DIFFER + SECOND, False),
        (NOW + timedelta(days=400), NOW + SECOND, True),
    ],
)
def test_an_order_placed_since_cannot_have_been_sent_in_the_gap(
    ordered_at: datetime, now: datetime, is_hidden: bool
) -> None:
    assert GAP.may_hide(ordered_at, now=now) is is_hidden


def attempt(*, at: datetime, was_called: bool = True, absent_at: datetime | None = None) -> Attempt:
    return Attempt(
        intent_at=at, settled_at=absent_at, was_called=was_called, is_absent=absent_at is not None
    )


@pytest.mark.parametrize(
    ("attempts", "is_open"),
    [
        ([], True),
        ([attempt(at=NOW - SECOND)], True),
        ([attempt(at=NOW - SECOND, absent_at=NOW - SECOND)], True),
        ([attempt(at=NOW + SECOND, was_called=False)], True),
        ([attempt(at=NOW + SECOND, was_called=False, absent_at=NOW + SECOND)], False),
        ([attempt(at=NOW - SECOND, absent_at=NOW + SECOND)], False),
        ([attempt(at=NOW + SECOND)], False),
    ],
)
def test_only_a_look_up_or_a_call_since_the_gap_settles_an_order(
    attempts: list[Attempt], is_open: bool
) -> None:
    assert GAP.is_open_for(NOW - SECOND, attempts, now=NOW + timedelta(hours=1)) is is_open


def test_absence_proves_something_once_earlier_calls_have_ended_and_the_lag_has_passed() -> None:
    assert GAP.absence_proves(timedelta(minutes=2)) == NOW + CALLS_LAST + timedelta(minutes=2)
    assert GAP.parcels_wait_until() == NOW + CALLS_LAST
