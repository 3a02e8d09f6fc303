"""Tell of checks, jobs and sensors that turned red, and of those that recovered.

Belongs here: comparing what was seen with what was told. Does not belong here: seeing it, which
takes Dagster (`defs.alerts`). Needs the ledger alone: a broken configuration file, which stops all
else, is told of all the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from centra_whistl_dagster.alerts import messages, rules
from centra_whistl_dagster.alerts.rules import Condition, Memory, News
from centra_whistl_dagster.ledger import alerts
from centra_whistl_dagster.ledger.engine import Ledger
from centra_whistl_dagster.workflows.alerting import new_alert


def note_conditions(ledger: Ledger, observed: Sequence[Condition]) -> int:
    """Write an alert for each change of colour, with what it changes to; return how many."""
    now = ledger.now()
    with ledger.reading() as tx:
        known = {row.name: row for row in alerts.all_watched(tx)}
    memories = {
        name: Memory(is_told_red=row.is_told_red, last_red_at=row.last_red_at)
        for name, row in known.items()
    }
    turned = rules.turned(observed, memories, now)
    told = {condition.name: news is News.TURNED_RED for news, condition in turned}
    changed = [each for each in observed if each.is_red or each.name in told]
    if not changed:
        return 0
    new = [
        new_alert(
            messages.of_condition(news, condition),
            cause=rules.cause_of(news, condition.name, condition.owner),
            owner=condition.owner,
            channel=condition.owner,
        )
        for news, condition in turned
    ]
    with ledger.transaction() as tx:
        for each in changed:
            is_told_red = told.get(each.name, True)
            last_red_at = now if each.is_red else known[each.name].last_red_at
            alerts.set_watched(
                tx,
                each.name,
                title=each.title,
                owner=each.owner,
                is_told_red=is_told_red,
                last_red_at=last_red_at,
            )
        return alerts.add(tx, new, now=now)


def names_told_red(ledger: Ledger) -> set[str]:
    """Return what was last told to be red."""
    with ledger.reading() as tx:
        return {row.name for row in alerts.all_watched(tx) if row.is_told_red}
