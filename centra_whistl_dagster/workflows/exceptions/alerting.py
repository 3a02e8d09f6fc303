"""Put what owners must hear into the outbox: new, overdue and resolved exceptions, the reminder.

Belongs here: reading the register, and writing alerts together with the marks of what they tell.
Does not belong here: when to tell (`alerts.rules`), wording (`alerts.messages`), or sending
(`workflows.exceptions.delivery`): a dead channel must not keep this from being written down.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from centra_whistl_dagster.alerts import messages, rules
from centra_whistl_dagster.alerts.addresses import ESCALATION
from centra_whistl_dagster.alerts.messages import Message
from centra_whistl_dagster.alerts.rules import Group, News, Round, Standing, Told
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.exceptions.responsibilities import Severity
from centra_whistl_dagster.domain.exceptions.stakes import Stake, stake_of
from centra_whistl_dagster.ledger import alerts, exception_news
from centra_whistl_dagster.ledger.alerts import NewAlert
from centra_whistl_dagster.ledger.engine import Row, Transaction
from centra_whistl_dagster.workflows.link import Link


def tell_owners(link: Link) -> int:
    """Write the alerts that this round deserves; return how many.

    Where no address is set nothing is written, and nothing counts as told: the first round after
    one was set tells what is open then, not what has passed.
    """
    if not link.settings.alerts.are_there:
        return 0
    with link.ledger.reading() as tx:
        _, decided = _decide(tx, link.now())
    reminders = _reminders_due(link)
    if not decided.groups and not decided.passed and not reminders:
        return 0
    with link.ledger.transaction() as tx:
        return _tell_news(tx, link) + _remind(tx, link, reminders)


def _decide(tx: Transaction, now: datetime) -> tuple[Mapping[int, Row], Round]:
    rows = {row.id: row for row in exception_news.to_tell(tx, now)}
    last_told = alerts.last_told(tx, now - rules.LONGEST_PAUSE)
    return rows, rules.decide(map(_standing, rows.values()), last_told, now)


def _tell_news(tx: Transaction, link: Link) -> int:
    # Decided again: what was read outside this transaction may have been told or resolved since.
    rows, decided = _decide(tx, link.now())
    exception_news.set_told(tx, decided.passed, Told.CLOSED)
    return sum(_tell_group(tx, link, group, rows) for group in decided.groups)


def _tell_group(tx: Transaction, link: Link, group: Group, rows: Mapping[int, Row]) -> int:
    ids = [each.exception_id for each in group.standings]
    is_escalation = group.news is News.ESCALATED
    marks = {"escalated_at": link.now()} if is_escalation else {}
    exception_news.set_told(tx, ids, rules.told_after(group.news), **marks)
    responsibility = link.configuration.exception_kinds[ExceptionKind(group.kind)]
    stake = _stake(tx, [rows[each] for each in ids])
    message = messages.of_exceptions(group, responsibility, stake)
    channels = [responsibility.channel]
    if is_escalation and link.settings.alerts.has(ESCALATION):
        channels.append(ESCALATION)
    return alerts.add(
        tx,
        [new_alert(message, cause=group.cause, owner=group.owner, channel=c) for c in channels],
        now=link.now(),
    )


def _reminders_due(link: Link) -> dict[str, list[Standing]]:
    """Return the owners to be reminded now, with what they have had open since yesterday."""
    moment = rules.reminder_moment(link.now())
    with link.ledger.reading() as tx:
        told = alerts.last_told(tx, moment)
        rows = exception_news.open_since_before(tx, moment - rules.REMINDED_AFTER)
    by_owner: dict[str, list[Standing]] = defaultdict(list)
    for each in map(_standing, rows):
        if reminder_cause(each.owner) not in told:
            by_owner[each.owner].append(each)
    return by_owner


def _remind(tx: Transaction, link: Link, reminders: Mapping[str, Sequence[Standing]]) -> int:
    kinds = link.configuration.exception_kinds
    titles = {kind: entry.title for kind, entry in kinds.items()}
    red = defaultdict(list)
    for row in alerts.all_watched(tx):
        if row.is_told_red:
            red[row.owner].append(row.title)
    new = []
    for owner, standings in reminders.items():
        message = messages.of_reminder(owner, standings, titles, red[owner], link.now())
        cause = reminder_cause(owner)
        new.append(new_alert(message, cause=cause, owner=owner, channel=owner))
    return alerts.add(tx, new, now=link.now())


def reminder_cause(owner: str) -> str:
    """Name an owner's daily reminder."""
    return rules.cause_of(News.REMINDER, "open", owner)


def new_alert(message: Message, *, cause: str, owner: str, channel: str) -> NewAlert:
    """Address a message."""
    return NewAlert(
        cause=cause,
        owner=owner,
        channel=channel,
        tone=message.tone,
        title=message.title,
        body=message.body,
    )


def _stake(tx: Transaction, rows: Iterable[Row]) -> Stake:
    concerned = exception_news.orders_concerned(tx, rows)
    return stake_of(order for orders in concerned.values() for order in orders)


def _standing(row: Row) -> Standing:
    return Standing(
        exception_id=row.id,
        kind=row.kind,
        owner=row.owner,
        severity=Severity(row.severity),
        subject_type=row.subject_type,
        subject=row.subject,
        message=row.message,
        opened_at=row.opened_at,
        due_at=row.due_at,
        resolved_at=row.resolved_at,
        told=Told(row.told),
    )
