"""The text of an alert: plain English, plain text, a short title.

No personal data beyond order numbers comes in: values are masked before they are stored. Does not
belong here: what is reported and when (`rules`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from centra_whistl_dagster.alerts.rules import Condition, Group, News, Standing
from centra_whistl_dagster.domain.exceptions.endings import ENDS, Ending
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, SubjectType
from centra_whistl_dagster.domain.exceptions.responsibilities import Responsibility, Severity
from centra_whistl_dagster.domain.exceptions.stakes import Stake
from centra_whistl_dagster.domain.london import LONDON

SHOWN = 20
"""Subjects or orders that are listed; the rest are counted."""
FAULTS_SHOWN = 6
"""Of one order or SKU."""
TITLE_CHARACTERS = 120
LINE_CHARACTERS = 300

NOUNS = {
    SubjectType.ORDER: ("order", "orders"),
    SubjectType.SKU: ("SKU", "SKUs"),
    SubjectType.SHIPPING_OPTION: ("shipping option", "shipping options"),
    SubjectType.DESPATCH: ("despatch", "despatches"),
    SubjectType.SNAPSHOT: ("stock feed", "stock feeds"),
    SubjectType.CONNECTION: ("connection", "connections"),
    SubjectType.STEP: ("step", "steps"),
}

NO_ACTION = "No action is needed."
_ENDINGS = {
    Ending.SENDS_AND_CLOSES: (
        "Once it is corrected, waiting orders are sent automatically. The exception closes then, "
        "or when the order is cancelled."
    ),
    Ending.CLOSES: "The exception closes automatically when {when}.",
    Ending.NEEDS_A_PERSON: (
        "Nothing happens automatically: somebody has to do this. It closes when {when}."
    ),
    Ending.NOTHING_WAITS: "No order waits for this.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is sent."""

    severity: str
    """What a channel may show in colour: failure, warning, info or success."""
    title: str
    body: str


def of_exceptions(
    group: Group,
    responsibility: Responsibility,
    stake: Stake,
    *,
    others: Sequence[Responsibility] = (),
) -> Message:
    """Describe one cause: what is wrong, which orders it affects, what to do, by when.

    Args:
        group: the exceptions.
        responsibility: of the kind that gives the alert its title.
        stake: the orders that depend on it.
        others: of the other kinds among the exceptions.
    """
    parts = [_what_is_wrong(group)]
    if group.news is News.RESOLVED:
        parts = ["Resolved:", *parts, NO_ACTION]
    else:
        parts += _orders_affected(stake, group)
        for each in (responsibility, *others):
            about = f" ({each.title})" if others else ""
            parts.append(f"What to do{about}: {one_line(each.instructions)}")
        parts.append(f"{_time_limit(group)} {_ending(ExceptionKind(group.kind))}")
    return Message(
        severity=_severity(group),
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
    """List what an owner still has open this morning, by kind, and what still fails."""
    counted = Counter(standing.kind for standing in standings)
    oldest = {standing.kind: standing.opened_at for standing in reversed(_by_age(standings))}
    lines = [
        f"- {one_line(titles[ExceptionKind(kind)])}: {count}, the oldest since "
        f"{clock_time(oldest[kind])}"
        for kind, count in counted.most_common()
    ]
    lines += [f"- still failing: {one_line(title)}" for title in red]
    overdue = sum(standing.due_at <= now for standing in standings)
    parts = ["\n".join(lines)]
    if standings:
        pointer = f"`centra-whistl exceptions --owner {owner}` lists them with what to do."
        parts.append(f"{overdue} past their time limit. {pointer}")
    if red:
        parts.append("Dagster's web page shows the details of what is failing.")
    title = f"Still open: {counted.total() + len(red)} for {owner}"
    return Message(severity="warning", title=one_line(title), body="\n\n".join(parts))


def of_conditions(news: News, conditions: Sequence[Condition]) -> Message:
    """Report that checks, jobs or sensors fail, or have recovered."""
    what = conditions[0].title if len(conditions) == 1 else _kinds(conditions)
    if news is News.TURNED_GREEN:
        titles = "\n".join(f"- {one_line(condition.title)}" for condition in conditions)
        return Message(
            severity="success",
            title=one_line(f"Resolved: {what}", TITLE_CHARACTERS),
            body=f"{titles}\n\n{NO_ACTION}",
        )
    body = "\n\n".join(map(_failing, conditions))
    body += "\n\nDagster's web page shows the details."
    return Message(
        severity="failure", title=one_line(f"Failing: {what}", TITLE_CHARACTERS), body=body
    )


def _ending(kind: ExceptionKind) -> str:
    end = ENDS[kind]
    return _ENDINGS[end.ending].format(when=end.when)


def _failing(condition: Condition) -> str:
    lines = [condition.title, *condition.detail.splitlines()]
    return "\n".join(one_line(line) for line in lines if line.strip())


def _kinds(conditions: Sequence[Condition]) -> str:
    counted = Counter(condition.name.partition(" ")[0] for condition in conditions)
    return ", ".join(
        f"{count} {kind}{'' if count == 1 else 's'}" for kind, count in counted.items()
    )


def one_line(text: str, characters: int = LINE_CHARACTERS) -> str:
    """Return text as one line without control characters, cut with an ellipsis where too long.

    A line feed in a shop's text would otherwise begin a mail header.
    """
    flat = re.sub(r"\s+", " ", "".join(c if c.isprintable() else " " for c in text)).strip()
    return flat if len(flat) <= characters else f"{flat[: characters - 1]}…"


def clock_time(moment: datetime) -> str:
    """Return a moment in London time, such as `09:30 on 01 Jun London time`."""
    return f"{moment.astimezone(LONDON):%H:%M on %d %b} London time"


def _title(group: Group, responsibility: Responsibility, stake: Stake) -> str:
    # One order can have two faults of a kind, in two of its fields.
    first, count = group.standings[0], len({standing.subject for standing in group.standings})
    singular, plural = NOUNS[SubjectType(first.subject_type)]
    what = f"{singular} {first.subject}" if count == 1 else f"{count} {plural}"
    is_about_orders = first.subject_type == SubjectType.ORDER
    waiting = ""
    if stake.blocked and not is_about_orders and group.news is not News.RESOLVED:
        waiting = f" ({_orders(stake.blocked)} {_wait(stake.blocked)})"
    title = f"{_opening(group)}: {responsibility.title}: {what}{waiting}"
    return one_line(title, TITLE_CHARACTERS)


def _opening(group: Group) -> str:
    if group.news is News.RESOLVED:
        return "Resolved"
    severity = str(group.severity)
    return f"Overdue, {severity}" if group.news is News.ESCALATED else severity.capitalize()


def _what_is_wrong(group: Group) -> str:
    subjects: dict[tuple[str, str], list[str]] = {}
    for standing in _by_age(group.standings):
        messages = subjects.setdefault((standing.subject_type, standing.subject), [])
        if standing.message not in messages:
            messages.append(standing.message)
    named = list(subjects.items())[:SHOWN]
    lines = [_line(*subject, messages) for subject, messages in named]
    if len(subjects) > 1:
        lines = [f"- {line}" for line in lines]
    if more := len(subjects) - len(named):
        lines.append(f"… and {more} more: `centra-whistl exceptions --owner {group.owner}`.")
    return "\n".join(lines)


def _line(subject_type: str, subject: str, messages: Sequence[str]) -> str:
    noun, _ = NOUNS[SubjectType(subject_type)]
    said = " ".join(map(one_line, messages[:FAULTS_SHOWN]))
    if len(messages) > FAULTS_SHOWN:
        said += f" … and {len(messages) - FAULTS_SHOWN} more faults."
    return f"{noun[0].upper()}{noun[1:]} {one_line(subject)}: {said}"


def _orders_affected(stake: Stake, group: Group) -> Iterable[str]:
    numbers = stake.order_numbers
    if not numbers:
        return
    does = f"{_wait(len(numbers))} for it" if stake.blocked else _are_affected(len(numbers))
    yield f"{_orders(len(numbers))} {does}, worth {stake.value_in_words}."
    if group.standings[0].subject_type != SubjectType.ORDER:
        more = f" and {len(numbers) - SHOWN} more" if len(numbers) > SHOWN else ""
        yield f"Orders: {', '.join(map(str, numbers[:SHOWN]))}{more}."


def _time_limit(group: Group) -> str:
    earliest = min(standing.due_at for standing in group.standings)
    limit = "Time limit was" if group.news is News.ESCALATED else "Time limit:"
    return f"{limit} {clock_time(earliest)}."


def _severity(group: Group) -> str:
    if group.news is News.RESOLVED:
        return "success"
    is_bad = group.news is News.ESCALATED or group.severity is Severity.URGENT
    return "failure" if is_bad else "warning"


def _by_age(standings: Iterable[Standing]) -> list[Standing]:
    return sorted(standings, key=lambda standing: (standing.opened_at, standing.exception_id))


def _orders(count: int) -> str:
    return "1 order" if count == 1 else f"{count:,} orders"


def _wait(count: int) -> str:
    return "waits" if count == 1 else "wait"


def _are_affected(count: int) -> str:
    return "is affected" if count == 1 else "are affected"
