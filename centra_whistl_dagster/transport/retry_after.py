"""How long an answer asks us to wait, in each of the forms that a `Retry-After` header comes in."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_SECONDS = 3600.0
"""No header may keep us silent for longer: 86,400 has been sent by mistake before."""

_FIRST_UNIX_TIME = 1_000_000_000
"""A number above it is a moment, counted in seconds since 1970, not a wait of thirty years."""


def seconds_to_wait(header: str, now: datetime) -> float | None:
    """Return the seconds that a header asks for, at most `LONGEST_SECONDS`.

    HTTP knows seconds and a date (RFC 9110, section 10.2.3). Centra documents "the timestamp of
    when you can resume" without its form, so a Unix time and ISO 8601 are understood too. A date
    without a zone is UTC.

    Returns:
        None where the header is blank, in none of these forms, or about the past.
    """
    seconds = _seconds(header.strip(), now)
    if seconds is None or not seconds > 0:
        return None
    return min(seconds, LONGEST_SECONDS)


def _seconds(header: str, now: datetime) -> float | None:
    try:
        number = float(header)
    except ValueError:
        at = _moment(header)
        if at is None:
            return None
        aware = at if at.tzinfo else at.replace(tzinfo=UTC)
        return (aware - now).total_seconds()
    return number - now.timestamp() if number > _FIRST_UNIX_TIME else number


def _moment(header: str) -> datetime | None:
    for parse in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            return parse(header)
        except ValueError:
            continue
    return None
