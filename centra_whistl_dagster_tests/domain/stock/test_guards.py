from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from centra_whistl_dagster.domain.stock.feed_limits import Limits, learn
from centra_whistl_dagster.domain.stock.feed_movement import Count, Measure, Movement
from centra_whistl_dagster.domain.stock.guard_policy import GuardPolicy
from centra_whistl_dagster.domain.stock.guards import (
    Against,
    Outcome,
    RefusalReason,
    SnapshotFacts,
    judge,
)

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
POLICY = GuardPolicy()
DEFAULT_LIMITS = learn((), POLICY)
LAST = Against(
    taken_at=NOON - timedelta(minutes=15),
    rows=1000,
    still_named=1000,
    counts={
        **dict.fromkeys(Measure, Count(hits=0, of=800)),
        Measure.ZEROED: Count(hits=4, of=800),
        Measure.FALLEN_UNITS: Count(hits=300, of=20_000),
        Measure.RISEN_UNITS: Count(hits=0, of=20_000),
    },
)


def having(against: Against, **counts: tuple[int, int]) -> Against:
    """Return the same with other counts."""
    other = {Measure(name): Count(hits=hits, of=of) for name, (hits, of) in counts.items()}
    return replace(against, counts={**against.counts, **other})


GOOD = SnapshotFacts(
    snapshot_id="S-1",
    taken_at=NOON - timedelta(minutes=1),
    is_complete=True,
    rows_announced=1000,
    rows=1000,
    bad_rows=0,
    against=LAST,
)


def reasons(
    facts: SnapshotFacts, limits: Limits = DEFAULT_LIMITS, recent: Sequence[Movement] = ()
) -> set[RefusalReason]:
    verdict = judge(facts, now=NOON, recent=recent, limits=limits, policy=POLICY)
    assert bool(verdict.refusals) == (verdict.outcome is Outcome.QUARANTINE)
    return {refusal.reason for refusal in verdict.refusals}


def test_a_good_snapshot_is_used() -> None:
    assert (
        judge(GOOD, now=NOON, recent=(), limits=DEFAULT_LIMITS, policy=POLICY).outcome
        is Outcome.USE
    )


def test_a_snapshot_is_used_although_there_is_nothing_at_all_to_measure_it_against() -> None:
    assert reasons(replace(GOOD, against=None)) == set()


@pytest.mark.parametrize(
    ("case", "facts", "expected"),
    [
        ("marked unfinished", replace(GOOD, is_complete=False), RefusalReason.NOT_COMPLETE),
        ("a page lost", replace(GOOD, rows=900), RefusalReason.ROWS_MISSING),
        ("a page too many", replace(GOOD, rows=1100), RefusalReason.ROWS_MISSING),
        ("no rows", replace(GOOD, rows=0, rows_announced=0), RefusalReason.EMPTY),
        ("damaged rows", replace(GOOD, bad_rows=11), RefusalReason.BAD_ROWS),
        (
            "old after new",
            replace(GOOD, taken_at=NOON - timedelta(minutes=30)),
            RefusalReason.OLDER_THAN_LAST,
        ),
        (
            "left lying",
            replace(GOOD, taken_at=NOON - timedelta(minutes=61), against=None),
            RefusalReason.TOO_OLD,
        ),
        (
            "a wrong clock",
            replace(GOOD, taken_at=NOON + timedelta(minutes=6)),
            RefusalReason.FROM_THE_FUTURE,
        ),
        (
            "cut at a record border, with a count that agrees",
            replace(GOOD, rows=500, rows_announced=500, against=replace(LAST, still_named=500)),
            RefusalReason.FEW_ROWS,
        ),
        (
            "as many rows, of other SKUs",
            replace(GOOD, against=replace(LAST, still_named=940)),
            RefusalReason.FEW_KNOWN_SKUS,
        ),
        (
            "sold out at a stroke",
            replace(GOOD, against=having(LAST, zeroed=(17, 800))),
            RefusalReason.MANY_TO_ZERO,
        ),
        (
            "a third of all units gone",
            replace(GOOD, against=having(LAST, fallen_units=(7_000, 20_000))),
            RefusalReason.LARGE_DROP,
        ),
        (
            "half of many SKUs gone",
            replace(GOOD, against=having(LAST, plunged=(17, 800))),
            RefusalReason.LARGE_DROP,
        ),
        (
            "ten times as many units",
            replace(GOOD, against=having(LAST, risen_units=(180_000, 20_000))),
            RefusalReason.LARGE_RISE,
        ),
        (
            "a unit more of each",
            replace(GOOD, against=having(LAST, risen_skus=(800, 800))),
            RefusalReason.MANY_CHANGES,
        ),
        (
            "a unit less of each",
            replace(GOOD, against=having(LAST, fallen_skus=(800, 800))),
            RefusalReason.MANY_CHANGES,
        ),
        (
            "allocated twice over",
            replace(GOOD, against=having(LAST, allocated_units=(500, 500))),
            RefusalReason.LARGE_DROP,
        ),
        (
            "yesterday's stock",
            replace(GOOD, against=having(LAST, undone=(80, 200))),
            RefusalReason.OUR_ORDERS_UNDONE,
        ),
        (
            "as if we had sold nothing",
            replace(GOOD, against=having(LAST, unmoved=(8, 10))),
            RefusalReason.OUR_ORDERS_UNDONE,
        ),
        (
            "nothing allocated",
            replace(GOOD, against=having(LAST, unallocated=(40, 50))),
            RefusalReason.OUR_UNITS_NOT_ALLOCATED,
        ),
        (
            "another client's SKUs",
            replace(GOOD, against=having(LAST, new_skus=(500, 800))),
            RefusalReason.MANY_NEW_SKUS,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_feed_that_cannot_be_right_is_kept_out(
    case: str, facts: SnapshotFacts, expected: RefusalReason
) -> None:
    assert expected in reasons(facts)


def test_one_damaged_row_does_not_delay_the_others() -> None:
    assert reasons(replace(GOOD, rows=20, rows_announced=20, bad_rows=1, against=None)) == set()


def test_a_small_shop_may_sell_out_of_a_few() -> None:
    small = having(replace(LAST, rows=20, still_named=20), zeroed=(5, 20))

    assert reasons(replace(GOOD, rows=20, rows_announced=20, against=small)) == set()


def test_a_shop_with_little_left_may_sell_it() -> None:
    assert reasons(replace(GOOD, against=having(LAST, fallen_units=(25, 30)))) == set()
    assert reasons(replace(GOOD, against=having(LAST, fallen_units=(26, 30)))) == {
        RefusalReason.LARGE_DROP
    }


def test_after_a_longer_gap_more_may_have_moved() -> None:
    moved = having(LAST, zeroed=(40, 800))
    limits = Limits(shares={**DEFAULT_LIMITS.shares}, usual_gap_seconds=900)
    after_an_hour = replace(moved, taken_at=GOOD.taken_at - timedelta(hours=1))
    as_usual = replace(moved, taken_at=GOOD.taken_at - timedelta(minutes=15))

    assert reasons(replace(GOOD, against=after_an_hour), limits) == set()
    assert reasons(replace(GOOD, against=as_usual), limits) == {RefusalReason.MANY_TO_ZERO}


def test_no_gap_is_long_enough_to_let_everything_go_to_zero() -> None:
    moved = having(LAST, zeroed=(200, 800), fallen_units=(10_000, 20_000))
    moved = replace(moved, taken_at=NOON - timedelta(days=4))
    limits = Limits(shares={**DEFAULT_LIMITS.shares}, usual_gap_seconds=900)

    assert reasons(replace(GOOD, against=moved), limits) == {
        RefusalReason.MANY_TO_ZERO,
        RefusalReason.LARGE_DROP,
    }


# ---- sums over days
AT_REST = having(LAST, zeroed=(0, 800), fallen_units=(0, 20_000))


def drops(count: int, **counts: tuple[int, int]) -> list[Movement]:
    """So many good snapshots, a quarter of an hour apart, the last one a quarter ago."""
    return [
        Movement(
            taken_at=GOOD.taken_at - timedelta(minutes=15 * (count - at)),
            gap_seconds=900,
            counts=having(AT_REST, **counts).counts,
        )
        for at in range(count)
    ]


@pytest.mark.parametrize(
    ("measure", "a_drop", "reason"),
    [
        ("zeroed", (15, 800), RefusalReason.MANY_TO_ZERO),
        ("fallen_units", (380, 20_000), RefusalReason.LARGE_DROP),
        ("risen_units", (380, 20_000), RefusalReason.LARGE_RISE),
        ("leapt", (15, 800), RefusalReason.MANY_CHANGES),
        ("unmoved", (3, 5), RefusalReason.OUR_ORDERS_UNDONE),
    ],
)
def test_what_comes_drop_by_drop_is_added_up(
    measure: str, a_drop: tuple[int, int], reason: RefusalReason
) -> None:
    drip = replace(GOOD, against=having(AT_REST, **{measure: a_drop}))

    assert reasons(drip) == set()
    assert reasons(drip, recent=drops(30, **{measure: a_drop})) == {reason}


def test_a_week_is_added_up_too() -> None:
    a_drop = {"zeroed": (12, 800)}
    slow = [
        replace(move, taken_at=NOON - timedelta(hours=20 * (8 - at)))
        for at, move in enumerate(drops(8, **a_drop))
    ] + drops(3, **a_drop)

    verdict = judge(
        replace(GOOD, against=having(LAST, zeroed=(12, 800))),
        now=NOON,
        recent=slow,
        limits=DEFAULT_LIMITS,
        policy=POLICY,
    )

    assert [each.reason for each in verdict.refusals] == [RefusalReason.MANY_TO_ZERO]
    assert "within 168 hours" in verdict.refusals[0].message


# ---- limits
def past(count: int, **counts: tuple[int, int]) -> list[Movement]:
    return drops(count, **counts)


def test_limits_are_the_defaults_until_the_history_is_long_enough() -> None:
    wild = past(99, zeroed=(40, 800))

    assert learn(wild, POLICY).shares[Measure.ZEROED] == POLICY.zeroed_share
    assert learn(wild, POLICY).usual_gap_seconds == 900
    assert learn([*wild, wild[0]], POLICY).shares[Measure.ZEROED] == pytest.approx(0.10)


def test_a_calm_history_makes_the_drop_limit_stricter_and_the_zeroed_limit_no_looser() -> None:
    limits = learn(past(200, zeroed=(1, 800), fallen_units=(20, 20_000)), POLICY)

    assert limits.shares[Measure.ZEROED] == POLICY.zeroed_share
    assert limits.shares[Measure.FALLEN_UNITS] == pytest.approx(0.05)


def test_no_history_lifts_a_limit_above_what_a_person_must_see() -> None:
    limits = learn(past(200, zeroed=(400, 800), fallen_units=(18_000, 20_000)), POLICY)

    assert limits.shares[Measure.ZEROED] == 0.10
    assert limits.shares[Measure.FALLEN_UNITS] == 0.30


def test_after_a_release_nothing_learnt_before_it_counts() -> None:
    calm = past(200, fallen_units=(20, 20_000))

    limits = learn(calm, POLICY, released_at=calm[-10].taken_at)

    assert limits.shares[Measure.FALLEN_UNITS] == POLICY.drop_share


def test_after_a_clear_out_goods_in_is_measured_by_the_usual_stock() -> None:
    limits = learn(past(200), POLICY, released_at=GOOD.taken_at)
    restocked = having(LAST, risen_units=(900, 1_000))

    assert reasons(replace(GOOD, against=restocked), limits) == set()
    assert reasons(replace(GOOD, against=restocked)) == {RefusalReason.LARGE_RISE}


def test_the_reason_gives_the_numbers_to_the_person_who_decides() -> None:
    verdict = judge(
        replace(GOOD, against=having(LAST, zeroed=(17, 800))),
        now=NOON,
        recent=(),
        limits=DEFAULT_LIMITS,
        policy=POLICY,
    )

    assert "17 of 800 SKUs in stock would sell out at once (2.1%; at most 2.0%" in (
        verdict.refusals[0].message
    )
