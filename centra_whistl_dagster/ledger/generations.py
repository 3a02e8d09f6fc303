"""The generations of the ledger, and the count of effects by which it is told from an old copy."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

import sqlalchemy as sa

from centra_whistl_dagster.domain.generations import Attempt, Beginning, Gap, Standing, Witness
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import state
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import GenerationRow, OrderRow, SubmissionRow
from centra_whistl_dagster.ledger.states import SubmissionOutcome
from centra_whistl_dagster.ledger.submissions import under_number
from centra_whistl_dagster.ledger.tables import generations, orders

_ON_THEIR_WAY = (OrderState.READY, OrderState.SENDING, OrderState.IN_DOUBT)


def newest(tx: Transaction) -> GenerationRow | None:
    """Return the present generation; None for a ledger that no process has kept alive yet."""
    query = sa.select(generations).order_by(generations.c.id.desc()).limit(1)
    return tx.row(GenerationRow, query)


def with_gap(tx: Transaction) -> GenerationRow | None:
    """Return the present generation if a gap lies before it, accounted for or not.

    A new ledger that was found to have nothing before it has none: it was accounted for without a
    sweep, and a sweep that is over clears when it was due.
    """
    row = newest(tx)
    if row is None:
        return None
    is_unswept = row.reason is Beginning.NEW and row.sweep_due_at is not None
    return None if is_unswept and row.accounted_for_at else row


def unaccounted(tx: Transaction) -> GenerationRow | None:
    """Return the present generation while the gap before it is not accounted for."""
    row = newest(tx)
    return row if row is not None and row.accounted_for_at is None else None


def are_parcels_unchecked(tx: Transaction) -> bool:
    """Say whether Centra may have completed parcels that the ledger still takes for open."""
    row = unaccounted(tx)
    if row is None or row.parcels_checked_at is not None:
        return False
    # A ledger that has never sent an order has no parcel either.
    sent = sa.select(orders.c.centra_id).where(orders.c.submitted_at.is_not(None)).limit(1)
    return tx.execute(sent).first() is not None


def is_sweep_due(tx: Transaction) -> bool:
    """Say whether Whistl is to be asked for unknown orders now, or the gap is accounted for."""
    row = unaccounted(tx)
    if row is None:
        return False
    if row.sweep_due_at is not None:
        return row.sweep_due_at <= tx.now
    return row.parcels_checked_at is not None and not to_be_looked_up(tx)


def is_parcel_check_due(tx: Transaction) -> bool:
    """Say whether parcels are to be compared with Centra now, after a gap."""
    row = unaccounted(tx)
    if row is None or row.parcels_checked_at is not None:
        return False
    return tx.now >= gap_of(row).parcels_wait_until()


def gap_of(row: GenerationRow) -> Gap:
    """Return the gap before a generation."""
    return Gap(began_at=row.began_at)


def standing(tx: Transaction) -> Standing:
    """Return what the ledger says of itself."""
    row = newest(tx)
    return Standing(
        tokens=frozenset(tx.execute(sa.select(generations.c.token)).scalars()),
        effects=effects(tx),
        alive_at=row.alive_at if row else None,
        is_empty=tx.execute(sa.select(orders.c.centra_id).limit(1)).first() is None,
    )


def begin(
    tx: Transaction, reason: Beginning, *, effects_seen: int = 0, last_known_at: datetime | None
) -> GenerationRow:
    """Begin a generation, counting on from the effects that the witness has seen."""
    tx.execute(
        sa.insert(generations).values(
            token=uuid4().hex,
            reason=reason,
            began_at=tx.now,
            last_known_at=last_known_at,
            alive_at=tx.now,
            sweep_due_at=tx.now,
        )
    )
    state.set_to(tx, state.EFFECTS, str(max(effects(tx), effects_seen)))
    row = newest(tx)
    if row is None:
        raise LookupError("the generation vanished")
    return row


def note_alive(tx: Transaction) -> None:
    """Note that the connection runs."""
    _set(tx, alive_at=tx.now)


def note_swept(tx: Transaction, *, due_at: datetime | None) -> None:
    """Note when Whistl is asked for unknown orders again; None: absence was proof this time."""
    _set(tx, sweep_due_at=due_at)


def note_parcels_checked(tx: Transaction) -> None:
    """Note that every parcel that was due has been compared with Centra since the gap."""
    _set(tx, parcels_checked_at=tx.now)


def note_accounted_for(tx: Transaction) -> None:
    """Note that nothing of the gap is left to be looked up now."""
    _set(tx, accounted_for_at=tx.now)


def _set(tx: Transaction, **values: datetime | None) -> None:
    last = sa.select(sa.func.max(generations.c.id)).scalar_subquery()
    tx.execute(sa.update(generations).where(generations.c.id == last).values(**values))


def effects(tx: Transaction) -> int:
    """Return how many orders and shipments were ever about to be sent."""
    return int(state.read(tx, state.EFFECTS) or 0)


def count_effect(tx: Transaction) -> Witness:
    """Count an order or shipment that is about to be sent; what is returned goes to the witness."""
    row = newest(tx)
    state.set_to(tx, state.EFFECTS, str(effects(tx) + 1))
    return witness_of(tx, row)


def witness_of(tx: Transaction, row: GenerationRow | None) -> Witness:
    """Return what the witness has to know of the ledger as it stands."""
    return Witness(token=row.token if row else "", effects=effects(tx))


def attempts(intents: list[SubmissionRow]) -> list[Attempt]:
    """Return what intents say about a gap."""
    return [
        Attempt(
            intent_at=intent.intent_at,
            settled_at=intent.settled_at,
            was_called=intent.outcome is not SubmissionOutcome.LOOKED_UP_FIRST,
            is_absent=intent.outcome is SubmissionOutcome.ABSENT,
        )
        for intent in intents
    ]


def must_be_looked_up(tx: Transaction, row: OrderRow) -> bool:
    """Say whether an order may have been sent in the gap, and nothing has shown yet that it was."""
    generation = with_gap(tx)
    if generation is None:
        return False
    gap = gap_of(generation)
    if not gap.may_hide(row.ordered_at, now=tx.now):
        return False
    intents = under_number(tx, row.centra_id, row.whistl_number)
    return gap.is_open_for(row.ordered_at, attempts(intents), now=tx.now)


def to_be_looked_up(tx: Transaction) -> int:
    """Return how many orders on their way to Whistl may have been sent in the gap."""
    query = sa.select(orders).where(orders.c.state.in_(_ON_THEIR_WAY))
    return sum(must_be_looked_up(tx, row) for row in tx.rows(OrderRow, query))
