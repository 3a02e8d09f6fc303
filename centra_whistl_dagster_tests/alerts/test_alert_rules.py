"""Who is alerted to what, and when again: decided without a clock, a ledger or a channel."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from centra_whistl_dagster.alerts import rules
from centra_whistl_dagster.alerts.rules import Condition, Memory, News, Standing, Told
from centra_whistl_dagster.domain.exceptions.responsibilities import Severity

NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)


def standing(number: int = 1, **changes: Any) -> Standing:
    plain = Standing(
        exception_id=number,
        kind="postcode_malformed",
        owner="cx",
        severity=Severity.BLOCKING,
        subject_type="order",
        subject=str(100_000 + number),
        message="Invalid GB postcode.",
        opened_at=NOW - timedelta(seconds=10),
        due_at=NOW + timedelta(hours=1),
        resolved_at=None,
        told=Told.NOTHING,
    )
    return replace(plain, **changes)


def news(*standings: Standing, last: dict[str, datetime] | None = None) -> list[str]:
    decided = rules.decide(standings, last or {}, NOW)
    return [f"{group.news} {len(group.standings)}" for group in decided.groups]


def test_ten_thousand_orders_of_one_cause_are_one_group() -> None:
    assert news(*(standing(n) for n in range(10_000))) == ["opened 10000"]


def test_owners_and_kinds_and_news_are_kept_apart() -> None:
    groups = news(
        standing(1),
        standing(2, owner="data"),
        standing(3, kind="phone_missing"),
        standing(4, told=Told.OPENED, resolved_at=NOW),
    )

    assert sorted(groups) == ["opened 1", "opened 1", "opened 1", "resolved 1"]


def test_the_faults_of_one_order_are_one_group_for_each_owner() -> None:
    same = {"subject": "100001"}
    faults = [
        standing(1, kind="address_too_long"),
        standing(2, kind="address_too_long", **same),
        standing(3, kind="unsupported_character", **same),
        standing(4, kind="unsupported_character", **same),
        standing(5, kind="order_total_invalid", owner="finance", **same),
        standing(6, kind="unsupported_character"),
    ]

    groups = rules.decide(faults, {}, NOW).groups

    assert sorted((group.kind, group.owner, len(group.standings)) for group in groups) == [
        ("address_too_long", "cx", 4),
        ("order_total_invalid", "finance", 1),
        ("unsupported_character", "cx", 1),
    ]


def test_the_most_severe_fault_of_an_order_leads() -> None:
    same = {"subject": "100001"}
    mild = standing(1, kind="postcode_malformed", **same)
    urgent = standing(2, kind="edited_after_sending", severity=Severity.URGENT, **same)

    (group,) = rules.decide([mild, urgent], {}, NOW).groups

    assert group.kinds == ("edited_after_sending", "postcode_malformed")


def test_skus_of_one_owner_are_not_one_cause() -> None:
    of_sku: dict[str, Any] = {"subject_type": "sku", "subject": "TEE-S"}

    groups = news(standing(1, kind="sku_unknown", **of_sku), standing(2, kind="x", **of_sku))

    assert len(groups) == 2


def test_advice_is_not_escalated() -> None:
    assert news(standing(told=Told.OPENED, kind="phone_left_out", **LATE)) == []


LATE: dict[str, Any] = {"due_at": NOW - timedelta(seconds=1)}
YOUNG_WARNING: dict[str, Any] = {
    "severity": Severity.WARNING,
    "opened_at": NOW - timedelta(minutes=9),
}


@pytest.mark.parametrize(
    ("case", "changes", "expected"),
    [
        ("new", {}, ["opened 1"]),
        ("reported", {"told": Told.OPENED}, []),
        ("late", {"told": Told.OPENED, **LATE}, ["escalated 1"]),
        ("late, and reported as late", {"told": Told.ESCALATED, **LATE}, []),
        ("fixed", {"told": Told.OPENED, "resolved_at": NOW}, ["resolved 1"]),
        ("fixed late", {"told": Told.ESCALATED, "resolved_at": NOW, **LATE}, ["resolved 1"]),
        ("a warning just now", YOUNG_WARNING, []),
        (
            "a warning that lasts",
            {**YOUNG_WARNING, "opened_at": NOW - timedelta(minutes=10)},
            ["opened 1"],
        ),
    ],
)
def test_each_turn_of_an_exception_is_reported_once(
    case: str, changes: dict[str, Any], expected: list[str]
) -> None:
    assert news(standing(**changes)) == expected, case


def test_what_closed_before_it_was_reported_is_skipped() -> None:
    decided = rules.decide([standing(7, resolved_at=NOW)], {}, NOW)

    assert decided.groups == ()
    assert decided.passed == (7,)


@pytest.mark.parametrize(
    ("case", "severity", "seconds", "is_reported"),
    [
        ("an order waits, just alerted", Severity.BLOCKING, 19, False),
        ("an order waits", Severity.BLOCKING, 20, True),
        ("goods at risk", Severity.URGENT, 20, True),
        ("a warning", Severity.WARNING, 3599, False),
        ("a warning after an hour", Severity.WARNING, 3600, True),
    ],
)
def test_a_cause_that_was_just_alerted_pauses(
    case: str, severity: Severity, seconds: int, is_reported: bool
) -> None:
    each = standing(severity=severity, opened_at=NOW - timedelta(hours=2))
    last = {rules.cause_of(News.OPENED, each.kind, each.owner): NOW - timedelta(seconds=seconds)}

    assert bool(news(each, last=last)) is is_reported, case


def test_no_pause_of_bad_news_takes_more_than_half_of_the_promised_minute() -> None:
    for severity in (Severity.URGENT, Severity.BLOCKING):
        each = standing(severity=severity)
        cause = rules.cause_of(News.OPENED, each.kind, each.owner)
        assert news(each, last={cause: NOW - timedelta(seconds=30)}) == ["opened 1"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b"]),
            st.sampled_from(["cx", "data"]),
            st.sampled_from(list(Told)[:3]),
            st.booleans(),
        ),
        max_size=30,
    )
)
def test_no_exception_is_in_two_alerts_of_a_round(
    made: list[tuple[str, str, Told, bool]],
) -> None:
    standings = [
        standing(n, kind=kind, owner=owner, told=told, resolved_at=NOW if is_done else None)
        for n, (kind, owner, told, is_done) in enumerate(made)
    ]

    decided = rules.decide(standings, {}, NOW)

    seen = [each.exception_id for group in decided.groups for each in group.standings]
    seen += decided.passed
    assert len(seen) == len(set(seen))
    for group in decided.groups:
        assert {(each.kind, each.owner) for each in group.standings} == {(group.kind, group.owner)}


@pytest.mark.parametrize(
    ("case", "now", "expected"),
    [
        ("summer, at eight", "2026-06-02T07:00", "2026-06-02T07:00"),
        ("summer, before eight", "2026-06-02T06:59", "2026-06-01T07:00"),
        ("winter, at eight", "2026-12-02T08:00", "2026-12-02T08:00"),
        ("the day the clocks change", "2026-10-25T08:30", "2026-10-25T08:00"),
    ],
)
def test_the_reminder_is_due_at_eight_in_london(case: str, now: str, expected: str) -> None:
    moment = rules.reminder_moment(datetime.fromisoformat(f"{now}:00+00:00"))

    assert moment == datetime.fromisoformat(f"{expected}:00+00:00"), case


# ---- checks, jobs and sensors
CHECK = Condition(name="check a", title="The check", owner="cx", is_red=True)


def test_a_failure_is_reported_at_once_and_once() -> None:
    remembered = {"check a": Memory(is_told_red=True, last_red_at=NOW, owner="cx")}

    assert rules.turned([CHECK], {}, NOW) == [(News.TURNED_RED, CHECK)]
    assert rules.turned([CHECK], remembered, NOW) == []


def test_a_recovery_is_reported_to_whoever_had_the_failure_once_it_has_lasted() -> None:
    green = replace(CHECK, is_red=False)
    remembered = {"check a": Memory(is_told_red=True, last_red_at=NOW, owner="data")}

    assert rules.turned([green], remembered, NOW + timedelta(minutes=2)) == []
    ((reported, condition),) = rules.turned([green], remembered, NOW + timedelta(minutes=3))
    assert (reported, condition.owner) == (News.TURNED_GREEN, "data")


def test_what_never_failed_is_never_reported_as_recovered() -> None:
    assert rules.turned([replace(CHECK, is_red=False)], {}, NOW) == []
