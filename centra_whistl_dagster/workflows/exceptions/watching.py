"""Write alerts about checks, jobs and sensors that turned red, and about those that recovered.

Needs the ledger alone, so that a broken configuration file, which stops all else, is alerted too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from centra_whistl_dagster.alerts import messages, rules
from centra_whistl_dagster.alerts.links import NO_LINKS, Links
from centra_whistl_dagster.alerts.rules import Condition, Memory, News
from centra_whistl_dagster.ledger import alerts
from centra_whistl_dagster.ledger.alerts import NewAlert
from centra_whistl_dagster.ledger.engine import Ledger
from centra_whistl_dagster.ledger.rows import WatchedRow
from centra_whistl_dagster.workflows.exceptions.alerting import new_alert


def note_conditions(ledger: Ledger, observed: Sequence[Condition], links: Links = NO_LINKS) -> int:
    """Write an alert to each owner of a condition that turned red or green; return how many."""
    with ledger.reading() as tx:
        memories = {row.name: _memory(row) for row in alerts.all_watched(tx)}
        turned = rules.turned(observed, memories, tx.now)
    changed = {condition.name for _, condition in turned}
    still_red = [
        condition.name
        for condition in observed
        if condition.is_red and condition.name not in changed
    ]
    if not changed and not still_red:
        return 0
    with ledger.transaction() as tx:
        for name in still_red:
            alerts.set_watched(tx, name, last_red_at=tx.now)
        for news, condition in turned:
            alerts.set_watched(
                tx,
                condition.name,
                title=condition.title,
                owner=condition.owner,
                is_told_red=news is News.TURNED_RED,
                last_red_at=tx.now,
                told_at=tx.now,
            )
        return alerts.add(tx, _alerts(turned, links))


def names_told_red(ledger: Ledger) -> set[str]:
    """Return the conditions whose last alert said red."""
    with ledger.reading() as tx:
        return {row.name for row in alerts.all_watched(tx) if row.is_told_red}


def _alerts(turned: Sequence[tuple[News, Condition]], links: Links) -> list[NewAlert]:
    grouped: dict[tuple[News, str], list[Condition]] = defaultdict(list)
    for news, condition in turned:
        grouped[(news, condition.owner)].append(condition)
    return [
        new_alert(
            messages.of_conditions(news, conditions, links),
            cause=rules.cause_of(news, "conditions", owner),
            owner=owner,
            channel=owner,
        )
        for (news, owner), conditions in grouped.items()
    ]


def _memory(row: WatchedRow) -> Memory:
    return Memory(is_told_red=row.is_told_red, last_red_at=row.last_red_at, owner=row.owner)
