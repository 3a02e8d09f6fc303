"""What the cadence decided each minute, and why.

Ticks in a row that launch nothing share a row, with the reason of the last of them: a year of
minutes would be half a million rows that say nothing. None goes past midnight UTC: what analysts
keep of a day is final.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from centra_whistl_dagster.domain.stock.cadence import Decision, Quota, StockSync
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.tables import cadence_decisions as decisions


def record(tx: Transaction, decision: Decision, quota: Quota | None) -> None:
    """Record a decision of now; `quota` is what was left of Centra's, None without a limit."""
    latest = tx.execute(
        sa.select(decisions.c.decided_at, decisions.c.does)
        .order_by(decisions.c.decided_at.desc())
        .limit(1)
    ).one_or_none()
    values = {
        "does": decision.does,
        "minutes": decision.minutes,
        "reason": decision.reason,
        "last_at": tx.now,
        "requests_left": quota.requests_left if quota else None,
        "mutations_left": quota.mutations_left if quota else None,
    }
    shares_row = latest is not None and (
        latest.decided_at >= tx.now
        or (
            {latest.does, decision.does} == {StockSync.NONE}
            and latest.decided_at.date() == tx.now.date()
        )
    )
    if latest is not None and shares_row:
        tx.execute(
            sa.update(decisions)
            .where(decisions.c.decided_at == latest.decided_at)
            .values(**values, ticks=decisions.c.ticks + 1)
        )
    else:
        tx.execute(sa.insert(decisions).values(**values, decided_at=tx.now, ticks=1))


def forget(tx: Transaction, *, before: datetime) -> int:
    """Delete decisions of before a moment, which analysts have; return how many rows."""
    return tx.execute(sa.delete(decisions).where(decisions.c.last_at < before)).rowcount
