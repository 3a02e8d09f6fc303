"""What tells despatch messages apart, and which units left without one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from centra_whistl_dagster.domain.orders.despatches import (
    Despatch,
    content_hash,
    units_awaited,
    units_gone,
)

SAID = Despatch(
    despatch_id="D-1",
    sequence=1,
    version=1,
    supersedes=None,
    order_number="C1",
    despatched_at=datetime(2026, 3, 2, tzinfo=UTC),
    is_order_complete=True,
    parcels=(),
)


def test_a_repeat_under_another_sequence_has_the_same_contents() -> None:
    assert content_hash(replace(SAID, sequence=9)) == content_hash(SAID)


@pytest.mark.parametrize(
    "changed",
    [
        replace(SAID, version=2),
        replace(SAID, order_number="C2"),
        replace(SAID, supersedes="D-0"),
        replace(SAID, is_order_complete=False),
        replace(SAID, despatched_at=SAID.despatched_at + timedelta(seconds=1)),
    ],
)
def test_any_other_difference_is_one_of_contents(changed: Despatch) -> None:
    assert content_hash(changed) != content_hash(SAID)


@pytest.mark.parametrize(
    ("status", "despatched", "cancelled", "expected"),
    [
        ("DESPATCHED", 0, 0, 5),
        ("DESPATCHED", 4, 1, 4),
        ("DESPATCHED", 0, 2, 3),
        ("PART_DESPATCHED", 2, 0, 2),
        ("PART_DESPATCHED", 0, 0, 0),
        ("CANCELLED", 2, 3, 2),
        ("PACKED", 0, 0, 0),
    ],
)
def test_units_have_left_by_their_count_or_by_the_status_of_the_order(
    status: str, despatched: int, cancelled: int, expected: int
) -> None:
    assert units_gone(status, ordered=5, despatched=despatched, cancelled=cancelled) == expected


def test_units_are_awaited_that_left_and_that_no_message_named() -> None:
    assert units_awaited({1: 2, 2: 1, 3: 0}, {1: 1, 2: 1, 4: 9}) == {1: 1}
