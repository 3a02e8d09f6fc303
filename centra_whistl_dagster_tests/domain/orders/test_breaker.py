"""The breaker opens after a few different orders went unanswered, and closes on one answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from centra_whistl_dagster.domain.orders.breaker import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    MOST_LOST,
    UNTRIED_EVERY,
    Breaker,
    BreakerState,
    answer_lost,
    answered,
    probe_failed,
    probe_order,
)

NOW = datetime(2026, 11, 27, 8, tzinfo=UTC)


def after_lost(*orders: str) -> Breaker:
    breaker = Breaker()
    for order in orders:
        breaker = answer_lost(breaker, order, now=NOW)
    return breaker


def test_it_opens_when_so_many_different_orders_went_unanswered_and_no_sooner() -> None:
    assert after_lost("a", "b").state(NOW) is BreakerState.CLOSED
    assert after_lost("a", "a", "a", "a").state(NOW) is BreakerState.CLOSED
    assert after_lost("a", "b", "c").state(NOW) is BreakerState.OPEN


def test_one_answer_closes_it_and_forgets_what_was_lost() -> None:
    assert answered(after_lost("a", "b", "c")) == Breaker()


def test_each_lost_answer_leaves_room_for_fewer_calls_so_that_no_more_are_lost_than_it_takes() -> (
    None
):
    rooms = [after_lost(*"ab"[:lost]).room(at_once=8) for lost in range(MOST_LOST)]

    assert rooms == [3, 2, 1]
    assert Breaker().room(at_once=2) == 2


def test_a_probe_may_go_at_the_very_moment_of_its_time_and_not_before() -> None:
    breaker = after_lost("a", "b", "c")
    due = NOW + FIRST_PAUSE

    assert breaker.state(due - timedelta(microseconds=1)) is BreakerState.OPEN
    assert breaker.state(due) is BreakerState.HALF_OPEN


def test_each_failed_probe_doubles_the_pause_up_to_the_longest() -> None:
    breaker, pauses = after_lost("a", "b", "c"), []
    for _ in range(8):
        breaker = probe_failed(breaker, now=NOW)
        assert breaker.probe_at is not None
        pauses.append(breaker.probe_at - NOW)

    assert pauses[:3] == [2 * FIRST_PAUSE, 4 * FIRST_PAUSE, 8 * FIRST_PAUSE]
    assert pauses[-1] == LONGEST_PAUSE


def test_a_probe_whose_answer_is_lost_is_a_failed_probe() -> None:
    breaker = answer_lost(after_lost("a", "b", "c"), "d", now=NOW)

    assert (breaker.probes, breaker.lost) == (1, ("a", "b", "c", "d"))
    assert breaker.probe_at == NOW + 2 * FIRST_PAUSE


def test_orders_that_were_lost_before_are_the_probes_but_some_probes_are_others() -> None:
    waiting = [("x", "x"), ("b", "b"), ("y", "y")]
    breaker = after_lost("a", "b", "c")
    chosen = []
    for _ in range(UNTRIED_EVERY):
        chosen.append(probe_order(breaker, waiting))
        breaker = probe_failed(breaker, now=NOW)

    assert chosen == ["b", "b", "b", "x"]
    assert probe_order(breaker, [("x", "x")]) == "x"
    assert probe_order(breaker, []) is None
