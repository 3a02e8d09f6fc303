"""Tell Centra of each parcel that left: one completed shipment, with carrier and tracking number.

Belongs here: finding what Centra already has, creating or completing, settling lost answers. Does
not belong here: reading Whistl's messages (`workflows.despatches`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from centra_whistl_dagster.centra.client import ShipmentDraft
from centra_whistl_dagster.domain.orders import CentraShipment
from centra_whistl_dagster.domain.problems import ExceptionKind, Problem, SubjectType
from centra_whistl_dagster.domain.shipment_matching import Units, already_there, to_complete
from centra_whistl_dagster.domain.states import OrderState
from centra_whistl_dagster.domain.tally import Tally
from centra_whistl_dagster.ledger import despatches, exceptions, orders
from centra_whistl_dagster.ledger.despatches import ParcelState
from centra_whistl_dagster.ledger.engine import Row, Transaction
from centra_whistl_dagster.transport import IntegrationError, OutcomeUnknown, Refused
from centra_whistl_dagster.workflows.link import Link

CENTRA_STOCK_LEASE = "centra stock"
"""Completing shipments and publishing stock both move Centra's stock, and never overlap."""
LEASE_SECONDS = 300.0
CLAIM_LASTS = timedelta(seconds=90)
_WAIT = timedelta(seconds=15)
_AT_MOST = 200
"""Parcels written under one lease: a stock sync need not wait for a whole day's despatches."""


def complete_shipments(link: Link) -> Tally:
    """Write every parcel that is due to Centra, and close orders that are wholly known there.

    Raises:
        LeaseTaken: stock is being published; try again in a moment.
        IntegrationError: Centra could not be asked what it already has; nothing was written.
    """
    with link.ledger.lease(CENTRA_STOCK_LEASE, holder=link.holder, seconds=LEASE_SECONDS):
        _put_abandoned_parcels_in_doubt(link)
        with link.ledger.reading() as tx:
            due = [ParcelState.OPEN, ParcelState.IN_DOUBT]
            rows = despatches.parcels_due(tx, due, due_by=link.now())[:_AT_MOST]
        tally = Tally(read=len(rows))
        if rows:
            known = link.centra.shipments_of(sorted({row.centra_id for row in rows}))
        for row in rows:
            fate = _write(link, row, known.get(row.centra_id, ()))
            if fate is ParcelState.COMPLETED:
                tally.written += 1
            else:
                tally.failed[fate.value] += 1
        _close_orders(link, {row.centra_id for row in rows})
    return tally


def _put_abandoned_parcels_in_doubt(link: Link) -> None:
    with link.ledger.transaction() as tx:
        for row in despatches.parcels_due(tx, [ParcelState.SENDING], due_by=link.now()):
            despatches.move_parcel(tx, row, ParcelState.IN_DOUBT, now=link.now(), due_at=None)


def _write(link: Link, row: Row, shipments: Sequence[CentraShipment]) -> ParcelState:
    now = link.now()
    with link.ledger.transaction() as tx:
        units: Units = {
            line.line_id: line.quantity
            for line in despatches.lines_of_parcel(tx, row.despatch_id, row.parcel_number)
        }
        taken = {
            other.centra_shipment_id
            for other in despatches.parcels_of_order(tx, row.centra_id)
            if other.centra_shipment_id is not None
        }
        free = [shipment for shipment in shipments if shipment.shipment_id not in taken]
        found = already_there(
            free, units=units, tracking_number=row.tracking_number, shipped_at=row.despatched_at
        )
        if found is not None:
            return _completed(tx, link, row, found.shipment_id)
        despatches.move_parcel(tx, row, ParcelState.SENDING, now=now, due_at=now + CLAIM_LASTS)
        claimed = despatches.parcel(tx, row.despatch_id, row.parcel_number)
    if claimed is None:
        raise LookupError(f"parcel {row.despatch_id}/{row.parcel_number} vanished")
    return _send(link, claimed, units, to_complete(free, units=units))


def _send(link: Link, row: Row, units: Units, existing: CentraShipment | None) -> ParcelState:
    draft = ShipmentDraft(
        centra_order_id=row.centra_id,
        lines=tuple(units.items()),
        shipped_at=row.despatched_at,
        carrier=row.carrier_name,
        service=row.service_name,
        tracking_number=row.tracking_number,
        packages=1,
        send_email=link.settings.sends_shipping_email,
    )
    try:
        if existing is not None:
            shipment_id = link.centra.complete_shipment(existing.shipment_id, draft).shipment_id
        else:
            shipment_id = link.centra.create_shipment(draft).shipment_id
    except OutcomeUnknown:
        return _wait(link, row, ParcelState.IN_DOUBT)
    except Refused as error:
        return _held(link, row, error)
    except IntegrationError:
        return _wait(link, row, ParcelState.OPEN)
    with link.ledger.transaction() as tx:
        return _completed(tx, link, row, shipment_id)


def _completed(tx: Transaction, link: Link, row: Row, shipment_id: int) -> ParcelState:
    despatches.move_parcel(
        tx,
        row,
        ParcelState.COMPLETED,
        now=link.now(),
        centra_shipment_id=shipment_id,
        completed_at=link.now(),
        due_at=None,
    )
    exceptions.resolve(
        tx,
        SubjectType.DESPATCH,
        row.despatch_id,
        kinds=[ExceptionKind.SHIPMENT_REFUSED],
        now=link.now(),
    )
    return ParcelState.COMPLETED


def _wait(link: Link, row: Row, state: ParcelState) -> ParcelState:
    now = link.now()
    with link.ledger.transaction() as tx:
        despatches.move_parcel(
            tx, row, state, now=now, attempts=row.attempts + 1, due_at=now + _WAIT
        )
    return state


def _held(link: Link, row: Row, error: Refused) -> ParcelState:
    problem = Problem(
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
    with link.ledger.transaction() as tx:
        despatches.move_parcel(tx, row, ParcelState.HELD, now=link.now(), due_at=None)
        link.raise_exceptions(tx, [problem])
    return ParcelState.HELD


def _close_orders(link: Link, centra_ids: set[str]) -> None:
    now = link.now()
    with link.ledger.transaction() as tx:
        for centra_id in sorted(centra_ids):
            row = orders.find(tx, centra_id)
            parcels = despatches.parcels_of_order(tx, centra_id)
            is_known_whole = all(parcel.state == ParcelState.COMPLETED for parcel in parcels)
            if row is not None and row.state == OrderState.DESPATCHED and is_known_whole:
                orders.move(
                    tx,
                    row,
                    OrderState.COMPLETED,
                    reason="Centra has every parcel",
                    now=now,
                    completed_at=now,
                    due_at=None,
                )
