"""Whether the connection does what it promises, area by area, in sentences.

Pure functions of what was measured. Does not belong here: measuring (`workflows.upkeep.health`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from centra_whistl_dagster.domain.london import LONDON


class Condition(StrEnum):
    """How an area is, the worst first."""

    BAD = "not working"
    WARNING = "needs attention"
    GOOD = "well"


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """One area: orders, despatches, stock, alerts, history, access."""

    name: str
    condition: Condition
    sentence: str
    """What is so, or what is wrong and who sees to it."""
    facts: tuple[tuple[str, str], ...] = ()
    """Names and figures, as people read them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is not as it should be."""

    condition: Condition
    sentence: str


def area(
    name: str,
    findings: Iterable[Finding | None],
    *,
    well: str,
    facts: Sequence[tuple[str, str]] = (),
) -> Area:
    """Return an area: as bad as the worst of what was found, or well where nothing was."""
    found = sorted(
        (each for each in findings if each is not None),
        key=lambda each: list(Condition).index(each.condition),
    )
    return Area(
        name=name,
        condition=found[0].condition if found else Condition.GOOD,
        sentence=" ".join(each.sentence for each in found) or well,
        facts=tuple(facts),
    )


def in_one_sentence(areas: Sequence[Area]) -> str:
    """Say whether all is well."""
    broken = [each.name.lower() for each in areas if each.condition is Condition.BAD]
    weak = [each.name.lower() for each in areas if each.condition is Condition.WARNING]
    if not broken and not weak:
        return "All is well."
    parts = []
    if broken:
        parts.append(f"Not working: {', '.join(broken)}")
    if weak:
        parts.append(f"needs attention: {', '.join(weak)}")
    sentence = "; ".join(parts)
    return f"{sentence[0].upper()}{sentence[1:]}."


def worst(areas: Iterable[Area]) -> Condition:
    """Return how the worst area is."""
    return min((each.condition for each in areas), key=list(Condition).index)


def late(
    what: str,
    never: str,
    last: datetime | None,
    now: datetime,
    *,
    warn: timedelta,
    fail: timedelta,
    who: str,
) -> Finding | None:
    """Say that something has not succeeded for longer than was promised; None while it has.

    Args:
        what: begins the sentence, such as "Centra was last read for new orders".
        never: the sentence where it never succeeded, without its full stop.
        last: its last success; None if there never was one.
        now: the current time.
        warn: from this age on it needs attention.
        fail: from this age on it does not work.
        who: sees to it.
    """
    if last is None:
        return Finding(condition=Condition.WARNING, sentence=f"{never}. {who} sees to it.")
    age = now - last
    if age < warn:
        return None
    return Finding(
        condition=Condition.BAD if age >= fail else Condition.WARNING,
        sentence=f"{what} {in_minutes(age)} ago. {who} sees to it.",
    )


_TOKEN_WARNS = timedelta(days=7)


def token_expiry(expires: date | None, today: date) -> Finding | None:
    """Say that Centra's token expires soon, or has expired."""
    if expires is None or expires - today > _TOKEN_WARNS:
        return None
    if expires <= today:
        return Finding(
            condition=Condition.BAD,
            sentence=f"Centra's token expired on {expires:%d %B}. The data team renews it.",
        )
    return Finding(
        condition=Condition.WARNING,
        sentence=(
            f"Centra's token expires on {expires:%d %B}. The data team renews it before that."
        ),
    )


def too_many(count: int, sentence: str, *, is_bad: bool = False) -> Finding | None:
    """Return a finding where there is any of something that there should be none of."""
    if not count:
        return None
    return Finding(condition=Condition.BAD if is_bad else Condition.WARNING, sentence=sentence)


def slow(now: datetime, since: datetime | None, longest: timedelta, what: str) -> Finding | None:
    """Say that something has waited longer than it should; `what` completes "to be …"."""
    if since is None or now - since <= longest:
        return None
    return Finding(
        condition=Condition.WARNING,
        sentence=(
            f"The longest wait to be {what} is {in_minutes(now - since)}. Fulfilment and the data "
            "team check why."
        ),
    )


def in_minutes(length: timedelta) -> str:
    """Return a length of time in minutes."""
    minutes = max(0, round(length.total_seconds() / 60))
    return "1 minute" if minutes == 1 else f"{minutes:,} minutes"


def clock(at: datetime | None) -> str:
    """Return a moment in London time; `never` for none."""
    return "never" if at is None else f"{at.astimezone(LONDON):%H:%M:%S, %d %b}"


def in_line(count: int, since: datetime | None, now: datetime) -> str:
    """Return how many wait, and how long the longest of them has."""
    if since is None:
        return "none"
    seconds = max(0.0, (now - since).total_seconds())
    length = f"{seconds:.0f} s" if seconds < 120 else in_minutes(now - since)
    return f"{count:,}, the longest for {length}"


def measured(count: int, p50: float, p95: float, percent: int, seconds: int) -> str:
    """Return how fast things went, beside the target."""
    target = f"target: {percent} of 100 within {seconds} s"
    if not count:
        return f"none ({target})"
    return f"{count:,}; half within {p50:,.0f} s, 95 of 100 within {p95:,.0f} s ({target})"
