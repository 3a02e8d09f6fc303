"""How far a feed may be taken as read, whatever numbers it shows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from centra_whistl_dagster.domain.orders.despatch_feed import MOST_JUMP, Gap, gaps, safe_cursor

FAR = 10**9


@pytest.mark.parametrize(
    ("cursor", "sequences", "reached", "expected"),
    [
        (0, [], 0, 0),
        (5, [6, 7], 7, 7),
        (5, [9], 12, 12),
        (5, [7, 6], 7, 7),
        (5, [3, 5], 5, 5),
        (5, [5 + MOST_JUMP], 5 + MOST_JUMP, 5 + MOST_JUMP),
        (5, [6 + MOST_JUMP], 6 + MOST_JUMP, 5),
        (5, [6, FAR], FAR, 6),
        (5, [], FAR, 5),
        (5, [6], FAR, 6),
        (5, [6, FAR, FAR + 1], FAR + 1, 6),
        (5, [6, FAR, FAR + 1, FAR + 2], FAR + 2, FAR + 2),
        (5, [6, FAR, FAR + 1, 2 * FAR], 2 * FAR, 6),
        (9, [], 4, 9),
    ],
)
def test_the_cursor_follows_the_feed_and_no_absurd_number(
    cursor: int, sequences: list[int], reached: int, expected: int
) -> None:
    assert safe_cursor(cursor, sequences, reached) == expected


@given(
    st.integers(0, 10**6),
    st.lists(st.integers(0, 10**7), max_size=30),
    st.integers(0, 10**7),
)
def test_the_cursor_never_goes_back_nor_past_what_was_shown(
    cursor: int, sequences: list[int], reached: int
) -> None:
    moved = safe_cursor(cursor, sequences, reached)

    assert cursor <= moved <= max([cursor, reached, *sequences])


def test_numbers_that_are_left_out_are_gaps_and_absurd_jumps_are_none() -> None:
    assert gaps(3, [4, 7, 5, 8, FAR]) == [Gap(after=5, before=7)]
    assert gaps(3, [3, 4, 5]) == []
