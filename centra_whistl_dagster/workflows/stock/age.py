"""How old Whistl's stock is, and whether it may still be written to Centra."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.ledger import exceptions, stock
from centra_whistl_dagster.ledger.rows import SnapshotRow
from centra_whistl_dagster.workflows.link import Installation, Link
from centra_whistl_dagster.workflows.stock.snapshot_exceptions import about_the_feed


@dataclass(frozen=True, slots=True, kw_only=True)
class StockAge:
    """How old a snapshot is, in minutes, and how old it may be."""

    taken_at: datetime
    minutes: float
    most_minutes: float

    @property
    def is_too_old(self) -> bool:
        """Whether it must no longer be written to Centra."""
        return self.minutes > self.most_minutes

    def __str__(self) -> str:
        return (
            f"Whistl's last usable stock is {self.minutes:.0f} minutes old; at most "
            f"{self.most_minutes:.0f} are allowed"
        )


def age_of(link: Installation, row: SnapshotRow) -> StockAge:
    """Return how old a snapshot is now."""
    return StockAge(
        taken_at=row.taken_at,
        minutes=(link.now() - row.taken_at).total_seconds() / 60,
        most_minutes=link.configuration.stock.guard.oldest_minutes,
    )


def is_too_old(link: Link, row: SnapshotRow) -> bool:
    """Say whether a snapshot has grown too old to be used; if so, raise an exception.

    An exception that is open already keeps its message: it says why the newer ones are not used.
    """
    age = age_of(link, row)
    if age.is_too_old:
        problem = about_the_feed(row.snapshot_id, f"{age} (taken at {age.taken_at:%H:%M} UTC).")
        with link.ledger.transaction() as tx:
            if not exceptions.open_subjects(tx, ExceptionKind.STOCK_SNAPSHOT_REFUSED):
                exceptions.open_or_refresh(tx, [problem])
    return age.is_too_old


def age_of_stock_in_use(link: Link) -> StockAge | None:
    """Return how old the stock is that syncs use, and raise an exception when it is too old.

    While Whistl publishes nothing, no sync runs that would. None before any stock was used.
    """
    with link.ledger.reading() as tx:
        row = stock.latest_accepted(tx)
    if row is None:
        return None
    is_too_old(link, row)
    return age_of(link, row)
