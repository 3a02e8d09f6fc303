"""Complete one shipment in Centra for each parcel that left, with carrier and tracking number.

Decides, under the lease, what Centra still needs for a parcel, and claims it. Does not belong here:
reading Whistl's messages (`workflows.shipments.despatches`), what a shipment stands for
(`domain.orders.shipment_matching`), the calls (`workflows.shipments.shipment_calls`) and what
becomes of a claimed parcel (`workflows.shipments.attempts`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from centra_whistl_dagster.domain.orders.order import CentraShipment, CentraShipmentLine
from centra_whistl_dagster.domain.orders.shipment_matching import Box, Match, Step, match
from centra_whistl_dagster.domain.orders.shipping import (
    SentShipment,
    ShippingOrder,
    UnreadableShippingOrder,
)
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.domain.tally import Failed, Fate, Skipped, Tally
from centra_whistl_dagster.ledger import despatches, exceptions, generations, orders, records
from centra_whistl_dagster.ledger.engine import Lease, Transaction
from centra_whistl_dagster.ledger.rows import OrderRow, ParcelRow
from centra_whistl_dagster.ledger.states import FINISHED_PARCELS, ParcelState
from centra_whistl_dagster.workflows.access import CallGroup, is_permitted
from centra_whistl_dagster.workflows.continuity import about_to_send
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.shipments import attempts, parcel_problems
from centra_whistl_dagster.workflows.shipments.shipment_calls import is_unpaid, may_capture
from centra_whistl_dagster.workflows.shipments.shipped_by_hand import end_shipped_by_hand

CENTRA_STOCK_LEASE = "centra stock"
"""Completing shipments and publishing stock both move Centra's stock, and never overlap."""
LEASE_SECONDS = 300.0
_UNFINISHED = [state for state in ParcelState if state not in FINISHED_PARCELS]
_FOR_THE_REST = timedelta(hours=1)
"""Checked sooner when the rest of its shipment leaves."""
_AT_MOST = 200
"""Parcels written under one lease: a stock sync need not wait for a whole day's despatches."""
READ_TOGETHER = 20
"""Parcels for which Centra is read at once: what people do meanwhile is seen a few seconds late."""
_PERMISSION_CHECKED_EVERY = timedelta(minutes=15)
"""Of parcels that were compared with Centra after a gap, and that the token may not write."""

_Found = ShippingOrder | UnreadableShippingOrder


def complete_shipments(link: Link) -> Tally:
    """Write every parcel that is due to Centra, and close orders that are wholly known there.

    Raises:
        LeaseTaken: stock is being published, and that does not end; or this took so long that it
            may have begun. Parcels written before that stay written.
        IntegrationError: Centra could not be asked what it already has; parcels written before
            that stay written.
        AccessDenied: Centra refuses the token as a whole; the round ends with that parcel.
    """
    with link.alone(CENTRA_STOCK_LEASE, seconds=LEASE_SECONDS) as lease:
        rows = _due(link)
        tally = Tally(read=len(rows))
        for start in range(0, len(rows), READ_TOGETHER):
            part = rows[start : start + READ_TOGETHER]
            found = link.centra.shipping_orders(sorted({row.centra_id for row in part}))
            for row in part:
                tally.add(_write(link, lease, row, found[row.centra_id]))
        end_shipped_by_hand(link, lease)
    _note_checked(link)
    return tally


def _note_checked(link: Link) -> None:
    """Note, after a gap, that every parcel was compared with what Centra has."""
    with link.ledger.reading() as tx:
        generation = generations.unaccounted(tx)
        if generation is None or generation.parcels_checked_at is not None:
            return
        # The rest of a feed that was read in this round is applied already, or reported.
        if _is_gap_too_young(tx) or despatches.parcels_due(tx, _UNFINISHED):
            return
    with link.ledger.transaction() as tx:
        generations.note_parcels_checked(tx)


def _due(link: Link) -> list[ParcelRow]:
    """Return the parcels to be written, those in doubt first: others of their order wait."""
    with link.ledger.transaction() as tx:
        for row in despatches.parcels_due(tx, [ParcelState.SENDING]):
            # The process that claimed it is gone: Centra may or may not have it.
            despatches.move_parcel(tx, row, ParcelState.IN_DOUBT, due_at=None)
        may_write = is_permitted(tx, link.settings, CallGroup.SHIPMENTS)
        # After a gap they are compared with Centra all the same: stock waits for that.
        if not may_write and not generations.is_parcel_check_due(tx):
            return []
        if _is_gap_too_young(tx):
            return []
        states = [ParcelState.OPEN, ParcelState.IN_DOUBT, ParcelState.HELD]
        rows = despatches.parcels_due(tx, states)
    return sorted(rows, key=lambda row: row.state is not ParcelState.IN_DOUBT)[:_AT_MOST]


def _is_gap_too_young(tx: Transaction) -> bool:
    """Say whether a shipment may still be on its way from a process that ended in a gap."""
    generation = generations.unaccounted(tx)
    return generation is not None and tx.now < generations.gap_of(generation).parcels_wait_until()


def _write(link: Link, lease: Lease, row: ParcelRow, found: _Found) -> Fate:
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
        row = pending[row.key]
        if isinstance(found, UnreadableShippingOrder):
            parcel_problems.open_unreadable(tx, order, found)
            return attempts.postpone(tx, [row], "what Centra has cannot be read")
        parcel_problems.resolve_unreadable(tx, order)
        found = _with_ours(found, parcels)
        plan = _plan(tx, link, order, row, parcels, found)
        rows = [pending[box.despatch_id, box.parcel_number] for box in plan.boxes]
        settled = _without_a_call(tx, link, rows, plan, found) or attempts.wait_out(tx, rows)
        if settled:
            return settled
        if not is_permitted(tx, link.settings, CallGroup.SHIPMENTS):
            return _wait_for_permission(tx, rows)
        claimed = [_claim(tx, link, parcel, plan, found) for parcel in rows]
        effect = generations.count_effect(tx)
    about_to_send(link, effect)
    return attempts.send(link, claimed, plan)


def _wait_for_permission(tx: Transaction, rows: Sequence[ParcelRow]) -> Fate:
    if generations.is_parcel_check_due(tx):
        # Compared: the round must come to the others, and end.
        for row in rows:
            due_at = tx.now + _PERMISSION_CHECKED_EVERY
            despatches.move_parcel(tx, row, ParcelState.OPEN, due_at=due_at)
    return Skipped("the token may not write shipments")


def _with_ours(found: ShippingOrder, parcels: Sequence[ParcelRow]) -> ShippingOrder:
    """Add the shipments that were made for other parcels since Centra was read."""
    shown = {shipment.shipment_id for shipment in found.shipments}
    made = {
        parcel.centra_shipment_id: records.loads(SentShipment, parcel.sent)
        for parcel in parcels
        if parcel.sent and parcel.centra_shipment_id not in shown | {None}
    }
    since = tuple(
        CentraShipment(
            shipment_id=shipment_id,
            number="",
            is_shipped=True,
            lines=tuple(CentraShipmentLine(line_id=line, quantity=n) for line, n in sent.lines),
        )
        for shipment_id, sent in made.items()
        if shipment_id is not None
    )
    return replace(found, shipments=found.shipments + since)


def _plan(
    tx: Transaction,
    link: Link,
    order: OrderRow,
    row: ParcelRow,
    parcels: Sequence[ParcelRow],
    found: ShippingOrder,
) -> Match:
    boxes = {parcel.key: _box(tx, parcel) for parcel in parcels if _is_pending(parcel)}
    return match(
        boxes[row.key],
        list(boxes.values()),
        found,
        taken=_taken(parcels),
        is_all_gone=order.state is OrderState.DESPATCHED,
        may_allocate=link.settings.allocates_demand,
    )


def _without_a_call(
    tx: Transaction, link: Link, rows: Sequence[ParcelRow], plan: Match, found: ShippingOrder
) -> Fate | None:
    """Settle parcels that Centra needs nothing for, or nothing yet; None for the others."""
    first, *_ = rows
    if plan.step is Step.WAIT:
        despatches.move_parcel(tx, first, ParcelState.OPEN, due_at=tx.now + _FOR_THE_REST)
        return Skipped("waits for the rest of its shipment")
    if plan.step in {Step.BLOCKED, Step.UNALLOCATED}:
        exceptions.open_or_refresh(tx, [parcel_problems.in_the_way(tx, first, plan)])
        return attempts.postpone(tx, rows, f"{plan.step} in Centra")
    _report_unwanted(tx, rows, plan, found)
    if plan.step is Step.END:
        return attempts.end(tx, rows)
    return _with_shipment(tx, link, rows, plan)


def _with_shipment(
    tx: Transaction, link: Link, rows: Sequence[ParcelRow], plan: Match
) -> Fate | None:
    """Settle parcels whose shipment Centra has and needs no call, or waits to be paid."""
    if plan.shipment is None:
        return None
    must_be_paid = is_unpaid(link, plan.shipment)
    if plan.step is Step.NOTHING:
        return attempts.completed(tx, rows, plan.shipment.shipment_id, is_unpaid=must_be_paid)
    if must_be_paid and not may_capture(attempts.refused_captures(rows)):
        exceptions.open_or_refresh(tx, [parcel_problems.not_captured(rows[0], ())])
        return attempts.postpone(tx, rows, "payment not captured")
    return None


def _report_unwanted(
    tx: Transaction, rows: Sequence[ParcelRow], plan: Match, found: ShippingOrder
) -> None:
    if not plan.unwanted:
        return
    taken = _taken(despatches.parcels_of_order(tx, found.centra_id))
    ours = taken | ({plan.shipment.shipment_id} if plan.shipment else set())
    problem = parcel_problems.unwanted(tx, rows[0], plan.unwanted, found, ours)
    exceptions.open_or_refresh(tx, [problem])


def _taken(parcels: Sequence[ParcelRow]) -> set[int]:
    """Return the shipments that stand for parcels of an order already."""
    return {
        parcel.centra_shipment_id for parcel in parcels if parcel.centra_shipment_id is not None
    }


def _is_pending(parcel: ParcelRow) -> bool:
    is_to_be_tried_again = parcel.state is ParcelState.HELD and parcel.due_at is not None
    return parcel.state in {ParcelState.OPEN, ParcelState.IN_DOUBT} or is_to_be_tried_again


def _is_due(parcel: ParcelRow | None, now: datetime) -> bool:
    """Say whether a parcel is due; one already sent with another parcel this round is not due."""
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
        sent=records.loads(SentShipment, row.sent) if row.sent else None,
    )


def _claim(
    tx: Transaction, link: Link, row: ParcelRow, plan: Match, found: ShippingOrder
) -> ParcelRow:
    """Write down what is about to be sent, before it is."""
    before = records.loads(SentShipment, row.sent) if row.sent else None
    known = tuple(shipment.shipment_id for shipment in found.shipments)
    sent = SentShipment(
        lines=tuple(plan.units.items()),
        shipped_at=min(row.despatched_at, link.centra.latest_departure()).replace(microsecond=0),
        tracking_number=row.tracking_number,
        completes=plan.shipment.shipment_id if plan.shipment else None,
        known_shipments=before.known_shipments if before else known,
        captures=before.captures if before else 0,
    )
    return attempts.claim(tx, row, sent)
