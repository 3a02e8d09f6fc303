"""When an area is well, needs attention or does not work."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from centra_whistl_dagster.domain.health import (
    Area,
    Condition,
    area,
    in_line,
    in_one_sentence,
    late,
    slow,
    token_expiry,
    too_many,
    worst,
)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("age", "condition"),
    [
        (timedelta(0), None),
        (2 * MINUTE - timedelta(seconds=1), None),
        (2 * MINUTE, Condition.WARNING),
        (10 * MINUTE, Condition.BAD),
    ],
)
def test_an_age_is_judged_by_what_was_promised(age: timedelta, condition: Condition | None) -> None:
    found = late(
        "It ran", "It never ran", NOW - age, NOW, warn=2 * MINUTE, fail=10 * MINUTE, who="Ann"
    )

    assert (found.condition if found else None) is condition


def test_what_never_succeeded_needs_attention() -> None:
    found = late("It ran", "It never ran", None, NOW, warn=MINUTE, fail=MINUTE, who="Ann")

    assert found is not None
    assert found.condition is Condition.WARNING
    assert found.sentence == "It never ran. Ann sees to it."


def test_an_area_is_as_bad_as_the_worst_of_it_which_is_said_first() -> None:
    weak, bad = too_many(1, "Weak."), too_many(1, "Bad.", is_bad=True)

    found = area("Orders", [weak, None, bad], well="Fine.")

    assert (found.condition, found.sentence) == (Condition.BAD, "Bad. Weak.")
    assert area("Orders", [None, too_many(0, "")], well="Fine.").sentence == "Fine."


def an_area(name: str, condition: Condition) -> Area:
    return Area(name=name, condition=condition, sentence="")


def test_one_sentence_says_whether_all_is_well() -> None:
    good = an_area("Orders", Condition.GOOD)
    weak, bad = an_area("Stock", Condition.WARNING), an_area("Alerts", Condition.BAD)

    assert in_one_sentence([good, good]) == "All is well."
    assert in_one_sentence([good, weak]) == "Needs attention: stock."
    assert in_one_sentence([bad, weak]) == "Not working: alerts; needs attention: stock."
    assert worst([good, weak]) is Condition.WARNING
    assert worst([weak, bad, good]) is Condition.BAD


@pytest.mark.parametrize(
    ("days", "condition"),
    [(-1, Condition.BAD), (0, Condition.BAD), (7, Condition.WARNING), (8, None)],
)
def test_a_token_warns_a_week_before_it_expires(days: int, condition: Condition | None) -> None:
    today = date(2026, 11, 24)

    found = token_expiry(today + timedelta(days=days), today)

    assert (found.condition if found else None) is condition
    assert token_expiry(None, today) is None


def test_a_wait_is_told_with_its_length() -> None:
    assert slow(NOW, NOW - 5 * MINUTE, 5 * MINUTE, "sent") is None
    found = slow(NOW, NOW - 6 * MINUTE, 5 * MINUTE, "sent")
    assert found is not None
    assert "The longest wait to be sent is 6 minutes." in found.sentence
    assert in_line(3, NOW - 90 * timedelta(seconds=1), NOW) == "3, the longest for 90 s"
    assert in_line(0, None, NOW) == "none"
