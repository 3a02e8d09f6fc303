"""Centra's DateTimeTz: written in the instance's zone to the second, read as PHP's parser would.

A bare timestamp means the instance's zone, here Stockholm's as in Centra's own examples: a caller
that leaves the offset out is hours wrong, as it may be in life.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

INSTANCE_ZONE = ZoneInfo("Europe/Stockholm")

_RELATIVE = re.compile(r"([+-]?\d+) (second|minute|hour|day)s?")


ZERO_DATE = "0000-00-00 00:00:00"
"""What a PHP system may show for a time that was lost."""


def spelled(moment: datetime | str) -> str:
    """Write a moment in Centra's default format: ISO 8601 with an offset."""
    if isinstance(moment, str):
        return moment
    return moment.astimezone(INSTANCE_ZONE).isoformat(timespec="seconds")


def read_time(value: object, now: datetime) -> datetime:
    """Read what a caller sent as a moment, in UTC.

    Raises:
        TypeError: it is not text.
        ValueError: it is in no form that is understood here.
    """
    if not isinstance(value, str):
        raise TypeError(f"DateTimeTz cannot represent {value!r}")
    if value == "now":
        return now
    if relative := _RELATIVE.fullmatch(value):
        return now + timedelta(**{f"{relative[2]}s": int(relative[1])})
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=INSTANCE_ZONE)
    return moment.astimezone(UTC)


def is_within(moment: datetime, bounds: dict[str, datetime | None]) -> bool:
    """Return whether a moment lies in a DateRange, both ends included, compared to the second."""
    second = moment.replace(microsecond=0)
    start, end = bounds.get("from"), bounds.get("to")
    return (start is None or second >= start.replace(microsecond=0)) and (
        end is None or second <= end
    )
