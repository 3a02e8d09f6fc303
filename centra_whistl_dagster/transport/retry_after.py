"""How long an answer asks us to wait, in each of the forms that a `Retry-After` header comes in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from math import isfinite

LONGEST_SECONDS = 3600.0
"""No header may keep us silent for longer: 86,400 has been sent by mistake before."""

_FIRST_UNIX_TIME = 1_000_000_000
"""A number above it is a moment, counted in seconds since 1970, not a wait of thirty years."""
_MOST_CLOCK_DIFFERENCE = timedelta(days=1)


def seconds_to_wait(header: str, now: datetime, date_header: str = "") -> float | None:
    """Return the seconds that a header asks for, at most `LONGEST_SECONDS`.

    HTTP knows seconds and a date (RFC 9110, section 10.2.3). Centra documents "the timestamp of
    when you can resume" without its form, so a Unix time and ISO 8601 are understood too. A date
    without a zone is UTC.

    Args:
        header: the value of `Retry-After`.
        now: the time here.
        date_header: the `Date` of the same answer. A moment is one of the other system's clock, so
            the wait is counted from there, unless that clock is more than a day off.

    Returns:
        None where the header is blank, in none of these forms, or about the past.
    """
    shown = _aware(_moment(date_header))
    if shown is not None and abs(shown - now) <= _MOST_CLOCK_DIFFERENCE:
        now = shown
    seconds = _seconds(header.strip(), now)
    if seconds is None or not isfinite(seconds) or seconds <= 0:
        return None
    return min(seconds, LONGEST_SECONDS)


def _seconds(header: str, now: datetime) -> float | None:
    try:
        number = float(header)
    except ValueError:
        at = _aware(_moment(header))
        return None if at is None else (at - now).total_seconds()
    return number - now.timestamp() if number > _FIRST_UNIX_TIME else number


def _aware(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at


def _moment(header: str) -> datetime | None:
    for parse in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            return parse(header)
        except (ValueError, OverflowError):  # a year of eleven digits
            continue
    return None
