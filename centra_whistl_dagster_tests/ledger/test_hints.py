"""What Centra has announced is kept as numbers and moments, on both databases."""

from __future__ import annotations

from datetime import timedelta

from centra_whistl_dagster.domain.orders.polling import PushRecord
from centra_whistl_dagster.ledger import hints
from centra_whistl_dagster.ledger.engine import Ledger
from centra_whistl_dagster.ledger.hints import HintSource
from centra_whistl_dagster.simulator.world.clock import ManualClock

PUSH, EVENT = HintSource.PUSH, HintSource.EVENT
LARGE = 9_000_000_000


def test_an_announcement_is_kept_once_for_each_source_and_only_a_later_one_counts_anew(
    ledger: Ledger, clock: ManualClock
) -> None:
    began = clock()
    with ledger.transaction() as tx:
        hints.announce(tx, PUSH, {7: began, LARGE: began})
        hints.announce(tx, EVENT, {7: began})
    clock.advance(60)
    with ledger.transaction() as tx:
        hints.announce(tx, PUSH, {7: began - timedelta(seconds=1), LARGE: clock()})

    with ledger.reading() as tx:
        assert hints.announced_by(tx, PUSH, [7, 8, LARGE]) == {7: began, LARGE: clock()}
        assert hints.announced_by(tx, EVENT, [7, LARGE]) == {7: began}
        assert [hint.announced_at for hint in hints.since(tx, clock())] == [clock()]
        assert {hint.announced_at for hint in hints.since(tx, began)} == {began, clock()}
        assert not any(hint.is_known for hint in hints.since(tx, began))


def test_old_announcements_are_forgotten(ledger: Ledger, clock: ManualClock) -> None:
    with ledger.transaction() as tx:
        hints.announce(tx, PUSH, {1: clock()})
    clock.advance(timedelta(days=2).total_seconds())
    with ledger.transaction() as tx:
        hints.announce(tx, PUSH, {2: clock()})

    with ledger.reading() as tx:
        assert hints.announced_by(tx, PUSH, [1, 2]).keys() == {2}


def test_the_record_of_pushes_is_kept_whole_and_can_be_forgotten(
    ledger: Ledger, clock: ManualClock
) -> None:
    record = PushRecord(heard_at=clock(), judged_until=clock(), missed=2, missed_since=clock())

    with ledger.transaction() as tx:
        assert hints.push_record(tx) is None
        hints.set_push_record(tx, record)
    with ledger.transaction() as tx:
        assert hints.push_record(tx) == record
        hints.forget_push_record(tx)
        assert hints.push_record(tx) is None
