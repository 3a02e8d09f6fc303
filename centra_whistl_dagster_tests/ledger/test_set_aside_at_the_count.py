"""Which orders count as set aside when the stock was counted, to the instant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from centra_whistl_dagster.domain.orders.order import CentraShipment, CentraShipmentLine
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import order_contents, orders, standings
from centra_whistl_dagster.ledger.engine import Ledger
from centra_whistl_dagster.ledger.rows import OrderRow
from centra_whistl_dagster.ledger.standings import LineUnits
from centra_whistl_dagster.ledger.states import ParcelState
from centra_whistl_dagster.ledger.tables import parcel_lines, parcels
from centra_whistl_dagster.simulator.world.clock import ManualClock

AN_INSTANT = timedelta(microseconds=1)
BEFORE, AT, AFTER = -AN_INSTANT, timedelta(), AN_INSTANT


@pytest.fixture
def counted_at(clock: ManualClock) -> datetime:
    return clock()


def standing(ledger: Ledger, counted_at: datetime) -> list[LineUnits]:
    with ledger.reading() as tx:
        return standings.of_open_lines(tx, taken_at=counted_at)


def submitted(ledger: Ledger, row: OrderRow, allocated_at: datetime) -> OrderRow:
    with ledger.transaction() as tx:
        for state in (OrderState.READY, OrderState.SENDING, OrderState.SUBMITTED):
            current = orders.find(tx, row.centra_id)
            assert current is not None
            orders.move(tx, current, state, reason="on its way")
        orders.update(tx, [row.centra_id], allocated_at=allocated_at)
        found = orders.find(tx, row.centra_id)
    assert found is not None
    return found


@pytest.mark.parametrize(("when", "units"), [(BEFORE, 2), (AT, 0), (AFTER, 0)])
def test_units_set_aside_in_the_instant_of_the_count_are_not_taken_for_counted(
    ledger: Ledger,
    add: Callable[..., OrderRow],
    counted_at: datetime,
    when: timedelta,
    units: int,
) -> None:
    submitted(ledger, add(), counted_at + when)

    (line,) = standing(ledger, counted_at)

    assert line.taken == units


@pytest.mark.parametrize(("when", "is_listed"), [(BEFORE, False), (AT, True), (AFTER, True)])
def test_a_completed_order_is_forgotten_only_once_the_count_is_sure_to_know_it(
    ledger: Ledger,
    add: Callable[..., OrderRow],
    counted_at: datetime,
    when: timedelta,
    is_listed: bool,
) -> None:
    row = submitted(ledger, add(), counted_at + when)
    with ledger.transaction() as tx:
        left_at = counted_at + timedelta(minutes=5)
        reason = "Centra has every parcel"
        orders.move(tx, row, OrderState.COMPLETED, reason=reason, despatched_at=left_at)

    assert bool(standing(ledger, counted_at)) is is_listed


@pytest.mark.parametrize(("given_back", "units"), [(BEFORE, 0), (AT, 0), (AFTER, 2)])
@pytest.mark.parametrize("state", [OrderState.SUBMITTED, OrderState.BLOCKED])
def test_units_given_back_before_the_count_are_in_it_whatever_state_the_order_is_in(
    ledger: Ledger,
    add: Callable[..., OrderRow],
    counted_at: datetime,
    state: OrderState,
    given_back: timedelta,
    units: int,
) -> None:
    row = submitted(ledger, add(), counted_at - timedelta(minutes=5))
    with ledger.transaction() as tx:
        orders.move(tx, row, state, reason="resumed", given_back_at=counted_at + given_back)

    (line,) = standing(ledger, counted_at)

    assert line.taken == units


def test_a_shipment_that_is_one_of_our_parcels_is_not_counted_beside_it(
    ledger: Ledger, add: Callable[..., OrderRow], counted_at: datetime
) -> None:
    row = submitted(ledger, add(), counted_at)
    with ledger.transaction() as tx:
        (line,) = order_contents.lines(tx, row.centra_id)
        shipment = CentraShipment(
            shipment_id=9,
            number="1-1",
            is_shipped=True,
            lines=(CentraShipmentLine(line_id=line.line_id, quantity=1),),
        )
        standings.note_shipments(tx, row.centra_id, [shipment, replace(shipment, shipment_id=10)])
        standings.note_shipments(tx, row.centra_id, [shipment])
    (by_hand,) = standing(ledger, counted_at)

    with ledger.transaction() as tx:
        tx.execute(
            sa.insert(parcels).values(
                despatch_id="D-1",
                parcel_number=1,
                centra_id=row.centra_id,
                state=ParcelState.COMPLETED,
                state_since=tx.now,
                carrier_name="DPD",
                service_name="Next day",
                tracking_number="T1",
                despatched_at=tx.now,
                centra_shipment_id=9,
            )
        )
        tx.execute(
            sa.insert(parcel_lines).values(
                despatch_id="D-1",
                parcel_number=1,
                line_number=line.line_number,
                line_id=line.line_id,
                sku=line.sku,
                quantity=1,
            )
        )
    (ours,) = standing(ledger, counted_at)

    assert (by_hand.completed, ours.completed) == (1, 1)
