"""Write alerts to the outbox: new, overdue and resolved exceptions, and the daily reminder.

An alert is written together with the mark that its exceptions were alerted. Sending is a step of
its own (`workflows.exceptions.delivery`): a dead channel must not keep alerts from being written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from centra_whistl_dagster.alerts import messages, rules
from centra_whistl_dagster.alerts.addresses import ESCALATION, AlertAddresses
from centra_whistl_dagster.alerts.links import NO_LINKS, Links
from centra_whistl_dagster.alerts.messages import Message
from centra_whistl_dagster.alerts.rules import Group, News, Round, Standing, Told
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.exceptions.responsibilities import Severity
from centra_whistl_dagster.domain.exceptions.stakes import Stake, stake_of
from centra_whistl_dagster.ledger import alerts, exception_news
from centra_whistl_dagster.ledger.alerts import NewAlert
from centra_whistl_dagster.ledger.engine import Ledger, Transaction
from centra_whistl_dagster.ledger.rows import ExceptionChange, ExceptionRow


def tell_owners(ledger: Ledger, addresses: AlertAddresses, links: Links = NO_LINKS) -> int:
    """Write the alerts that are due now, with links to these pages; return how many.

    Needs the ledger alone, so that a broken configuration file, which stops all else, is alerted.
    Where no address is set nothing is written, and no exception counts as alerted: the first round
    after an address was set covers what is open then, not what has passed.
    """
    if not addresses.are_there:
        return 0
    with ledger.reading() as tx:
        _, decided = _decide(tx)
        reminders = _reminders_due(tx)
    if not decided.groups and not decided.passed and not reminders:
        return 0
    # Decided again: another process may have written these alerts meanwhile.
    with ledger.transaction() as tx:
        written = _write_alerts(tx, addresses, links)
        return written + _write_reminders(tx, _reminders_due(tx), links)


def _decide(tx: Transaction) -> tuple[Mapping[int, ExceptionRow], Round]:
    rows = {row.id: row for row in exception_news.to_tell(tx)}
    last_alerts = alerts.last_told(tx, tx.now - rules.LONGEST_PAUSE)
    return rows, rules.decide(map(_standing, rows.values()), last_alerts, tx.now)


def _write_alerts(tx: Transaction, addresses: AlertAddresses, links: Links) -> int:
    rows, decided = _decide(tx)
    exception_news.set_told(tx, decided.passed, Told.CLOSED)
    return sum(_write_group(tx, addresses, links, group, rows) for group in decided.groups)


def _write_group(
    tx: Transaction,
    addresses: AlertAddresses,
    links: Links,
    group: Group,
    rows: Mapping[int, ExceptionRow],
) -> int:
    ids = [standing.exception_id for standing in group.standings]
    is_escalation = group.news is News.ESCALATED
    change: ExceptionChange = {"escalated_at": tx.now} if is_escalation else {}
    exception_news.set_told(tx, ids, rules.told_after(group.news), **change)
    stake = _stake(tx, [rows[exception_id] for exception_id in ids])
    message = messages.of_exceptions(group, tx.responsibilities, stake, links)
    kinds = map(ExceptionKind, group.kinds)
    channels = list(dict.fromkeys(tx.responsibilities[kind].channel for kind in kinds))
    if is_escalation and addresses.has(ESCALATION):
        channels.append(ESCALATION)
    return alerts.add(
        tx,
        [
            new_alert(message, cause=group.cause, owner=group.owner, channel=channel)
            for channel in channels
        ],
        about=ids,
    )


@dataclass(frozen=True, slots=True)
class _Reminder:
    """What an owner has had open, and red, since yesterday."""

    standings: list[Standing] = field(default_factory=list)
    red: list[str] = field(default_factory=list)


def _reminders_due(tx: Transaction) -> dict[str, _Reminder]:
    """Return the owners to be reminded now."""
    moment = rules.reminder_moment(tx.now)
    before = moment - rules.REMINDED_AFTER
    by_owner: dict[str, _Reminder] = defaultdict(_Reminder)
    for row in exception_news.open_since_before(tx, before):
        by_owner[row.owner].standings.append(_standing(row))
    for watched in alerts.all_watched(tx):
        is_old = watched.told_at is None or watched.told_at < before
        is_there = watched.last_red_at >= tx.now - rules.STILL_RED_FOR
        if watched.is_told_red and is_old and is_there:
            by_owner[watched.owner].red.append(watched.title)
    reminded = alerts.last_told(tx, moment)
    return {
        owner: reminder
        for owner, reminder in by_owner.items()
        if reminder_cause(owner) not in reminded
    }


def _write_reminders(tx: Transaction, reminders: Mapping[str, _Reminder], links: Links) -> int:
    titles = {kind: entry.title for kind, entry in tx.responsibilities.items()}
    new = []
    for owner, due in reminders.items():
        message = messages.of_reminder(owner, due.standings, titles, due.red, tx.now, links)
        new.append(new_alert(message, cause=reminder_cause(owner), owner=owner, channel=owner))
    return alerts.add(tx, new)


def reminder_cause(owner: str) -> str:
    """Return the cause under which an owner's daily reminder is grouped."""
    return rules.cause_of(News.REMINDER, "open", owner)


def new_alert(message: Message, *, cause: str, owner: str, channel: str) -> NewAlert:
    """Address a message."""
    return NewAlert(
        cause=cause,
        owner=owner,
        channel=channel,
        severity=message.severity,
        title=message.title,
        body=message.body,
    )


def _stake(tx: Transaction, rows: Iterable[ExceptionRow]) -> Stake:
    concerned = exception_news.orders_concerned(tx, rows)
    return stake_of(order for orders in concerned.values() for order in orders)


def _standing(row: ExceptionRow) -> Standing:
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
