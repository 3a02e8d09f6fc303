"""How often Centra is polled: rarely only while every new order is announced, at once on a hint."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from centra_whistl_dagster.domain.orders.polling import (
    IDLE,
    MISSED_BEFORE_ALERT,
    MISSED_FOR,
    PROVES_PUSHES,
    USUAL,
    FirstSight,
    Hint,
    PushRecord,
    next_poll,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HEARD = PushRecord(heard_at=NOW)
ALIVE = PushRecord(heard_at=NOW, announced=PROVES_PUSHES, is_on_trial=False)


def after(record: PushRecord, *were_announced: bool) -> PushRecord:
    for n, was_announced in enumerate(were_announced):
        record = record.after(NOW + timedelta(seconds=n), was_announced=was_announced)
    return record


@pytest.mark.parametrize(("are_alive", "interval"), [(True, IDLE), (False, USUAL)])
def test_centra_is_polled_rarely_only_while_pushes_are_alive(
    are_alive: bool, interval: timedelta
) -> None:
    assert next_poll(NOW, [], are_pushes_alive=are_alive) == NOW + interval


@pytest.mark.parametrize(
    ("seconds", "is_known", "interval"),
    [(1, True, USUAL), (1, False, USUAL), (-1, False, USUAL), (-1, True, IDLE)],
    ids=["new", "new, read", "old, not read yet", "old and read"],
)
def test_an_order_that_was_announced_is_polled_for_until_it_was_read(
    seconds: int, is_known: bool, interval: timedelta
) -> None:
    hint = Hint(announced_at=NOW + timedelta(seconds=seconds), is_known=is_known)

    assert next_poll(NOW, [hint], are_pushes_alive=True) == NOW + interval


@given(
    hints=st.lists(
        st.builds(
            Hint,
            announced_at=st.integers(-100, 100).map(lambda n: NOW + timedelta(seconds=n)),
            is_known=st.booleans(),
        )
    ),
    are_alive=st.booleans(),
)
def test_no_announcement_makes_polls_more_frequent_than_without_any(
    hints: list[Hint], are_alive: bool
) -> None:
    due_at = next_poll(NOW, hints, are_pushes_alive=are_alive)

    assert NOW + USUAL <= due_at <= NOW + IDLE


def test_pushes_are_alive_once_they_announced_some_orders_in_a_row() -> None:
    assert not PushRecord().are_alive
    assert not HEARD.are_alive
    assert not after(HEARD, *[True] * (PROVES_PUSHES - 1)).are_alive
    assert after(HEARD, *[True] * PROVES_PUSHES).are_alive


def test_one_order_that_was_not_announced_ends_that_and_some_in_a_row_restore_it() -> None:
    missed = after(ALIVE, True, False)

    assert not missed.are_alive
    assert not after(missed, *[True] * (PROVES_PUSHES - 1)).are_alive
    assert not after(missed, *[True] * (PROVES_PUSHES - 1), False, True).are_alive
    assert after(missed, *[True] * PROVES_PUSHES).are_alive


def test_orders_that_were_announced_prove_nothing_before_a_push_was_heard() -> None:
    assert not after(PushRecord(), *[True] * PROVES_PUSHES).are_alive


def test_a_single_lost_push_alarms_nobody_and_several_in_a_row_do() -> None:
    assert not after(HEARD, False, True, False, True, False).is_alarming(NOW)
    assert after(HEARD, *[False] * MISSED_BEFORE_ALERT).is_alarming(NOW)
    assert not after(HEARD, *[False] * MISSED_BEFORE_ALERT, True).is_alarming(NOW + MISSED_FOR)


def test_a_shop_with_few_orders_hears_of_silence_too() -> None:
    missed = after(HEARD, False)

    assert not missed.is_alarming(NOW + MISSED_FOR - timedelta(seconds=1))
    assert missed.is_alarming(NOW + MISSED_FOR)


@pytest.mark.parametrize(
    ("pushed", "inserted", "locked", "was_announced"),
    [
        (None, None, None, False),
        (-60, None, 5, True),
        (1, None, None, True),
        (1, None, 5, True),
        (6, None, 5, False),
        (6, 6, 5, True),
        (6, 31, 5, False),
        (30, None, None, True),
        (31, 31, None, False),
    ],
)
def test_a_push_announces_an_order_if_it_comes_in_time_and_cannot_be_of_our_own_lock(
    pushed: int | None, inserted: int | None, locked: int | None, was_announced: bool
) -> None:
    pushed_at, inserted_at, locked_at = (
        None if seconds is None else NOW + timedelta(seconds=seconds)
        for seconds in (pushed, inserted, locked)
    )

    sight = FirstSight(
        seen_at=NOW, locked_at=locked_at, pushed_at=pushed_at, inserted_at=inserted_at
    )

    assert sight.was_announced is was_announced
