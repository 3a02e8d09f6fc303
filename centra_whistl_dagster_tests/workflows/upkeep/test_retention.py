"""Who ordered what is deleted some time after the order has ended, and not a day before."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.orders.despatches import Despatch
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import (
    exceptions,
    order_contents,
    orders,
    records,
    release_requests,
    tables,
)
from centra_whistl_dagster.ledger.despatches import of_order, parcels_of_order
from centra_whistl_dagster.ledger.retention import messages_with_tracking
from centra_whistl_dagster.ledger.rows import ReleaseRequestRow
from centra_whistl_dagster.ledger.states import DespatchState
from centra_whistl_dagster.simulator.people.shoppers import ADA
from centra_whistl_dagster.workflows.upkeep.retention import forget_old_orders, forget_old_tracking
from centra_whistl_dagster_tests.workflows.conftest import Desk

DAY = 86_400.0


def test_contents_of_an_ended_order_are_deleted_after_thirty_days(desk: Desk) -> None:
    ended = desk.order()
    desk.relay(12, every=60)
    assert desk.state(ended) is OrderState.COMPLETED

    desk.clock.advance(29 * DAY)
    early = forget_old_orders(desk.link)
    desk.clock.advance(2 * DAY)
    late = forget_old_orders(desk.link)

    assert (early, late) == (0, 1)
    with desk.link.ledger.reading() as tx, pytest.raises(LookupError, match="purged"):
        order_contents.payload(tx, ended.order_id)
    assert desk.state(ended) is OrderState.COMPLETED


def test_contents_of_an_order_that_still_waits_are_kept(desk: Desk) -> None:
    waiting = desk.order(is_on_hold=True)
    desk.relay_orders()
    desk.clock.advance(90 * DAY)

    assert forget_old_orders(desk.link) == 0
    with desk.link.ledger.reading() as tx:
        assert order_contents.payload(tx, waiting.order_id).number == waiting.number


def test_tracking_numbers_go_after_their_own_time_with_the_texts_that_may_name_them(
    desk: Desk,
) -> None:
    ended = desk.order()
    desk.relay(12, every=60)
    with desk.link.ledger.transaction() as tx:
        problem = exceptions.order_problem(ended.number, ExceptionKind.TRACKING_CORRECTED, "SM1GB")
        exceptions.open_or_refresh(tx, [problem])
        exceptions.resolve_order(tx, ended.number, [ExceptionKind.TRACKING_CORRECTED])

    desk.clock.advance(179 * DAY)
    early = forget_old_tracking(desk.link)
    with desk.link.ledger.reading() as tx:
        kept = [parcel.tracking_number for parcel in parcels_of_order(tx, ended.order_id)]
    desk.clock.advance(2 * DAY)
    late = forget_old_tracking(desk.link)

    assert (early, late, forget_old_tracking(desk.link)) == (0, 1, 0)
    with desk.link.ledger.reading() as tx:
        (parcel,) = parcels_of_order(tx, ended.order_id)
        (message,) = of_order(tx, f"C{ended.number}")
        texts = list(tx.execute(sa.select(tables.exceptions.c.message)).scalars())
    assert kept
    assert all(kept)
    assert parcel.tracking_number == ""
    assert kept[0] not in f"{parcel.sent} {message.body}"
    assert "SM1GB" not in texts


def test_tracking_numbers_of_messages_about_no_order_of_ours_go_after_the_same_time(
    desk: Desk,
) -> None:
    desk.order()
    desk.relay(12, every=60)
    with desk.link.ledger.transaction() as tx:
        body = tx.execute(sa.select(tables.despatches.c.body)).scalar_one()
        tracking = records.loads(Despatch, body).parcels[0].tracking_number
        base = dict(tx.execute(sa.select(tables.despatches)).mappings().one())
        for state in (DespatchState.NOT_OURS, DespatchState.UNMATCHED, DespatchState.SUPERSEDED):
            values = base | {"despatch_id": f"D-{state}", "whistl_number": "X1", "state": state}
            tx.execute(sa.insert(tables.despatches).values(**values))

    def with_tracking() -> set[str]:
        query = sa.select(tables.despatches.c.despatch_id, tables.despatches.c.body)
        with desk.link.ledger.reading() as tx:
            return {name for name, body in tx.execute(query).tuples() if tracking in body}

    assert len(with_tracking()) == 4
    desk.clock.advance(179 * DAY)
    forget_old_tracking(desk.link)
    assert len(with_tracking()) == 4
    desk.clock.advance(2 * DAY)
    forget_old_tracking(desk.link)
    assert with_tracking() == set()
    with desk.link.ledger.reading() as tx:
        assert messages_with_tracking(tx, ended_before=tx.now) == []


def test_notes_on_an_order_go_with_its_texts_and_those_on_an_open_one_stay(desk: Desk) -> None:
    ended = desk.order()
    desk.relay(12, every=60)
    waiting = desk.order(is_on_hold=True)
    desk.relay_orders()
    with desk.link.ledger.transaction() as tx:
        for order in (ended, waiting):
            row = orders.find_by_number(tx, order.number)
            assert row is not None
            orders.note(tx, row, "retried", note="Rang Ada Lovelace")

    def notes() -> set[str]:
        events = tables.order_events
        query = sa.select(events.c.centra_id).where(events.c.note.is_not(None))
        with desk.link.ledger.reading() as tx:
            return set(tx.execute(query).scalars())

    desk.clock.advance(179 * DAY)
    forget_old_tracking(desk.link)
    early = notes()
    desk.clock.advance(2 * DAY)
    forget_old_tracking(desk.link)

    assert early == {ended.order_id, waiting.order_id}
    assert notes() == {waiting.order_id}


def test_a_request_to_release_a_feed_that_nobody_answered_goes_with_the_texts(desk: Desk) -> None:
    with desk.link.ledger.transaction() as tx:
        release_requests.ask(tx, "S-1", who="ann", reason="Ada Lovelace rang")

    def request() -> ReleaseRequestRow | None:
        with desk.link.ledger.reading() as tx:
            return release_requests.find(tx, "S-1")

    desk.clock.advance(179 * DAY)
    forget_old_tracking(desk.link)
    early = request()
    desk.clock.advance(2 * DAY)
    forget_old_tracking(desk.link)

    assert early is not None
    assert request() is None


def test_bytes_of_deleted_contents_do_not_stay_in_the_files_of_the_ledger(desk: Desk) -> None:
    address = {**ADA, "lastName": "Vanishing-Kanari"}
    desk.order(address=address)
    desk.relay(12, every=60)
    desk.clock.advance(31 * DAY)

    forget_old_orders(desk.link)

    files = [path for path in Path(desk.environment["STATE_DIR"]).iterdir() if path.is_file()]
    assert len(files) > 1
    assert [path.name for path in files if b"Vanishing-Kanari" in path.read_bytes()] == []
