from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from centra_whistl_dagster.domain.stock.guards import (
    Against,
    GuardPolicy,
    Limits,
    Movement,
    Outcome,
    RefusalReason,
    SnapshotFacts,
    judge,
    learn,
)

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
POLICY = GuardPolicy()
DEFAULT_LIMITS = learn((), POLICY)
LAST = Against(
    taken_at=NOON - timedelta(minutes=15),
    rows=1000,
    still_named=1000,
    in_stock=800,
    zeroed=4,
    units_before=20_000,
    units_now=19_700,
)
GOOD = SnapshotFacts(
    snapshot_id="S-1",
    taken_at=NOON - timedelta(minutes=1),
    is_complete=True,
    rows_announced=1000,
    rows=1000,
    bad_rows=0,
    against=LAST,
)


def reasons(facts: SnapshotFacts, limits: Limits = DEFAULT_LIMITS) -> set[RefusalReason]:
    verdict = judge(facts, now=NOON, limits=limits, policy=POLICY)
    assert bool(verdict.refusals) == (verdict.outcome is Outcome.QUARANTINE)
    return {refusal.reason for refusal in verdict.refusals}


def test_a_good_snapshot_is_used() -> None:
    assert judge(GOOD, now=NOON, limits=DEFAULT_LIMITS, policy=POLICY).outcome is Outcome.USE


def test_the_very_first_snapshot_is_used_although_there_is_nothing_to_measure_it_against() -> None:
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
            replace(GOOD, taken_at=LAST.taken_at - timedelta(minutes=15)),
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
            replace(GOOD, against=replace(LAST, zeroed=17)),
            RefusalReason.MANY_TO_ZERO,
        ),
        (
            "a third of all units gone",
            replace(GOOD, against=replace(LAST, units_now=13_000)),
            RefusalReason.LARGE_DROP,
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
    small = replace(LAST, rows=20, still_named=20, in_stock=20, zeroed=5)

    assert reasons(replace(GOOD, rows=20, rows_announced=20, against=small)) == set()


def test_a_shop_with_little_left_may_sell_it() -> None:
    little = replace(LAST, units_before=30, units_now=5)

    assert reasons(replace(GOOD, against=little)) == set()
    assert reasons(replace(GOOD, against=replace(little, units_now=4))) == {
        RefusalReason.LARGE_DROP
    }


def test_stock_that_rises_is_never_a_drop() -> None:
    assert reasons(replace(GOOD, against=replace(LAST, units_now=90_000))) == set()


def test_after_a_longer_gap_more_may_have_moved() -> None:
    moved = replace(LAST, zeroed=40, taken_at=GOOD.taken_at - timedelta(hours=1))
    limits = Limits(zeroed_share=0.02, drop_share=0.05, usual_gap_seconds=900)

    assert reasons(replace(GOOD, against=moved), limits) == set()
    assert reasons(
        replace(GOOD, against=replace(moved, taken_at=GOOD.taken_at - timedelta(minutes=15))),
        limits,
    ) == {RefusalReason.MANY_TO_ZERO}


def test_no_gap_is_long_enough_to_let_everything_go_to_zero() -> None:
    moved = replace(LAST, zeroed=200, units_now=10_000, taken_at=NOON - timedelta(days=4))
    limits = Limits(zeroed_share=0.02, drop_share=0.05, usual_gap_seconds=900)

    assert reasons(replace(GOOD, against=moved), limits) == {
        RefusalReason.MANY_TO_ZERO,
        RefusalReason.LARGE_DROP,
    }


def test_limits_are_the_defaults_until_the_history_is_long_enough() -> None:
    wild = [Movement(zeroed_share=0.05, drop_share=0.2, gap_seconds=600)] * 99

    assert learn(wild, POLICY).zeroed_share == POLICY.zeroed_share
    assert learn(wild, POLICY).usual_gap_seconds == 600
    assert learn([*wild, wild[0]], POLICY).zeroed_share == pytest.approx(0.10)


def test_a_calm_history_makes_the_drop_limit_stricter_and_the_zeroed_limit_no_looser() -> None:
    calm = [
        Movement(zeroed_share=0.001, drop_share=0.001 * (at % 3), gap_seconds=900)
        for at in range(200)
    ]

    limits = learn(calm, POLICY)

    assert limits.zeroed_share == POLICY.zeroed_share
    assert limits.drop_share == pytest.approx(0.05)


def test_no_history_lifts_a_limit_above_what_a_person_must_see() -> None:
    wild = [Movement(zeroed_share=0.5, drop_share=0.9, gap_seconds=900)] * 200

    limits = learn(wild, POLICY)

    assert (limits.zeroed_share, limits.drop_share) == (0.10, 0.30)


def test_the_reason_gives_the_numbers_to_the_person_who_decides() -> None:
    verdict = judge(
        replace(GOOD, against=replace(LAST, zeroed=17)),
        now=NOON,
        limits=DEFAULT_LIMITS,
        policy=POLICY,
    )

    assert "17 of 800 SKUs in stock would sell out at once (2.1%; at most 2.0%" in (
        verdict.refusals[0].message
    )
