"""How an alert reads: plain English, plain text, a short title.

Belongs here: wording and length. Does not belong here: what is told (`rules`). No personal data
beyond order numbers comes in: values are masked before they reach the register.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from centra_whistl_dagster.alerts.rules import Condition, Group, News, Standing
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, SubjectType
from centra_whistl_dagster.domain.exceptions.responsibilities import Responsibility, Severity
from centra_whistl_dagster.domain.exceptions.stakes import Stake
from centra_whistl_dagster.domain.london import LONDON

SHOWN = 20
"""Subjects or orders that are named; of more, the number is told."""
TITLE_CHARACTERS = 120
LINE_CHARACTERS = 300

NOUNS = {
    SubjectType.ORDER: ("order", "orders"),
    SubjectType.SKU: ("SKU", "SKUs"),
    SubjectType.SHIPPING_OPTION: ("shipping option", "shipping options"),
    SubjectType.DESPATCH: ("despatch", "despatches"),
    SubjectType.SNAPSHOT: ("stock feed", "stock feeds"),
    SubjectType.CONNECTION: ("connection", "connections"),
}

OPENING_WORDS = {News.ESCALATED: "Overdue: ", News.RESOLVED: "Resolved: "}


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is sent."""

    tone: str
    """How a channel may colour it: failure, warning, info, success."""
    title: str
    body: str


def of_exceptions(group: Group, responsibility: Responsibility, stake: Stake) -> Message:
    """Tell of one cause: what is wrong, what hangs on it, what to do, by when."""
    parts = [_what_is_wrong(group)]
    if group.news is News.RESOLVED:
        parts = ["No longer so:", *parts, "Nothing is left to do."]
    else:
        parts += _stake_told(stake, group)
        parts.append(f"What to do: {one_line(responsibility.instructions)}")
        parts.append(_clock(group))
    return Message(
        tone=_tone(group),
        title=_title(group, responsibility, stake),
        body="\n\n".join(parts),
    )


def of_reminder(
    owner: str,
    standings: Sequence[Standing],
    titles: Mapping[ExceptionKind, str],
    red: Sequence[str],
    now: datetime,
) -> Message:
    """Tell an owner what is still open this morning, by kind, and what is still red."""
    counted = Counter(each.kind for each in standings)
    oldest = {each.kind: each.opened_at for each in reversed(_by_age(standings))}
    lines = [
        f"- {one_line(titles[ExceptionKind(kind)])}: {count}, the oldest since "
        f"{clock_time(oldest[kind])}"
        for kind, count in counted.most_common()
    ]
    lines += [f"- still red: {one_line(title)}" for title in red]
    overdue = sum(each.due_at <= now for each in standings)
    pointer = f"`centra-whistl exceptions --owner {owner}` lists each with what to do."
    parts = ["\n".join(lines), f"{overdue} past their time limit. {pointer}"]
    title = f"Still open: {counted.total() + len(red)} for {owner}"
    return Message(tone="warning", title=one_line(title), body="\n\n".join(parts))


def of_conditions(news: News, conditions: Sequence[Condition]) -> Message:
    """Tell that checks, jobs or sensors turned red, or have recovered."""
    what = conditions[0].title if len(conditions) == 1 else _kinds(conditions)
    if news is News.TURNED_GREEN:
        body = "\n".join(f"- {one_line(each.title)}" for each in conditions)
        title = one_line(f"Works again: {what}", TITLE_CHARACTERS)
        return Message(tone="success", title=title, body=f"{body}\n\nNothing is left to do.")
    body = "\n\n".join(_told_red(each) for each in conditions)
    body += "\n\nDagster's web page shows the rest."
    return Message(tone="failure", title=one_line(f"Red: {what}", TITLE_CHARACTERS), body=body)


def _told_red(condition: Condition) -> str:
    lines = [condition.title, *condition.detail.splitlines()]
    return "\n".join(one_line(line) for line in lines if line.strip())


def _kinds(conditions: Sequence[Condition]) -> str:
    counted = Counter(each.name.partition(" ")[0] for each in conditions)
    return ", ".join(
        f"{count} {kind}{'' if count == 1 else 's'}" for kind, count in counted.items()
    )


def one_line(text: str, characters: int = LINE_CHARACTERS) -> str:
    """Return text as one line without control characters, cut at a length with a sign that it was.

    A line feed in a shop's text would otherwise begin a mail header.
    """
    flat = re.sub(r"\s+", " ", "".join(c if c.isprintable() else " " for c in text)).strip()
    return flat if len(flat) <= characters else f"{flat[: characters - 1]}…"


def clock_time(moment: datetime) -> str:
    """Return a moment as people in the warehouse and the office read it."""
    return f"{moment.astimezone(LONDON):%H:%M on %d %b} London time"


def _title(group: Group, responsibility: Responsibility, stake: Stake) -> str:
    # One order can have two faults of a kind, in two of its fields.
    first, count = group.standings[0], len({each.subject for each in group.standings})
    singular, plural = NOUNS[SubjectType(first.subject_type)]
    what = f"{singular} {first.subject}" if count == 1 else f"{count} {plural}"
    is_about_orders = first.subject_type == SubjectType.ORDER
    waiting = ""
    if stake.blocked and not is_about_orders and group.news is not News.RESOLVED:
        waiting = f" ({_orders(stake.blocked)} {_wait(stake.blocked)})"
    urgent = group.severity is Severity.URGENT and group.news is News.OPENED
    opening = "Urgent: " if urgent else OPENING_WORDS.get(group.news, "")
    return one_line(f"{opening}{responsibility.title}: {what}{waiting}", TITLE_CHARACTERS)


def _what_is_wrong(group: Group) -> str:
    named = _by_age(group.standings)[:SHOWN]
    lines = [_line(each, is_alone=len(group.standings) == 1) for each in named]
    if more := len(group.standings) - len(named):
        lines.append(f"… and {more} more: `centra-whistl exceptions --owner {group.owner}`.")
    return "\n".join(lines)


def _line(each: Standing, *, is_alone: bool) -> str:
    singular, _ = NOUNS[SubjectType(each.subject_type)]
    told = one_line(f"{singular.capitalize()} {each.subject}: {each.message}")
    return told if is_alone else f"- {told}"


def _stake_told(stake: Stake, group: Group) -> Iterable[str]:
    numbers = stake.order_numbers
    if not numbers:
        return
    does = f"{_wait(len(numbers))} for it" if stake.blocked else _is_concerned(len(numbers))
    yield f"{_orders(len(numbers))} {does}, worth {stake.value_in_words}."
    if group.standings[0].subject_type != SubjectType.ORDER:
        more = f" and {len(numbers) - SHOWN} more" if len(numbers) > SHOWN else ""
        yield f"Orders: {', '.join(map(str, numbers[:SHOWN]))}{more}."


def _clock(group: Group) -> str:
    earliest = min(each.due_at for each in group.standings)
    limit = "Time limit was" if group.news is News.ESCALATED else "Time limit:"
    after = (
        ""
        if group.severity is Severity.WARNING
        else (" What is corrected goes by itself; nothing has to be done here.")
    )
    return f"{limit} {clock_time(earliest)}.{after}"


def _tone(group: Group) -> str:
    if group.news is News.RESOLVED:
        return "success"
    is_bad = group.news is News.ESCALATED or group.severity is Severity.URGENT
    return "failure" if is_bad else "warning"


def _by_age(standings: Iterable[Standing]) -> list[Standing]:
    return sorted(standings, key=lambda each: (each.opened_at, each.exception_id))


def _orders(count: int) -> str:
    return "1 order" if count == 1 else f"{count:,} orders"


def _wait(count: int) -> str:
    return "waits" if count == 1 else "wait"


def _is_concerned(count: int) -> str:
    return "is concerned" if count == 1 else "are concerned"
