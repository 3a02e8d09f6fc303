"""One attempt to have Centra take a parcel: claimed, sent, and settled by what came of it.

Every attempt counts, waits longer after each failure, and reaches its owner once it is no longer a
passing fault. Does not belong here: what has to be sent (`workflows.shipments.completion`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from centra_whistl_dagster.centra.client import ShipmentDraft, ShipmentWritten
from centra_whistl_dagster.domain.effects import back_off, must_owner_hear
from centra_whistl_dagster.domain.exceptions.problems import Problem
from centra_whistl_dagster.domain.orders.shipment_matching import Match
from centra_whistl_dagster.domain.orders.shipping import SentShipment
from centra_whistl_dagster.domain.tally import Failed, Fate, Skipped
from centra_whistl_dagster.ledger import despatches, exceptions, records
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.parcel_exceptions import resolve_finished
from centra_whistl_dagster.ledger.rows import ParcelRow
from centra_whistl_dagster.ledger.states import ParcelState
from centra_whistl_dagster.transport import (
    AccessDenied,
    IntegrationError,
    OutcomeUnknown,
    Reason,
    Refused,
)
from centra_whistl_dagster.workflows.access import CallGroup, note_permitted, note_refused
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.closing import close_if_known_whole
from centra_whistl_dagster.workflows.shipments import parcel_problems
from centra_whistl_dagster.workflows.shipments.shipment_calls import (
    PaymentNotCaptured,
    write_shipment,
)

CLAIM_LASTS = timedelta(seconds=90)
_BEFORE_A_LOOK_UP = timedelta(seconds=15)
"""An answer was lost: the request may still be under way in Centra."""


def claim(tx: Transaction, row: ParcelRow, sent: SentShipment) -> ParcelRow:
    """Write down an attempt and what it will send; return the parcel as it stands then."""
    despatches.move_parcel(
        tx,
        row,
        ParcelState.SENDING,
        due_at=tx.now + CLAIM_LASTS,
        attempts=row.attempts + 1,
        sent=records.dumps(sent),
    )
    claimed = despatches.parcel(tx, row.despatch_id, row.parcel_number)
    if claimed is None:
        raise LookupError(f"parcel {row.despatch_id}/{row.parcel_number} vanished")
    return claimed


def send(link: Link, rows: Sequence[ParcelRow], plan: Match) -> Fate:
    """Send claimed parcels as one shipment, and settle them by what came of it.

    Raises:
        AccessDenied: Centra refuses the token as a whole; the parcels wait.
    """
    try:
        written = write_shipment(link, _draft(link, rows, plan), plan.shipment)
    except PaymentNotCaptured as error:
        return _not_captured(link, rows, error.reasons)
    except OutcomeUnknown as error:
        return _failed(link, rows, ParcelState.IN_DOUBT, error, parcel_problems.unanswered)
    except AccessDenied as error:
        # The next parcel would be refused alike, and only a person can fix it.
        if note_refused(link, CallGroup.SHIPMENTS, error):
            return _set_back(link, rows)
        _failed(link, rows, ParcelState.OPEN, error, parcel_problems.refused)
        raise
    except Refused as error:
        return _failed(link, rows, ParcelState.HELD, error, parcel_problems.refused)
    except IntegrationError as error:
        return _failed(link, rows, ParcelState.OPEN, error, parcel_problems.unanswered)
    return _answered(link, rows, written)


def completed(
    tx: Transaction, rows: Sequence[ParcelRow], shipment_id: int, *, is_unpaid: bool = False
) -> Fate:
    """Complete parcels that Centra has, and their order if it has every one of them."""
    for row in rows:
        was_moved = despatches.move_parcel(
            tx,
            row,
            ParcelState.COMPLETED,
            centra_shipment_id=shipment_id,
            completed_at=tx.now,
            due_at=None,
        )
        if not was_moved:
            _report_a_second_shipment(tx, row, shipment_id)
            continue
        resolve_finished(tx, *row.key)
    if is_unpaid:
        exceptions.open_or_refresh(tx, [parcel_problems.shipped_unpaid(rows[0])])
    for centra_id in {row.centra_id for row in rows}:
        # Not at the end of the round, which may never come: nothing would check the order again.
        close_if_known_whole(tx, centra_id)
    return Fate.WRITTEN


def end(tx: Transaction, rows: Sequence[ParcelRow]) -> Fate:
    """End parcels of which Centra wants nothing; their exception says what a person must do."""
    for row in rows:
        despatches.move_parcel(tx, row, ParcelState.ENDED, due_at=None)
        resolve_finished(tx, *row.key)
        close_if_known_whole(tx, row.centra_id)
    return Failed("not wanted in Centra")


def postpone(tx: Transaction, rows: Sequence[ParcelRow], why: str) -> Fate:
    """Check parcels again later; one in doubt stays so."""
    for row in rows:
        is_in_doubt = row.state is ParcelState.IN_DOUBT
        despatches.move_parcel(
            tx,
            row,
            ParcelState.IN_DOUBT if is_in_doubt else ParcelState.HELD,
            attempts=row.attempts + 1,
            due_at=tx.now + back_off(row.attempts + 1),
        )
    return Failed(why)


def wait_out(tx: Transaction, rows: Sequence[ParcelRow]) -> Fate | None:
    """End the doubt about parcels that Centra does not have; None where they are sent now.

    A parcel in doubt holds up the others of its order, so it is looked up long before it is sent
    again.
    """
    later = [
        (row, sent_again_at)
        for row in rows
        if row.state is ParcelState.IN_DOUBT
        and (sent_again_at := row.state_since + back_off(row.attempts)) > tx.now
    ]
    for row, sent_again_at in later:
        despatches.move_parcel(tx, row, ParcelState.OPEN, due_at=sent_again_at)
    return Skipped("not in Centra: sent again later") if later else None


def refused_captures(rows: Sequence[ParcelRow]) -> int:
    """Return how often Centra did not capture the payment of the shipment of these parcels."""
    return max((sent.captures for sent in _sent(rows)), default=0)


def _sent(rows: Sequence[ParcelRow]) -> list[SentShipment]:
    return [records.loads(SentShipment, row.sent) for row in rows if row.sent]


def _draft(link: Link, rows: Sequence[ParcelRow], plan: Match) -> ShipmentDraft:
    first, *others = rows
    further = ", ".join(f"{other.carrier_name} {other.tracking_number}" for other in others)
    return ShipmentDraft(
        centra_order_id=first.centra_id,
        lines=tuple(plan.units.items()),
        shipped_at=max(sent.shipped_at for sent in _sent(rows)),
        carrier=first.carrier_name,
        service=first.service_name,
        tracking_number=first.tracking_number,
        packages=len(rows),
        send_email=link.settings.sends_shipping_email,
        message=f"Further parcels: {further}" if further else "",
        allocates_demand=link.settings.allocates_demand,
    )


def _answered(link: Link, rows: Sequence[ParcelRow], written: ShipmentWritten) -> Fate:
    with link.ledger.transaction() as tx:
        note_permitted(tx, CallGroup.SHIPMENTS)
        if written.warnings:
            exceptions.open_or_refresh(tx, [parcel_problems.warned(rows[0], written.warnings)])
        if written.is_shipped:
            return completed(tx, rows, written.shipment_id)
        for row in rows:
            due_at = tx.now + back_off(row.attempts)
            despatches.move_parcel(tx, row, ParcelState.HELD, due_at=due_at)
            if must_owner_hear(row.attempts):
                exceptions.open_or_refresh(tx, [parcel_problems.not_shipped(row, written.number)])
    return Failed("answered, and not shipped")


def _not_captured(link: Link, rows: Sequence[ParcelRow], reasons: tuple[Reason, ...]) -> Fate:
    """Keep parcels open until the money is there; without a reason, it may only be on its way."""
    captures = refused_captures(rows) + 1
    with link.ledger.transaction() as tx:
        for row in rows:
            due_at = tx.now + back_off(row.attempts)
            (sent,) = _sent([row])
            despatches.move_parcel(
                tx,
                row,
                ParcelState.HELD,
                due_at=due_at,
                sent=records.dumps(replace(sent, captures=captures)),
            )
        if reasons or must_owner_hear(captures):
            exceptions.open_or_refresh(tx, [parcel_problems.not_captured(rows[0], reasons)])
    return Failed("payment not captured")


def _failed(
    link: Link,
    rows: Sequence[ParcelRow],
    to: ParcelState,
    error: IntegrationError,
    problem: Callable[[ParcelRow, IntegrationError], Problem],
) -> Fate:
    """Wait longer after each failed attempt, and alert the owner when it does not pass."""
    asked_to_wait = timedelta(seconds=max(0.0, error.retry_after_seconds or 0.0))
    with link.ledger.transaction() as tx:
        for row in rows:
            sent_again = max(back_off(row.attempts), asked_to_wait)
            wait = _BEFORE_A_LOOK_UP if to is ParcelState.IN_DOUBT else sent_again
            was_moved = despatches.move_parcel(tx, row, to, due_at=tx.now + wait)
            if was_moved and must_owner_hear(row.attempts):
                exceptions.open_or_refresh(tx, [problem(row, error)])
    return Failed(to)


def _set_back(link: Link, rows: Sequence[ParcelRow]) -> Fate:
    """Undo a claim: nothing was carried out, and the parcel goes once the token may write."""
    with link.ledger.transaction() as tx:
        for row in rows:
            despatches.move_parcel(
                tx, row, ParcelState.OPEN, attempts=row.attempts - 1, due_at=None
            )
    return Skipped("the token may not write shipments")


def _report_a_second_shipment(tx: Transaction, row: ParcelRow, shipment_id: int) -> None:
    """Alert the owner of a late answer, unless the newer attempt found that very shipment."""
    now = despatches.parcel(tx, row.despatch_id, row.parcel_number)
    if now is not None and now.centra_shipment_id != shipment_id:
        exceptions.open_or_refresh(tx, [parcel_problems.answered_twice(row, shipment_id)])
