"""Attempts wait longer and longer, and reach their owner."""

from __future__ import annotations

import pytest

from centra_whistl_dagster.domain.effects import back_off, must_owner_hear


@pytest.mark.parametrize(
    ("attempts", "seconds"),
    [(0, 5), (1, 5), (2, 15), (3, 60), (4, 300), (5, 900), (6, 3600), (500, 3600)],
)
def test_waits_are_short_first_then_longer_up_to_an_hour(attempts: int, seconds: int) -> None:
    assert back_off(attempts).total_seconds() == seconds


def test_the_owner_hears_of_the_fourth_failure_and_of_none_before() -> None:
    assert [must_owner_hear(attempts) for attempts in range(1, 6)] == [
        False,
        False,
        False,
        True,
        True,
    ]
