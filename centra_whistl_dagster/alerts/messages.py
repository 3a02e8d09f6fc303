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

from centra_whistl_dagster.alerts import rules
from centra_whistl_dagster.alerts.endings import endings_of
from centra_whistl_dagster.alerts.links import NO_LINKS, Links
from centra_whistl_dagster.alerts.rules import Condition, Group, News, Standing
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, SubjectType
from centra_whistl_dagster.domain.exceptions.responsibilities import Responsibility, Severity
from centra_whistl_dagster.domain.exceptions.stakes import Stake
from centra_whistl_dagster.domain.london import LONDON

SHOWN = 20
"""Subjects or orders that are listed; the rest are counted."""
FAULTS_SHOWN = 6
"""Of one order or SKU."""
LINKS_SHOWN = 5
"""Of orders in Centra: more would hide the rest of the alert."""
TITLE_CHARACTERS = 120
LINE_CHARACTERS = 300
INSTRUCTIONS_CHARACTERS = 1_500
"""Half an instruction would be worse than none; the configuration is reviewed, and no shop's text.
"""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is sent."""

    severity: str
    """What a channel may show in colour: failure, warning, info or success."""
    title: str
    body: str


def of_exceptions(
    group: Group,
    responsibilities: Mapping[ExceptionKind, Responsibility],
    stake: Stake,
    links: Links = NO_LINKS,
) -> Message:
    """Describe one cause: what is wrong, which orders it affects, what to do, by when, its end.

    Args:
        group: the exceptions.
        responsibilities: of every kind among them.
        stake: the orders that depend on it.
        links: the pages to link to.
    """
    titles = {kind: responsibilities[kind].title for kind in map(ExceptionKind, group.kinds)}
    parts = [_what_is_wrong(group, stake)]
    if group.news is News.RESOLVED:
        parts = ["Resolved:", *parts, NO_ACTION]
    else:
        parts += _orders_affected(stake, group)
        for kind, title in titles.items():
            about = f" ({title})" if len(titles) > 1 else ""
            parts.append(f"What to do{about}: {_instructions(responsibilities[kind])}")
        parts.append("\n".join(_where_it_is(group, stake, links)))
        parts.append("\n".join([_time_limit(group), *endings_of(titles)]))
    return Message(
        severity=_severity(group),
        title=_title(group, titles[ExceptionKind(group.kind)], stake),
        body="\n\n".join(parts),
    )


def _instructions(responsibility: Responsibility) -> str:
    return one_line(responsibility.instructions, INSTRUCTIONS_CHARACTERS)


def of_reminder(
    owner: str,
    standings: Sequence[Standing],
    titles: Mapping[ExceptionKind, str],
    red: Sequence[str],
    now: datetime,
    links: Links = NO_LINKS,
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
        at = links.worklist(owner) or f"`centra-whistl exceptions --owner {owner}`"
        pointer = f"All of them, with what to do: {at}"
        parts.append(f"{overdue} past their time limit. {pointer}")
    if red:
        parts.append("Dagster's web page shows the details of what is failing.")
    title = f"Still open: {counted.total() + len(red)} for {owner}"
    return Message(severity="warning", title=one_line(title), body="\n\n".join(parts))


def of_conditions(news: News, conditions: Sequence[Condition], links: Links = NO_LINKS) -> Message:
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
    if links.health:
        body += f" The desk shows whether the connection is healthy: {links.health}"
    severity = rules.highest(condition.severity for condition in conditions)
    return Message(
        severity=_colour(severity),
        title=one_line(f"Failing, {severity}: {what}", TITLE_CHARACTERS),
        body=body,
    )


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


def _title(group: Group, about: str, stake: Stake) -> str:
    # One order can have two faults of a kind, in two of its fields.
    first, count = group.standings[0], len({standing.subject for standing in group.standings})
    singular, plural = NOUNS[SubjectType(first.subject_type)]
    what = f"{singular} {first.subject}" if count == 1 else f"{count} {plural}"
    is_about_orders = first.subject_type == SubjectType.ORDER
    waiting = ""
    if stake.blocked and not is_about_orders and group.news is not News.RESOLVED:
        waiting = f" ({_orders(stake.blocked)} {_wait(stake.blocked)})"
    title = f"{_opening(group)}: {about}: {what}{waiting}"
    return one_line(title, TITLE_CHARACTERS)


def _opening(group: Group) -> str:
    if group.news is News.RESOLVED:
        return "Resolved"
    severity = str(group.severity)
    return f"Overdue, {severity}" if group.news is News.ESCALATED else severity.capitalize()


def _what_is_wrong(group: Group, stake: Stake) -> str:
    subjects: dict[tuple[str, str], list[str]] = {}
    for standing in _by_age(group.standings):
        messages = subjects.setdefault((standing.subject_type, standing.subject), [])
        if standing.message not in messages:
            messages.append(standing.message)
    named = list(subjects.items())[:SHOWN]
    lines = [_line(*subject, messages, stake) for subject, messages in named]
    if len(subjects) > 1:
        lines = [f"- {line}" for line in lines]
    if more := len(subjects) - len(named):
        lines.append(f"… and {more} more: `centra-whistl exceptions --owner {group.owner}`.")
    return "\n".join(lines)


def _line(subject_type: str, subject: str, messages: Sequence[str], stake: Stake) -> str:
    noun, _ = NOUNS[SubjectType(subject_type)]
    if subject_type == SubjectType.ORDER and subject.isdecimal():
        subject = _both_numbers(int(subject), stake)
    said = " ".join(map(one_line, messages[:FAULTS_SHOWN]))
    if len(messages) > FAULTS_SHOWN:
        said += f" … and {len(messages) - FAULTS_SHOWN} more faults."
    return f"{noun[0].upper()}{noun[1:]} {one_line(subject)}: {said}"


def _orders_affected(stake: Stake, group: Group) -> Iterable[str]:
    numbers = stake.order_numbers
    if numbers:
        does = f"{_wait(len(numbers))} for it" if stake.blocked else _are_affected(len(numbers))
        yield f"{_orders(len(numbers))} {does}, worth {stake.value_in_words}."
    about = group.standings[0].subject_type
    if about == SubjectType.ORDER:
        return
    # An order that a despatch is about may be finished by now; people call Whistl about it still.
    named = tuple(stake.whistl_numbers) if about == SubjectType.DESPATCH else numbers
    if named:
        more = f" and {len(named) - SHOWN:,} more" if len(named) > SHOWN else ""
        shown = ", ".join(_both_numbers(number, stake) for number in named[:SHOWN])
        yield f"{'Order' if len(named) == 1 else 'Orders'}: {shown}{more}."


def _both_numbers(number: int, stake: Stake) -> str:
    """Return Centra's number of an order with Whistl's, by which the warehouse knows it."""
    at_whistl = stake.whistl_numbers.get(number)
    return f"{number} (Whistl {at_whistl})" if at_whistl else str(number)


def _where_it_is(group: Group, stake: Stake, links: Links) -> Iterable[str]:
    """Name the exceptions by the numbers that close them, and the pages that show them."""
    ids = sorted(standing.exception_id for standing in group.standings)
    if len(ids) == 1:
        page = links.exception(ids[0])
        yield f"Exception {ids[0]}{f': {page}' if page else ''}"
    else:
        page = links.worklist(group.owner, group.kind if len(group.kinds) == 1 else "")
        more = f" and {len(ids) - SHOWN:,} more" if len(ids) > SHOWN else ""
        numbers = ", ".join(map(str, ids[:SHOWN]))
        yield f"Exceptions {numbers}{more}{f': {page}' if page else ''}"
    if links.centra_order:
        for number in list(stake.whistl_numbers)[:LINKS_SHOWN]:
            yield f"Order {number} in Centra: {links.order(number)}"


def _time_limit(group: Group) -> str:
    earliest = min(standing.due_at for standing in group.standings)
    limit = "Time limit was" if group.news is News.ESCALATED else "Time limit:"
    return f"{limit} {clock_time(earliest)}."


def _severity(group: Group) -> str:
    if group.news is News.RESOLVED:
        return "success"
    return "failure" if group.news is News.ESCALATED else _colour(group.severity)


def _colour(severity: Severity) -> str:
    return "failure" if severity is Severity.URGENT else "warning"


def _by_age(standings: Iterable[Standing]) -> list[Standing]:
    return sorted(standings, key=lambda standing: (standing.opened_at, standing.exception_id))


def _orders(count: int) -> str:
    return "1 order" if count == 1 else f"{count:,} orders"


def _wait(count: int) -> str:
    return "waits" if count == 1 else "wait"


def _are_affected(count: int) -> str:
    return "is affected" if count == 1 else "are affected"
