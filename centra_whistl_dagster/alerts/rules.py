"""Which changes deserve an alert, what goes into one, and when an owner is alerted again.

Pure functions of what is and what was reported. Does not belong here: wording (`messages`), or what
was reported so far (`ledger.alerts`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from enum import StrEnum

from centra_whistl_dagster.domain.exceptions.problems import ADVICE, SubjectType
from centra_whistl_dagster.domain.exceptions.responsibilities import Severity
from centra_whistl_dagster.domain.london import LONDON

REMINDER_AT = time(8)
"""London time: when the owners begin their day."""
REMINDED_AFTER = timedelta(hours=12)
"""Exceptions opened less than this before the reminder are left out: their alert is recent."""

STILL_RED_FOR = timedelta(days=1)
"""A check that was not seen red for so long is gone: its asset or sensor has been removed."""

WARNING_LASTS = timedelta(minutes=10)
"""A warning that closes sooner alerts nobody."""
DELIVERED_WITHIN = timedelta(minutes=5)
"""An alert that no channel has accepted by then is late: an order may be waiting for its reader."""
GREEN_LASTS = timedelta(minutes=3)
"""A check that runs for each batch may fail and pass alternately."""


class News(StrEnum):
    """What an alert is about."""

    OPENED = "opened"
    ESCALATED = "escalated"  # past its time limit
    RESOLVED = "resolved"
    REMINDER = "reminder"  # the daily list of what is still open
    TURNED_RED = "turned_red"
    TURNED_GREEN = "turned_green"


class Told(StrEnum):
    """What has been reported of an exception so far."""

    NOTHING = "nothing"
    OPENED = "opened"
    ESCALATED = "escalated"
    CLOSED = "closed"  # its end was reported, or it had never been reported


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One exception, as the rules and the messages need it."""

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


def highest(severities: Iterable[Severity]) -> Severity:
    """Return the highest of some severities."""
    return min(severities, key=list(Severity).index)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Exceptions that share one alert: the same news, of one kind, for one owner.

    What else the same owner has to put right in the same order is among them.
    """

    news: News
    kind: str
    owner: str
    standings: tuple[Standing, ...]

    @property
    def cause(self) -> str:
        """The group's name in the outbox."""
        return cause_of(self.news, self.kind, self.owner)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Every kind among them, the leading one first."""
        return tuple(dict.fromkeys([self.kind, *(standing.kind for standing in self.standings)]))

    @property
    def severity(self) -> Severity:
        """The highest severity among them."""
        return highest(standing.severity for standing in self.standings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """The alerts that the open and closed exceptions call for now."""

    groups: tuple[Group, ...]
    passed: tuple[int, ...]
    """Ids of exceptions that closed before they were reported."""


def cause_of(news: News, kind: str, owner: str) -> str:
    """Return the name that alerts of the same news, kind and owner share."""
    return f"{news}/{kind}/{owner}"


def decide(
    standings: Iterable[Standing], last_told: Mapping[str, datetime], now: datetime
) -> Round:
    """Decide who is alerted to what now.

    A cause that was just alerted pauses, so that a flood of one cause makes an alert now and then,
    each with its count, instead of one for each order.

    Args:
        standings: exceptions of which something may not have been reported.
        last_told: by cause, when an alert was last written.
        now: the current time.
    """
    noted: list[tuple[News, Standing]] = []
    passed = []
    for standing in standings:
        if standing.told is Told.NOTHING and standing.resolved_at is not None:
            passed.append(standing.exception_id)
        elif (news := _news_of(standing, now)) is not None:
            noted.append((news, standing))
    leading = _leading_kinds(noted)
    grouped: dict[tuple[News, str, str], list[Standing]] = defaultdict(list)
    for news, standing in noted:
        kind = leading.get((news, standing.owner, standing.subject), standing.kind)
        grouped[(news, kind, standing.owner)].append(standing)
    groups = [
        Group(news=news, kind=kind, owner=owner, standings=tuple(members))
        for (news, kind, owner), members in grouped.items()
    ]
    due = [group for group in groups if not _is_in_pause(group, last_told, now)]
    return Round(groups=tuple(due), passed=tuple(passed))


def _leading_kinds(
    noted: Iterable[tuple[News, Standing]],
) -> Mapping[tuple[News, str, str], str]:
    """Return, by news, owner and order, the kind under which all its faults are reported.

    Four faults in the address lines of one order are one talk with the customer: one alert.
    """
    leading: dict[tuple[News, str, str], str] = {}
    by_rank = sorted(noted, key=lambda pair: list(Severity).index(pair[1].severity))
    for news, standing in by_rank:
        if standing.subject_type == SubjectType.ORDER:
            leading.setdefault((news, standing.owner, standing.subject), standing.kind)
    return leading


def told_after(news: News) -> Told:
    """Return what has been reported of an exception once this news has."""
    after = {News.OPENED: Told.OPENED, News.ESCALATED: Told.ESCALATED, News.RESOLVED: Told.CLOSED}
    return after[news]


def reminder_moment(now: datetime) -> datetime:
    """Return when the daily reminder was last due."""
    local = now.astimezone(LONDON)
    today = datetime.combine(local.date(), REMINDER_AT, tzinfo=LONDON)
    return today if local >= today else today - timedelta(days=1)


def _news_of(standing: Standing, now: datetime) -> News | None:
    if standing.resolved_at is not None:
        return News.RESOLVED
    if standing.told is Told.NOTHING:
        is_recent = now - standing.opened_at < WARNING_LASTS
        return None if standing.severity is Severity.WARNING and is_recent else News.OPENED
    # Advice asks nobody to act: at its time limit it ends.
    is_late = standing.due_at <= now and standing.kind not in ADVICE
    return News.ESCALATED if standing.told is Told.OPENED and is_late else None


def _is_in_pause(group: Group, last_told: Mapping[str, datetime], now: datetime) -> bool:
    last = last_told.get(group.cause)
    return last is not None and now - last < _pause(group)


LONGEST_PAUSE = timedelta(hours=1)


def _pause(group: Group) -> timedelta:
    """Return how long a cause pauses: briefly where an order waits, as a minute is promised."""
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
    """What that means, and why it fails, in plain words; nothing personal."""
    severity: Severity = Severity.URGENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What was last reported of a condition."""

    is_told_red: bool
    last_red_at: datetime
    owner: str


def turned(
    observed: Iterable[Condition], remembered: Mapping[str, Memory], now: datetime
) -> Sequence[tuple[News, Condition]]:
    """Return the conditions to report: red ones at once, green ones once they have stayed so."""
    news = []
    for condition in observed:
        memory = remembered.get(condition.name)
        was_red = memory is not None and memory.is_told_red
        if condition.is_red and not was_red:
            news.append((News.TURNED_RED, condition))
        elif (
            memory and was_red and not condition.is_red and now - memory.last_red_at >= GREEN_LASTS
        ):
            # Whoever was alerted to the fault is alerted to its end.
            news.append((News.TURNED_GREEN, replace(condition, owner=memory.owner)))
    return news
