"""Transactions are whole and one at a time; a lease has one holder and outlives none."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

import pytest
import sqlalchemy as sa

from centra_whistl_dagster.domain.orders.order import Order
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import orders, state
from centra_whistl_dagster.ledger.engine import (
    LeaseTaken,
    Ledger,
    LedgerUnavailable,
    RecordNotStored,
    Transaction,
)
from centra_whistl_dagster.ledger.migrations import LedgerTooNew
from centra_whistl_dagster.ledger.rows import OrderRow
from centra_whistl_dagster.migrations import migrations_in
from centra_whistl_dagster.simulator.world.clock import ManualClock


def test_a_transaction_that_fails_leaves_nothing(ledger: Ledger, clock: ManualClock) -> None:
    def write_and_fail() -> None:
        with ledger.transaction() as tx:
            state.set_to(tx, "feed", "1")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_and_fail()

    with ledger.reading() as tx:
        assert state.read(tx, "feed") is None


def test_a_record_that_cannot_be_written_takes_no_other_of_its_transaction_along(
    ledger: Ledger,
    clock: ManualClock,
    add: Callable[..., OrderRow],
    make_order: Callable[..., Order],
) -> None:
    add(1)

    def write_twin(tx: Transaction) -> None:
        with tx.one_record():
            state.set_to(tx, "beside", "1")
            twin = make_order(1)
            orders.add(tx, twin, whistl_number="2", state=OrderState.RECEIVED, reason="again")

    with ledger.transaction() as tx:
        state.set_to(tx, "before", "1")
        with pytest.raises(RecordNotStored, match="IntegrityError"):
            write_twin(tx)
        state.set_to(tx, "after", "1")

    with ledger.reading() as tx:
        kept = [state.read(tx, name) for name in ("before", "beside", "after")]
    assert kept == ["1", None, "1"]


def test_trouble_with_the_database_itself_is_no_fault_of_a_record(ledger: Ledger) -> None:
    with pytest.raises(LedgerUnavailable), ledger.transaction() as tx, tx.one_record():
        raise sa.exc.OperationalError("SELECT 1", None, Exception("server closed the connection"))


def test_writers_of_several_handles_wait_for_each_other_and_lose_nothing(
    ledger_url: str, clock: ManualClock
) -> None:
    url = ledger_url
    Ledger(url, now=clock).close()
    start = threading.Barrier(4)

    def count_up() -> None:
        ledger = Ledger(url, now=clock)
        start.wait()
        for _ in range(10):
            with ledger.transaction() as tx:
                value = int(state.read(tx, "count") or 0)
                state.set_to(tx, "count", str(value + 1))
        ledger.close()

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    ledger = Ledger(url, now=clock)
    with ledger.reading() as tx:
        assert state.read(tx, "count") == "40"
    ledger.close()


def test_a_reader_sees_the_state_before_a_write_under_way_and_makes_it_wait_for_nothing(
    ledger: Ledger, clock: ManualClock
) -> None:
    with ledger.transaction() as writing:
        state.set_to(writing, "feed", "new")
        with ledger.reading() as reading:
            assert state.read(reading, "feed") is None

    with ledger.reading() as reading:
        assert state.read(reading, "feed") == "new"


def test_a_time_without_a_zone_is_refused(ledger: Ledger) -> None:
    naive = datetime(2026, 3, 2, 9)  # noqa: DTZ001 - the very thing that must not come in

    with (
        pytest.raises(sa.exc.StatementError, match="time without a zone"),
        ledger.transaction() as tx,
    ):
        orders.update(tx, ["id"], due_at=naive)


def test_a_lease_is_held_by_one_and_free_again_afterwards(ledger: Ledger) -> None:
    with ledger.lease("stock", holder="one", seconds=60):
        with (
            pytest.raises(LeaseTaken, match="stock"),
            ledger.lease("stock", holder="two", seconds=60),
        ):
            pass
        with ledger.lease("another", holder="two", seconds=60):
            pass

    with ledger.lease("stock", holder="two", seconds=60):
        pass


def test_a_lease_is_free_again_after_a_failure(ledger: Ledger) -> None:
    with pytest.raises(RuntimeError), ledger.lease("stock", holder="one", seconds=60):
        raise RuntimeError

    with ledger.lease("stock", holder="two", seconds=60):
        pass


def test_the_lease_of_a_process_that_died_runs_out_and_the_late_one_does_not_free_anothers(
    ledger: Ledger, clock: ManualClock
) -> None:
    slow = ledger.lease("stock", holder="slow", seconds=60)
    slow.__enter__()
    clock.advance(61)
    with ledger.lease("stock", holder="quick", seconds=60):
        slow.__exit__(None, None, None)
        with pytest.raises(LeaseTaken), ledger.lease("stock", holder="third", seconds=60):
            pass


def test_a_lease_renewed_in_time_outlasts_its_first_term_and_one_renewed_too_late_is_lost(
    ledger: Ledger, clock: ManualClock
) -> None:
    with ledger.lease("stock", holder="slow", seconds=60) as lease:
        clock.advance(50)
        with ledger.transaction() as tx:
            lease.renew(tx)
        clock.advance(50)
        with pytest.raises(LeaseTaken), ledger.lease("stock", holder="quick", seconds=60):
            pass
        clock.advance(11)

        def write_too_late() -> None:
            with ledger.transaction() as tx:
                state.set_to(tx, "feed", "1")
                lease.renew(tx)

        with pytest.raises(LeaseTaken, match="longer than"):
            write_too_late()

    with ledger.reading() as tx:
        assert state.read(tx, "feed") is None


def test_opening_an_up_to_date_ledger_changes_nothing(
    new_database_url: str, clock: ManualClock
) -> None:
    url = new_database_url
    Ledger(url, now=clock).close()
    clock.advance(60)
    before = applied(url)

    Ledger(url, now=clock).close()

    assert applied(url) == before
    assert len(before) == len(migrations_in("centra_whistl_dagster.ledger"))


def applied(url: str) -> list[tuple[str, ...]]:
    engine = sa.create_engine(url)
    with engine.connect() as tx:
        rows = [tuple(row) for row in tx.execute(sa.text("SELECT * FROM applied_migrations"))]
    engine.dispose()
    return rows


def test_several_processes_may_open_a_new_ledger_at_once(
    new_database_url: str, clock: ManualClock
) -> None:
    url = new_database_url
    start = threading.Barrier(4)
    failed: list[BaseException] = []

    def open_it() -> None:
        start.wait()
        try:
            Ledger(url, now=clock).close()
        except BaseException as error:
            failed.append(error)
            raise

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert failed == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            "UPDATE applied_migrations SET checksum = 'edited'",
            "differs from the one that the database was written with. Run the release that wrote",
        ),
        (
            "INSERT INTO applied_migrations VALUES ('9999_from_the_future', 'x', '2030-01-01')",
            r"written by a newer release \(migration '9999_from_the_future'\)",
        ),
    ],
)
def test_a_ledger_of_another_release_is_refused_rather_than_guessed_at(
    ledger_url: str, clock: ManualClock, change: str, said: str
) -> None:
    url = ledger_url
    Ledger(url, now=clock).close()
    engine = sa.create_engine(url)
    with engine.begin() as tx:
        tx.execute(sa.text(change))
    engine.dispose()

    with pytest.raises(LedgerTooNew, match=said):
        Ledger(url, now=clock)
