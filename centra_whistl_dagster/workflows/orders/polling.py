"""When Centra is polled for orders, and a watch for what it announces in between.

A push or an event only makes the next poll early. While pushes announce every new order, Centra is
polled rarely in between; as soon as polling finds an order that none announced, it is polled as
often as without them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, Problem, SubjectType
from centra_whistl_dagster.domain.orders.polling import (
    HINT_LASTS,
    IDLE,
    IS_NEW,
    PUSH_MAY_TAKE,
    PushRecord,
    next_poll,
)
from centra_whistl_dagster.ledger import exceptions, hints, state
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.intake import News, look_for_news

WATCHES = 14
WATCH_SECONDS = 0.25
"""Together less than Dagster's loop of 5 s, which would leave the next evaluation out."""
_SUBJECT = "pushes from Centra"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What a watch over Centra came to."""

    news: News | None
    """What the last poll found; None where none was due."""
    cadence: str
    """How often Centra is polled at the moment, and why; blank without hints."""


def watch_for_news(link: Link) -> Watched:
    """Poll Centra when that is due, and again as soon as something is announced.

    Returns at once without hints; else with the first news, after a few seconds at most.
    """
    if not link.settings.webhook_secret:
        _forget_pushes(link)
        if not link.settings.reads_events:
            return Watched(news=look_for_news(link), cadence="")
    news = None
    for watch in range(WATCHES + 1):
        if watch:
            link.sleep(WATCH_SECONDS)
        if _is_due(link):
            news = _poll(link)
            if news.orders:
                break
    return Watched(news=news, cadence=_cadence(link))


def _is_due(link: Link) -> bool:
    with link.ledger.reading() as tx:
        kept = state.read(tx, state.CENTRA_POLLED)
        polled_at = datetime.fromisoformat(kept) if kept else None
        if polled_at is None or polled_at > tx.now:
            # The clock was set back: until it reaches that time again, nothing would be due.
            return True
        due_at = next_poll(
            polled_at,
            hints.since(tx, min(polled_at, tx.now - HINT_LASTS)),
            are_pushes_alive=_are_pushes_alive(tx, link),
        )
        return due_at <= tx.now


def _are_pushes_alive(tx: Transaction, link: Link) -> bool:
    record = hints.push_record(tx)
    return bool(link.settings.webhook_secret) and record is not None and record.are_alive


def _poll(link: Link) -> News:
    began_at = link.now()
    news = look_for_news(link)
    with link.ledger.transaction() as tx:
        state.set_to(tx, state.CENTRA_POLLED, began_at.isoformat())
        if link.settings.webhook_secret:
            _judge_pushes(tx)
    return news


def _judge_pushes(tx: Transaction) -> None:
    """Count the orders that were new some time ago, by whether a push announced them."""
    before = hints.push_record(tx) or PushRecord()
    if before.judged_until is None:
        # What was ordered before pushes were switched on says nothing about them.
        hints.set_push_record(tx, replace(before, judged_until=tx.now))
        return
    record = before
    for sight in hints.first_seen(
        tx, after=before.judged_until, until=tx.now - PUSH_MAY_TAKE, placed_within=IS_NEW
    ):
        record = record.after(sight.seen_at, was_announced=sight.was_announced)
    if record != before:
        hints.set_push_record(tx, record)
    if record.is_alarming(tx.now):
        exceptions.open_or_refresh(tx, [_silence(record)])
    elif record.are_alive:
        _end_silence(tx)


def _silence(record: PushRecord) -> Problem:
    count = "new order" if record.missed == 1 else f"{record.missed:,} new orders"
    return Problem(
        kind=ExceptionKind.PUSHES_SILENT,
        subject_type=SubjectType.CONNECTION,
        subject=_SUBJECT,
        field="push",
        value="",
        message=(
            f"No push announced the last {count} in time, so polling had to find what was ordered. "
            "Centra is polled every 5 seconds until pushes announce every new order again."
        ),
        contents=str(record.missed_since),
    )


def _end_silence(tx: Transaction) -> None:
    exceptions.resolve(tx, SubjectType.CONNECTION, _SUBJECT, [ExceptionKind.PUSHES_SILENT])


def _forget_pushes(link: Link) -> None:
    """End what was known of pushes once they are switched off."""
    with link.ledger.reading() as tx:
        if state.read(tx, state.CENTRA_PUSHES) is None:
            return
    with link.ledger.transaction() as tx:
        hints.forget_push_record(tx)
        _end_silence(tx)


def _cadence(link: Link) -> str:
    with link.ledger.reading() as tx:
        return cadence_in_words(tx, link)


def cadence_in_words(tx: Transaction, link: Link) -> str:
    """Say how often Centra is polled while nothing is announced, and why."""
    usual = "Centra is polled every 5 s"
    if not link.settings.webhook_secret:
        return f"{usual}: no pushes are set up."
    record = hints.push_record(tx) or PushRecord()
    if record.heard_at is None:
        return f"{usual}: no push has arrived yet."
    if record.are_alive:
        return f"Pushes announce new orders, so Centra is polled every {IDLE.seconds} s in between."
    return f"{usual}: too few new orders in a row were announced by pushes."
