"""Who ordered what is deleted some time after the order has ended, and not a day before."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import exceptions, order_contents, tables
from centra_whistl_dagster.ledger.despatches import of_order, parcels_of_order
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


def test_bytes_of_deleted_contents_do_not_stay_in_the_files_of_the_ledger(desk: Desk) -> None:
    address = {**ADA, "lastName": "Vanishing-Kanari"}
    desk.order(address=address)
    desk.relay(12, every=60)
    desk.clock.advance(31 * DAY)

    forget_old_orders(desk.link)

    files = [path for path in Path(desk.environment["STATE_DIR"]).iterdir() if path.is_file()]
    assert len(files) > 1
    assert [path.name for path in files if b"Vanishing-Kanari" in path.read_bytes()] == []
