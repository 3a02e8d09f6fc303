"""The outbox of alerts: written with the mark of what it tells, kept until a channel has taken it.

Belongs here: rows of `alerts` and `watched`. Does not belong here: what deserves an alert and how
it reads (`alerts`), or sending (`workflows.exceptions.delivery`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Unpack

import sqlalchemy as sa

from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.parts import parts
from centra_whistl_dagster.ledger.rows import AlertRow, WatchedChange, WatchedRow
from centra_whistl_dagster.ledger.tables import alert_exceptions, alerts, watched

SECOND_CHANNEL = "second channel"
"""Who has taken an alert that its own channel did not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAlert:
    """One message for one channel. Free of personal data: it is mailed as it is."""

    cause: str
    """The same for all that is grouped: `opened/sku_unknown/merchandising`."""
    owner: str
    channel: str
    severity: str
    """How a channel may colour it: failure, warning, info, success."""
    title: str
    body: str
    html: str | None = None
    """The same as a whole HTML document, for channels that take one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """Alerts that one channel has not taken."""

    channel: str
    alerts: int
    oldest_at: datetime
    """When the oldest of them was written."""
    last_error: str
    """Why an attempt failed; empty when none was made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerted:
    """One alert that reported an exception."""

    channel: str
    title: str
    written_at: datetime
    sent_at: datetime | None
    """When its channel took it; None while none has."""


def add(tx: Transaction, new: Iterable[NewAlert], *, about: Collection[int] = ()) -> int:
    """Put alerts into the outbox, to be sent at once; return how many.

    `about` are the ids of the exceptions that they report.
    """
    count = 0
    for alert in new:
        values = {**asdict(alert), "created_at": tx.now, "due_at": tx.now}
        result = tx.execute(sa.insert(alerts).values(values))
        alert_id = int(result.inserted_primary_key[0])  # type: ignore[index]  # one integer key
        links = [{"exception_id": each, "alert_id": alert_id} for each in sorted(about)]
        if links:
            tx.execute(sa.insert(alert_exceptions), links)
        count += 1
    return count


def about_exceptions(tx: Transaction, ids: Iterable[int]) -> dict[int, list[Alerted]]:
    """Return, by exception, the alerts that reported it, oldest first."""
    found: dict[int, list[Alerted]] = {}
    columns = (alerts.c.channel, alerts.c.title, alerts.c.created_at, alerts.c.sent_at)
    for part in parts(ids):
        query = (
            sa.select(alert_exceptions.c.exception_id, *columns)
            .join(alerts, alerts.c.id == alert_exceptions.c.alert_id)
            .where(alert_exceptions.c.exception_id.in_(part))
            .order_by(alerts.c.id)
        )
        for exception_id, channel, title, written_at, sent_at in tx.execute(query).tuples():
            alerted = Alerted(channel=channel, title=title, written_at=written_at, sent_at=sent_at)
            found.setdefault(exception_id, []).append(alerted)
    return found


def last_told(tx: Transaction, since: datetime) -> dict[str, datetime]:
    """Return, by cause, when an alert was last written, for causes alerted since."""
    latest = sa.func.max(alerts.c.created_at, type_=alerts.c.created_at.type)
    query = sa.select(alerts.c.cause, latest).where(alerts.c.created_at >= since)
    return dict(tx.execute(query.group_by(alerts.c.cause)).tuples().all())


def unsent(tx: Transaction, *, limit: int) -> list[AlertRow]:
    """Return the alerts to be tried now, the longest due first."""
    query = sa.select(alerts).where(alerts.c.sent_at.is_(None), alerts.c.due_at <= tx.now)
    return tx.rows(AlertRow, query.order_by(alerts.c.due_at, alerts.c.id).limit(limit))


def mark_sent(tx: Transaction, alert_id: int, *, sent_by: str) -> None:
    """Note that a channel has taken an alert."""
    taken = {"sent_at": tx.now, "sent_by": sent_by, "attempts": alerts.c.attempts + 1}
    tx.execute(sa.update(alerts).where(alerts.c.id == alert_id).values(taken))


def postpone(tx: Transaction, alert_id: int, *, until: datetime, error: str) -> None:
    """Note that an attempt failed, and when the next is due."""
    failed = {"due_at": until, "last_error": error, "attempts": alerts.c.attempts + 1}
    tx.execute(sa.update(alerts).where(alerts.c.id == alert_id).values(failed))


def counts_by_owner(tx: Transaction) -> dict[str, int]:
    """Return how many alerts were sent to each owner."""
    query = sa.select(alerts.c.owner, sa.func.count()).where(alerts.c.sent_at.is_not(None))
    return dict(tx.execute(query.group_by(alerts.c.owner).order_by(alerts.c.owner)).tuples().all())


def count_unsent(tx: Transaction) -> int:
    """Return how many alerts no channel has taken yet."""
    query = sa.select(sa.func.count()).where(alerts.c.sent_at.is_(None))
    return tx.execute(query).scalar_one()


def backlogs(tx: Transaction) -> list[Backlog]:
    """Return, for each channel with unsent alerts, how many there are, since when, and why."""
    query = sa.select(
        alerts.c.channel,
        sa.func.count(),
        sa.func.min(alerts.c.created_at, type_=alerts.c.created_at.type),
        sa.func.max(alerts.c.last_error),
    ).where(alerts.c.sent_at.is_(None))
    rows = tx.execute(query.group_by(alerts.c.channel).order_by(alerts.c.channel)).tuples()
    return [
        Backlog(channel=channel, alerts=count, oldest_at=oldest_at, last_error=error or "")
        for channel, count, oldest_at, error in rows
    ]


def channels_replaced(tx: Transaction) -> list[str]:
    """Return the channels whose newest alert that was taken had to go by the second channel."""
    newest = sa.select(sa.func.max(alerts.c.id)).where(alerts.c.sent_at.is_not(None))
    query = sa.select(alerts.c.channel).where(
        alerts.c.id.in_(newest.group_by(alerts.c.channel)), alerts.c.sent_by == SECOND_CHANNEL
    )
    return list(tx.execute(query.order_by(alerts.c.channel)).scalars())


def all_watched(tx: Transaction) -> list[WatchedRow]:
    """Return what has ever been red, with what was last alerted of it."""
    return tx.rows(WatchedRow, sa.select(watched).order_by(watched.c.name))


def set_watched(tx: Transaction, name: str, **change: Unpack[WatchedChange]) -> None:
    """Remember what was alerted of one check, job or sensor."""
    changed = tx.execute(sa.update(watched).where(watched.c.name == name).values(**change))
    if not changed.rowcount:
        tx.execute(sa.insert(watched).values(name=name, **change))
