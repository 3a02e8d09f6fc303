"""Complete one shipment in Centra for each parcel that left, with carrier and tracking number.

Belongs here: finding what Centra already has, creating or completing, settling lost answers. Does
not belong here: reading Whistl's messages (`workflows.shipments.despatches`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from centra_whistl_dagster.centra.client import ShipmentDraft
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, Problem, SubjectType
from centra_whistl_dagster.domain.orders.order import CentraShipment
from centra_whistl_dagster.domain.orders.shipment_matching import Box, Match, Step, match
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.domain.tally import Failed, Fate, Skipped, Tally
from centra_whistl_dagster.ledger import despatches, exceptions, orders
from centra_whistl_dagster.ledger.engine import Lease, Transaction
from centra_whistl_dagster.ledger.rows import ParcelRow
from centra_whistl_dagster.ledger.states import ParcelState
from centra_whistl_dagster.transport import AccessDenied, IntegrationError, OutcomeUnknown, Refused
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.closing import close_if_known_whole

CENTRA_STOCK_LEASE = "centra stock"
"""Completing shipments and publishing stock both move Centra's stock, and never overlap."""
LEASE_SECONDS = 300.0
CLAIM_LASTS = timedelta(seconds=90)
_WAIT = timedelta(seconds=15)
_REFUSED_AGAIN = timedelta(minutes=15)
"""Doubled each time: a hold that is lifted lets a parcel go by itself, a cancelled order never."""
_MOST_DOUBLINGS = 6
_FOR_THE_REST = timedelta(hours=1)
"""Looked at sooner when the rest of its shipment leaves."""
_AT_MOST = 200
"""Parcels written under one lease: a stock sync need not wait for a whole day's despatches."""


def complete_shipments(link: Link) -> Tally:
    """Write every parcel that is due to Centra, and close orders that are wholly known there.

    Raises:
        LeaseTaken: stock is being published, and that does not end; or this took so long that it
            may have begun. Parcels written before that stay written.
        IntegrationError: Centra could not be asked what it already has; nothing was written.
        AccessDenied: Centra does not let us write; the round ends with the parcel it refused.
    """
    with link.alone(CENTRA_STOCK_LEASE, seconds=LEASE_SECONDS) as lease:
        _put_abandoned_parcels_in_doubt(link)
        with link.ledger.reading() as tx:
            due = [ParcelState.OPEN, ParcelState.IN_DOUBT, ParcelState.HELD]
            rows = despatches.parcels_due(tx, due)[:_AT_MOST]
        tally = Tally(read=len(rows))
        if not rows:
            return tally
        known = link.centra.shipments_of(sorted({row.centra_id for row in rows}))
        for row in rows:
            tally.add(_write(link, lease, row, known.get(row.centra_id, ())))
    return tally


def _put_abandoned_parcels_in_doubt(link: Link) -> None:
    with link.ledger.transaction() as tx:
        for row in despatches.parcels_due(tx, [ParcelState.SENDING]):
            despatches.move_parcel(tx, row, ParcelState.IN_DOUBT, due_at=None)


def _write(link: Link, lease: Lease, row: ParcelRow, shipments: Sequence[CentraShipment]) -> Fate:
    """Send one parcel to Centra, with those that can only be sent together with it."""
    with link.ledger.transaction() as tx:
        lease.renew(tx)
        order = orders.find(tx, row.centra_id)
        parcels = despatches.parcels_of_order(tx, row.centra_id)
        pending = {parcel.key: parcel for parcel in parcels if _is_pending(parcel)}
        if order is None or not _is_due(pending.get(row.key), tx.now):
            return _written_meanwhile(parcels, row)
        if any(_is_under_way(parcel, tx.now) for parcel in parcels):
            return Skipped("waits until it is known whether Centra has another parcel")
        taken = {parcel.centra_shipment_id for parcel in parcels}
        boxes = {key: _box(tx, parcel) for key, parcel in pending.items()}
        found = match(
            boxes[row.key],
            list(boxes.values()),
            [each for each in shipments if each.shipment_id not in taken],
            is_all_gone=order.state is OrderState.DESPATCHED,
        )
        rows = [pending[box.despatch_id, box.parcel_number] for box in found.boxes]
        if found.step is Step.NOTHING and found.shipment is not None:
            return _completed(tx, rows, found.shipment.shipment_id)
        if found.step is Step.WAIT:
            despatches.move_parcel(tx, row, ParcelState.OPEN, due_at=tx.now + _FOR_THE_REST)
            return Skipped("waits for the rest of its shipment")
        claimed = [_claim(tx, parcel) for parcel in rows]
    return _send(link, claimed, found)


def _is_pending(parcel: ParcelRow) -> bool:
    is_to_be_tried_again = parcel.state is ParcelState.HELD and parcel.due_at is not None
    return parcel.state in {ParcelState.OPEN, ParcelState.IN_DOUBT} or is_to_be_tried_again


def _is_due(parcel: ParcelRow | None, now: datetime) -> bool:
    """Say whether a parcel waits to be written; one that went with another this round waits not."""
    return parcel is not None and (parcel.due_at is None or parcel.due_at <= now)


def _is_under_way(parcel: ParcelRow, now: datetime) -> bool:
    """Say whether Centra may have got a parcel since it was asked what it has."""
    is_in_the_air = parcel.state in {ParcelState.SENDING, ParcelState.IN_DOUBT}
    return is_in_the_air and parcel.due_at is not None and parcel.due_at > now


def _written_meanwhile(parcels: Sequence[ParcelRow], row: ParcelRow) -> Fate:
    """Return what became of a parcel that went with another of its order, or that is gone."""
    states = {parcel.key: parcel.state for parcel in parcels}
    if row.key not in states:
        return Skipped("removed by a correction")
    is_completed = states[row.key] is ParcelState.COMPLETED
    return Fate.WRITTEN if is_completed else Failed(states[row.key])


def _box(tx: Transaction, row: ParcelRow) -> Box:
    lines = despatches.lines_of_parcel(tx, row.despatch_id, row.parcel_number)
    return Box(
        despatch_id=row.despatch_id,
        parcel_number=row.parcel_number,
        units={line.line_id: line.quantity for line in lines},
        tracking_number=row.tracking_number,
        shipped_at=row.despatched_at,
    )


def _claim(tx: Transaction, row: ParcelRow) -> ParcelRow:
    despatches.move_parcel(tx, row, ParcelState.SENDING, due_at=tx.now + CLAIM_LASTS)
    claimed = despatches.parcel(tx, row.despatch_id, row.parcel_number)
    if claimed is None:
        raise LookupError(f"parcel {row.despatch_id}/{row.parcel_number} vanished")
    return claimed


def _send(link: Link, rows: Sequence[ParcelRow], found: Match) -> Fate:
    first, *others = rows
    further = ", ".join(f"{each.carrier_name} {each.tracking_number}" for each in others)
    draft = ShipmentDraft(
        centra_order_id=first.centra_id,
        lines=tuple(found.boxes[0].units.items()),
        shipped_at=max(row.despatched_at for row in rows),
        carrier=first.carrier_name,
        service=first.service_name,
        tracking_number=first.tracking_number,
        packages=len(rows),
        send_email=link.settings.sends_shipping_email,
        message=f"Further parcels: {further}" if further else "",
    )
    try:
        if found.shipment is not None:
            written = link.centra.complete_shipment(found.shipment.shipment_id, draft)
        else:
            written = link.centra.create_shipment(draft)
    except OutcomeUnknown:
        return _wait(link, rows, ParcelState.IN_DOUBT)
    except AccessDenied:
        # The next parcel would be refused alike, and only a person can mend it.
        _wait(link, rows, ParcelState.OPEN)
        raise
    except Refused as error:
        return _held(link, rows, error)
    except IntegrationError:
        return _wait(link, rows, ParcelState.OPEN)
    with link.ledger.transaction() as tx:
        return _completed(tx, rows, written.shipment_id)


def _completed(tx: Transaction, rows: Sequence[ParcelRow], shipment_id: int) -> Fate:
    for row in rows:
        despatches.move_parcel(
            tx,
            row,
            ParcelState.COMPLETED,
            centra_shipment_id=shipment_id,
            completed_at=tx.now,
            due_at=None,
        )
        kinds = [ExceptionKind.SHIPMENT_REFUSED]
        exceptions.resolve(tx, SubjectType.DESPATCH, row.despatch_id, kinds)
    for centra_id in {row.centra_id for row in rows}:
        # Not at the end of the round, which may never come: nothing would check the order again.
        close_if_known_whole(tx, centra_id)
    return Fate.WRITTEN


def _wait(link: Link, rows: Sequence[ParcelRow], state: ParcelState) -> Fate:
    with link.ledger.transaction() as tx:
        for row in rows:
            due_at = tx.now + _WAIT
            despatches.move_parcel(tx, row, state, attempts=row.attempts + 1, due_at=due_at)
    return Failed(state)


def _held(link: Link, rows: Sequence[ParcelRow], error: Refused) -> Fate:
    with link.ledger.transaction() as tx:
        for row in rows:
            again = _REFUSED_AGAIN * 2 ** min(row.attempts, _MOST_DOUBLINGS)
            despatches.move_parcel(
                tx,
                row,
                ParcelState.HELD,
                attempts=row.attempts + 1,
                due_at=tx.now + again,
            )
        exceptions.open_or_refresh(tx, [_refused(row, error) for row in rows])
    return Failed(ParcelState.HELD)


def _refused(row: ParcelRow, error: Refused) -> Problem:
    return Problem(
        kind=ExceptionKind.SHIPMENT_REFUSED,
        subject_type=SubjectType.DESPATCH,
        subject=row.despatch_id,
        field=f"parcel {row.parcel_number}",
        value=row.tracking_number,
        message=(
            f"Centra would not take parcel {row.parcel_number} of despatch {row.despatch_id} "
            f"({row.carrier_name} {row.tracking_number}): {error.detail}"
        ),
    )
