"""Which changes deserve a message, what goes into one, and when somebody is told again.

Belongs here: decisions, as pure functions of what is and what was told. Does not belong here:
wording (`messages`), or remembering (`ledger.alerts`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from enum import StrEnum

from centra_whistl_dagster.domain.exceptions.responsibilities import Severity
from centra_whistl_dagster.domain.london import LONDON

REMINDER_AT = time(8)
"""London time: when people who mend things begin their day."""
REMINDED_AFTER = timedelta(hours=12)
"""What was opened later than this before the reminder was told lately enough."""

WARNING_LASTS = timedelta(minutes=10)
"""A warning that goes away sooner by itself, as advice on an order that is sent, tells nobody."""
GREEN_LASTS = timedelta(minutes=3)
"""A check that judges each batch turns red and green with every other one."""


class News(StrEnum):
    """What an alert tells."""

    OPENED = "opened"
    ESCALATED = "escalated"  # past its time limit
    RESOLVED = "resolved"
    REMINDER = "reminder"  # of the day, of what is still open
    TURNED_RED = "turned_red"
    TURNED_GREEN = "turned_green"


class Told(StrEnum):
    """What has been told of an exception so far."""

    NOTHING = "nothing"
    OPENED = "opened"
    ESCALATED = "escalated"
    CLOSED = "closed"  # its end was told, or nobody had heard of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One exception, as the rules and the wording see it."""

    exception_id: int
    kind: str
    owner: str
    severity: Severity
    subject_type: str
    subject: str
    message: str
    opened_at: datetime
    due_at: datetime
    resolved_at: datetime | None
    told: Told


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Exceptions that one alert tells of: the same news, of one kind, for one owner."""

    news: News
    kind: str
    owner: str
    standings: tuple[Standing, ...]

    @property
    def cause(self) -> str:
        """Name it for the outbox."""
        return cause_of(self.news, self.kind, self.owner)

    @property
    def severity(self) -> Severity:
        """How bad the worst of them is."""
        return min((each.severity for each in self.standings), key=list(Severity).index)


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What a look at the register leads to."""

    groups: tuple[Group, ...]
    passed: tuple[int, ...]
    """Exceptions that came and went before anybody was told."""


def cause_of(news: News, kind: str, owner: str) -> str:
    """Name what belongs together."""
    return f"{news}/{kind}/{owner}"


def decide(
    standings: Iterable[Standing], last_told: Mapping[str, datetime], now: datetime
) -> Round:
    """Decide who is told what in this round.

    A cause that was just told of waits out a pause, so that a flood of one cause makes an alert
    now and then, each with its count, instead of one for each order.

    Args:
        standings: exceptions of which something may not have been told.
        last_told: by cause, when an alert was last written.
        now: the moment.
    """
    grouped: dict[tuple[News, str, str], list[Standing]] = defaultdict(list)
    passed = []
    for each in standings:
        if each.told is Told.NOTHING and each.resolved_at is not None:
            passed.append(each.exception_id)
        elif (news := _news_of(each, now)) is not None:
            grouped[(news, each.kind, each.owner)].append(each)
    groups = [
        Group(news=news, kind=kind, owner=owner, standings=tuple(members))
        for (news, kind, owner), members in grouped.items()
    ]
    due = [group for group in groups if not _is_in_pause(group, last_told, now)]
    return Round(groups=tuple(due), passed=tuple(passed))


def told_after(news: News) -> Told:
    """Return what has been told of an exception once this has."""
    after = {News.OPENED: Told.OPENED, News.ESCALATED: Told.ESCALATED, News.RESOLVED: Told.CLOSED}
    return after[news]


def reminder_moment(now: datetime) -> datetime:
    """Return the last moment at which the day's reminder was due."""
    local = now.astimezone(LONDON)
    today = datetime.combine(local.date(), REMINDER_AT, tzinfo=LONDON)
    return today if local >= today else today - timedelta(days=1)


def _news_of(each: Standing, now: datetime) -> News | None:
    if each.resolved_at is not None:
        return News.RESOLVED
    if each.told is Told.NOTHING:
        is_fleeting = each.severity is Severity.WARNING and now - each.opened_at < WARNING_LASTS
        return None if is_fleeting else News.OPENED
    if each.told is Told.OPENED and each.due_at <= now:
        return News.ESCALATED
    return None


def _is_in_pause(group: Group, last_told: Mapping[str, datetime], now: datetime) -> bool:
    last = last_told.get(group.cause)
    return last is not None and now - last < _pause(group)


LONGEST_PAUSE = timedelta(hours=1)


def _pause(group: Group) -> timedelta:
    """Return how long a cause rests; short where an order waits and a minute is promised."""
    if group.severity is Severity.WARNING:
        return LONGEST_PAUSE
    is_bad_news = group.news in {News.OPENED, News.ESCALATED}
    return timedelta(seconds=20) if is_bad_news else timedelta(minutes=2)


# ---- checks, jobs and sensors


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What one check, job or sensor shows now."""

    name: str
    """Its identity, such as `check orders/screened every_address_…`."""
    title: str
    """What people read."""
    owner: str
    is_red: bool
    detail: str = ""
    """Why, in plain words; nothing personal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What was last told of a condition."""

    is_told_red: bool
    last_red_at: datetime
    owner: str


def turned(
    observed: Iterable[Condition], remembered: Mapping[str, Memory], now: datetime
) -> Sequence[tuple[News, Condition]]:
    """Return the conditions whose colour is news: red at once, green once it has lasted."""
    news = []
    for condition in observed:
        memory = remembered.get(condition.name)
        was_red = memory is not None and memory.is_told_red
        if condition.is_red and not was_red:
            news.append((News.TURNED_RED, condition))
        elif (
            memory and was_red and not condition.is_red and now - memory.last_red_at >= GREEN_LASTS
        ):
            # Who was told of the fault is told of its end.
            news.append((News.TURNED_GREEN, replace(condition, owner=memory.owner)))
    return news
