"""How many calls each hour made to the other systems, and what they took of the quotas.

Counts by hour and operation, not a row for each call: a year of them is a few hundred thousand
rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.tables import api_calls, api_quota_use
from centra_whistl_dagster.transport import HourOfCalls

_ADDED = ("calls", "tries", "failed", "throttled", "milliseconds")


def add(tx: Transaction, counts: Iterable[HourOfCalls]) -> None:
    """Add what one process has counted."""
    for counted in counts:
        key = {"hour": counted.hour, "system": counted.system, "operation": counted.operation}
        added = {name: getattr(counted, name) for name in _ADDED}
        _add(tx, api_calls, key, added)
        for resource, units in counted.units.items():
            allowed = {"allowed_units": counted.allowed.get(resource)}
            _add(tx, api_quota_use, {**key, "resource": resource}, {"units": units}, allowed)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaUse:
    """What one hour's calls took of one quota."""

    system: str
    resource: str
    units: int
    allowed: int | None
    """What we may take in an hour; None without a limit."""


def quota_use(tx: Transaction, hour: datetime) -> list[QuotaUse]:
    """Return what the calls of an hour took, by system and quota."""
    of = api_quota_use.c
    query = (
        sa.select(of.system, of.resource, sa.func.sum(of.units), sa.func.max(of.allowed_units))
        .where(of.hour == hour)
        .group_by(of.system, of.resource)
        .order_by(of.system, of.resource)
    )
    return [
        QuotaUse(system=system, resource=resource, units=int(units), allowed=allowed)
        for system, resource, units, allowed in tx.execute(query).tuples()
    ]


def _add(
    tx: Transaction,
    table: sa.Table,
    key: Mapping[str, Any],
    added: Mapping[str, int],
    replaced: Mapping[str, int | None] | None = None,
) -> None:
    where = sa.and_(*(table.c[name] == value for name, value in key.items()))
    sums = {name: table.c[name] + value for name, value in added.items()}
    changed = tx.execute(sa.update(table).where(where).values(**sums, **(replaced or {})))
    if not changed.rowcount:
        tx.execute(sa.insert(table).values(**key, **added, **(replaced or {})))
