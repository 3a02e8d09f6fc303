"""When steps last succeeded, which have failed since, and the exceptions that say so."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from centra_whistl_dagster.domain.exceptions.failures import Streak
from centra_whistl_dagster.ledger import exceptions
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.tables import (
    failing_step_exceptions,
    failing_steps,
    step_successes,
)


def streak_of(tx: Transaction, step: str) -> Streak | None:
    """Return a step's failures since it last succeeded; None where there was none."""
    columns = [failing_steps.c[name] for name in ("fingerprint", "alike", "failures", "since")]
    return tx.row(Streak, sa.select(*columns).where(failing_steps.c.step == step))


def note_failed(
    tx: Transaction, step: str, streak: Streak, exception_ids: Iterable[int] = ()
) -> None:
    """Remember a step's failures, and the exceptions that are open until it succeeds."""
    values = {name: getattr(streak, name) for name in ("fingerprint", "alike", "failures", "since")}
    of_step = failing_steps.c.step == step
    changed = tx.execute(sa.update(failing_steps).where(of_step).values(**values))
    if not changed.rowcount:
        tx.execute(sa.insert(failing_steps).values(step=step, **values))
    for exception_id in set(exception_ids) - _exceptions_of(tx, step):
        row = {"step": step, "exception_id": exception_id}
        tx.execute(sa.insert(failing_step_exceptions).values(**row))


def note_succeeded(tx: Transaction, step: str) -> None:
    """Forget a step's failures; resolve its exceptions, but for those that other steps keep."""
    its_own = _exceptions_of(tx, step)
    tx.execute(sa.delete(failing_steps).where(failing_steps.c.step == step))
    tx.execute(sa.delete(failing_step_exceptions).where(failing_step_exceptions.c.step == step))
    of_others = sa.select(failing_step_exceptions.c.exception_id).where(
        failing_step_exceptions.c.exception_id.in_(its_own)
    )
    exceptions.resolve_ids(tx, its_own - set(tx.execute(of_others).scalars()))


def note_success(tx: Transaction, step: str) -> None:
    """Note that a step did its work now."""
    of_step = step_successes.c.step == step
    changed = tx.execute(sa.update(step_successes).where(of_step).values(at=tx.now))
    if not changed.rowcount:
        tx.execute(sa.insert(step_successes).values(step=step, at=tx.now))


def last_success(tx: Transaction, step: str) -> datetime | None:
    """Return when a step last did its work, as far as that was noted; None if it never did."""
    query = sa.select(step_successes.c.at).where(step_successes.c.step == step)
    return tx.execute(query).scalar_one_or_none()


def _exceptions_of(tx: Transaction, step: str) -> set[int]:
    query = sa.select(failing_step_exceptions.c.exception_id).where(
        failing_step_exceptions.c.step == step
    )
    return set(tx.execute(query).scalars())
