"""How Whistl writes moments: RFC 3339, UTC, with microseconds."""

from __future__ import annotations

from datetime import UTC, datetime


def spelled(moment: datetime) -> str:
    """Write an aware moment."""
    text = moment.astimezone(UTC).isoformat(timespec="microseconds")
    return text.replace("+00:00", "Z")


def read(text: str) -> datetime:
    """Read an aware moment. Raises ValueError for anything else."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} names no time zone")
    return moment
