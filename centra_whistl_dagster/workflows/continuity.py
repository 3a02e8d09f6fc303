"""Whether the ledger still is the one that everything was sent with: kept alive, or begun anew."""

from __future__ import annotations

from datetime import datetime, timedelta

from centra_whistl_dagster.domain.generations import Beginning, Witness, beginning
from centra_whistl_dagster.ledger import generations, witness
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import GenerationRow
from centra_whistl_dagster.workflows.link import Link

_NOTED_EVERY = timedelta(seconds=20)
"""Each note is a write; several go into the longest silence."""


def keep_alive(link: Link) -> None:
    """Note that the connection runs, and begin a new generation where the ledger has a gap.

    To be called before anything is sent, and more often than the longest silence.

    Raises:
        WitnessUnusable: without the witness an old copy of the ledger would pass for this one.
    """
    seen = witness.read(link.settings.witness_path)
    with link.ledger.reading() as tx:
        row = generations.newest(tx)
        is_noted = row is not None and timedelta(0) <= tx.now - row.alive_at < _NOTED_EVERY
        if is_noted and _reason(tx, seen) is None and seen is not None:
            return
    with link.ledger.transaction() as tx:
        why = _reason(tx, seen)
        if why is None:
            generations.note_alive(tx)
        else:
            begin(tx, why, seen)
        after = generations.witness_of(tx, generations.newest(tx))
    witness.note(link.settings.witness_path, after)


def _reason(tx: Transaction, seen: Witness | None) -> Beginning | None:
    return beginning(generations.standing(tx), seen, now=tx.now)


def begin(tx: Transaction, why: Beginning, seen: Witness | None) -> GenerationRow:
    """Begin a generation of the ledger, after a gap that began at its last sign of life.

    While an earlier gap is not accounted for, the new gap begins where the earlier one did.
    """
    return generations.begin(
        tx,
        why,
        effects_seen=seen.effects if seen else 0,
        last_known_at=_last_known_at(tx, generations.newest(tx)),
    )


def _last_known_at(tx: Transaction, before: GenerationRow | None) -> datetime | None:
    if before is None:
        return None
    if before.accounted_for_at is None:
        return before.last_known_at
    return min(before.alive_at, tx.now)


def about_to_send(link: Link, effect: Witness) -> None:
    """Let the witness know of an effect that the ledger has noted, before the call.

    Raises:
        WitnessUnusable: the call must not be made.
    """
    if effect.token:
        witness.note(link.settings.witness_path, effect)
