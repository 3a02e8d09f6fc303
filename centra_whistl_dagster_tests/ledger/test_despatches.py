"""The inbox keeps each message once; corrections share the parcels of what they correct."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from centra_whistl_dagster.domain.orders.despatches import Despatch, Parcel, ParcelLine
from centra_whistl_dagster.ledger import despatches
from centra_whistl_dagster.ledger.engine import Ledger
from centra_whistl_dagster.ledger.rows import OrderRow
from centra_whistl_dagster.ledger.states import DespatchState, ParcelState
from centra_whistl_dagster.simulator.world.clock import ManualClock


@pytest.fixture
def message(clock: ManualClock) -> Callable[..., Despatch]:
    def make(despatch_id: str = "D-1", **members: Any) -> Despatch:
        return Despatch(
            **{
                "despatch_id": despatch_id,
                "sequence": 1,
                "version": 1,
                "supersedes": None,
                "order_number": "C100001",
                "despatched_at": clock(),
                "is_order_complete": True,
                "parcels": (parcel(1),),
                **members,
            }
        )

    return make


def parcel(number: int, units: int = 1) -> Parcel:
    return Parcel(
        parcel_number=number,
        carrier_name="DPD",
        carrier_code="DPD",
        delivery_method="NEXT",
        service_name="Next day",
        courier_tracking_number=f"T{number}",
        whistl_tracking_number="",
        tracking_url="",
        lines=(ParcelLine(line_number=1, sku="TEE-S", quantity=units),),
    )


def test_a_message_that_comes_twice_is_kept_once_and_comes_back_as_it_was(
    ledger: Ledger, clock: ManualClock, message: Callable[..., Despatch]
) -> None:
    with ledger.transaction() as tx:
        first = despatches.receive(tx, message())
        second = despatches.receive(tx, message(sequence=2))
        waiting = despatches.waiting(tx)

    assert (first, second) == (True, False)
    assert waiting == [message()]


def test_a_chain_of_corrections_shares_one_root_when_it_comes_in_order(
    ledger: Ledger, clock: ManualClock, message: Callable[..., Despatch]
) -> None:
    chain = [
        message("D-1"),
        message("D-2", version=2, supersedes="D-1"),
        message("D-3", version=3, supersedes="D-2"),
    ]
    with ledger.transaction() as tx:
        for each in chain:
            despatches.receive(tx, each)
        roots = {despatches.root_of(tx, each) for each in chain}

    assert roots == {"D-1"}


@pytest.mark.parametrize("arrival", list(itertools.permutations(range(3))))
def test_a_chain_of_corrections_shares_one_root_in_whatever_order_it_comes(
    ledger: Ledger, clock: ManualClock, message: Callable[..., Despatch], arrival: tuple[int, ...]
) -> None:
    chain = [
        message("D-1"),
        message("D-2", version=2, supersedes="D-1"),
        message("D-3", version=3, supersedes="D-2"),
    ]
    with ledger.transaction() as tx:
        for place in arrival:
            despatches.receive(tx, chain[place])
        roots = {despatches.root_of(tx, each) for each in chain}

    assert roots == {"D-1"}


def test_messages_wait_in_whistls_own_order_until_they_are_applied_or_match_no_order(
    ledger: Ledger, clock: ManualClock, message: Callable[..., Despatch]
) -> None:
    late, early = message("D-9", sequence=9), message("D-2", sequence=2)
    with ledger.transaction() as tx:
        for each in (late, early):
            despatches.receive(tx, each)
        before = [each.despatch_id for each in despatches.waiting(tx)]
        despatches.mark(tx, early, DespatchState.APPLIED)
        despatches.mark(tx, late, DespatchState.UNMATCHED)
        after = [each.despatch_id for each in despatches.waiting(tx)]
        nobody_looked_at = despatches.count_to_apply(tx)

    assert before == ["D-2", "D-9"]
    assert after == []
    assert nobody_looked_at == 0


def test_a_message_that_an_earlier_release_put_on_hold_is_read_as_superseded(
    ledger: Ledger, message: Callable[..., Despatch]
) -> None:
    with ledger.transaction() as tx:
        despatches.receive(tx, message())
        tx.execute(sa.text("UPDATE despatches SET state = 'held'"))
        (row,) = despatches.of_order(tx, "C100001")
        waiting = despatches.waiting(tx)

    assert (row.state, waiting) == (DespatchState.SUPERSEDED, [])


def test_a_parcel_is_moved_by_one_and_only_when_it_is_where_it_was_seen(
    ledger: Ledger,
    clock: ManualClock,
    message: Callable[..., Despatch],
    add: Callable[..., OrderRow],
) -> None:
    row = add()
    put(ledger, clock, message(), row.centra_id)
    with ledger.transaction() as tx:
        seen = despatches.parcel(tx, "D-1", 1)
        assert seen is not None
        first = despatches.move_parcel(tx, seen, ParcelState.SENDING)
        second = despatches.move_parcel(tx, seen, ParcelState.SENDING)

    assert (first, second) == (True, False)


def put(
    ledger: Ledger,
    clock: ManualClock,
    despatch: Despatch,
    centra_id: str,
    state: ParcelState = ParcelState.OPEN,
) -> None:
    with ledger.transaction() as tx:
        for each in despatch.parcels:
            despatches.add_parcel(
                tx,
                root_id=despatch.despatch_id,
                despatch=despatch,
                parcel=each,
                centra_id=centra_id,
                state=state,
                line_ids={1: 7},
            )


def test_units_are_added_up_over_parcels_and_taken_back_with_them(
    ledger: Ledger,
    clock: ManualClock,
    message: Callable[..., Despatch],
    add: Callable[..., OrderRow],
) -> None:
    row = add()
    put(ledger, clock, message(parcels=(parcel(1, 1), parcel(2, 3))), row.centra_id)
    with ledger.transaction() as tx:
        both = despatches.units_shipped_by_line(tx, row.centra_id)
        first = despatches.parcel(tx, "D-1", 1)
        assert first is not None
        despatches.remove_parcel(tx, first)
        left = despatches.units_shipped_by_line(tx, row.centra_id)
        gone = despatches.lines_of_parcel(tx, "D-1", 1)

    assert (both, left, list(gone)) == ({1: 4}, {1: 3}, [])


def test_parcels_are_due_when_their_time_has_come_and_held_ones_only_if_they_have_one(
    ledger: Ledger,
    clock: ManualClock,
    message: Callable[..., Despatch],
    add: Callable[..., OrderRow],
) -> None:
    row = add()
    put(ledger, clock, message("D-1"), row.centra_id)
    put(ledger, clock, message("D-2"), row.centra_id, ParcelState.HELD)
    put(ledger, clock, message("D-3"), row.centra_id)
    with ledger.transaction() as tx:
        later = despatches.parcel(tx, "D-3", 1)
        assert later is not None
        in_a_minute = clock() + timedelta(minutes=1)
        despatches.move_parcel(tx, later, ParcelState.HELD, due_at=in_a_minute)

    def due(minutes: float) -> list[str]:
        clock.advance(60 * minutes)
        with ledger.reading() as tx:
            rows = despatches.parcels_due(tx, [ParcelState.OPEN, ParcelState.HELD])
        return [each.despatch_id for each in rows]

    assert due(0) == ["D-1"]
    assert due(1) == ["D-1", "D-3"]
