"""A cursor that is a time never hides what is still to come."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from centra_whistl_dagster.ledger import state
from centra_whistl_dagster.ledger.engine import Ledger
from centra_whistl_dagster.simulator.world.clock import ManualClock

NAME = "a feed"


def advanced(ledger: Ledger, *moments: datetime, read_at: datetime) -> datetime | None:
    with ledger.transaction() as tx:
        state.advance(tx, NAME, moments, read_at=read_at)
        value = state.read(tx, NAME)
    return datetime.fromisoformat(value) if value else None


def test_a_cursor_follows_the_newest_moment_and_never_goes_back(
    ledger: Ledger, clock: ManualClock
) -> None:
    now = clock()
    old, new = now - timedelta(hours=2), now - timedelta(hours=1)

    assert advanced(ledger, new, old, read_at=now) == new
    assert advanced(ledger, old, read_at=now) == new
    assert advanced(ledger, read_at=now) == new
    assert advanced(ledger, now, read_at=now) == now


def test_moments_in_the_future_are_no_measure_of_how_far_reading_got(
    ledger: Ledger, clock: ManualClock
) -> None:
    now, future = clock(), clock() + timedelta(days=1)
    past = now - timedelta(hours=1)

    assert advanced(ledger, past, future, read_at=now) == past
    assert advanced(ledger, future, read_at=now) == past


def test_the_first_reading_of_future_moments_alone_reaches_to_the_reading(
    ledger: Ledger, clock: ManualClock
) -> None:
    now = clock()

    assert advanced(ledger, now + timedelta(days=1), read_at=now) == now


def test_what_came_while_reading_is_read_again(ledger: Ledger, clock: ManualClock) -> None:
    read_at = clock()
    before, meanwhile = read_at - timedelta(minutes=1), read_at + timedelta(minutes=3)
    clock.advance(300)

    assert advanced(ledger, before, meanwhile, read_at=read_at) == before


def test_a_cursor_in_the_future_is_read_and_kept_as_now(ledger: Ledger, clock: ManualClock) -> None:
    with ledger.transaction() as tx:
        state.set_to(tx, NAME, (clock() + timedelta(days=9)).isoformat())
    with ledger.reading() as tx:
        assert state.reached(tx, NAME) == clock()

    assert advanced(ledger, read_at=clock()) == clock()


@given(offsets=st.lists(st.integers(-100_000, 100_000), max_size=5))
def test_no_moments_put_a_cursor_in_the_future(offsets: list[int]) -> None:
    clock = ManualClock()
    ledger = Ledger("sqlite://", now=clock)
    moments = [clock() + timedelta(seconds=offset) for offset in offsets]

    reached = advanced(ledger, *moments, read_at=clock())
    ledger.close()

    assert reached is None or reached <= clock()
