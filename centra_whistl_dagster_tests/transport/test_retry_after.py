"""A `Retry-After` header in each of its forms, and anything else that may stand there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from centra_whistl_dagster.transport.retry_after import LONGEST_SECONDS, seconds_to_wait

MOMENTS = st.datetimes(
    min_value=datetime(2020, 1, 1),  # noqa: DTZ001 - Hypothesis adds the zone
    max_value=datetime(2090, 1, 1),  # noqa: DTZ001 - as above
    timezones=st.just(UTC),
)
WAITS = st.integers(min_value=1, max_value=int(LONGEST_SECONDS))
FORMS: dict[str, Callable[[datetime], str]] = {
    "a Unix time": lambda at: str(int(at.timestamp())),
    "ISO 8601 with an offset": lambda at: at.isoformat(),
    "ISO 8601 with Z": lambda at: at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    "an HTTP date": lambda at: format_datetime(at, usegmt=True),
}


@given(now=MOMENTS, wait=WAITS)
def test_seconds_are_waited_as_they_are(now: datetime, wait: int) -> None:
    assert seconds_to_wait(str(wait), now) == wait


@pytest.mark.parametrize("spell", FORMS.values(), ids=FORMS)
@given(now=MOMENTS, wait=WAITS)
def test_a_moment_is_waited_for_however_it_is_spelled(
    spell: Callable[[datetime], str], now: datetime, wait: int
) -> None:
    now = now.replace(microsecond=0)

    assert seconds_to_wait(spell(now + timedelta(seconds=wait)), now) == wait


@pytest.mark.parametrize("spell", FORMS.values(), ids=FORMS)
@given(now=MOMENTS, wait=WAITS, behind=st.integers(min_value=-80_000, max_value=80_000))
def test_a_moment_is_one_of_the_clock_that_the_answer_shows(
    spell: Callable[[datetime], str], now: datetime, wait: int, behind: int
) -> None:
    theirs = now.replace(microsecond=0) - timedelta(seconds=behind)
    date_header = format_datetime(theirs, usegmt=True)

    assert seconds_to_wait(spell(theirs + timedelta(seconds=wait)), now, date_header) == wait


@given(now=MOMENTS, header=st.text(max_size=40), date_header=st.text(max_size=40))
def test_anything_at_all_gives_a_wait_within_bounds_or_none(
    now: datetime, header: str, date_header: str
) -> None:
    wait = seconds_to_wait(header, now, date_header)

    assert wait is None or 0 < wait <= LONGEST_SECONDS


NONSENSE = [
    *("", " ", "soon", "-5", "0", "nan", "inf", "-inf", "1e999", "12 apples"),
    *("Mon, 99 Foo 2026 00:00:00 GMT", "Mon, 02 Mar 99999999999 09:00:00 GMT", "2026-13-45"),
    *("Mon, 02 Mar 2026 09:00:00 +9999999999", "1583139630", "2020-03-02T09:00:30Z", "\0", "١٢:٣٠"),
]


@pytest.mark.parametrize("header", NONSENSE)
def test_nonsense_and_the_past_are_no_wait(header: str) -> None:
    assert seconds_to_wait(header, datetime(2026, 3, 2, 9, 0, tzinfo=UTC)) is None


@given(now=MOMENTS, seconds=st.floats(min_value=LONGEST_SECONDS, max_value=9e8))
def test_no_wait_is_longer_than_an_hour(now: datetime, seconds: float) -> None:
    assert seconds_to_wait(str(seconds), now) == LONGEST_SECONDS
    assert seconds_to_wait(str(now.timestamp() + seconds), now) == LONGEST_SECONDS
