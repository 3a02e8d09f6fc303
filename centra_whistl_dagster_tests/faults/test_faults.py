"""The short form of `make faults`, and that it would notice what it is there to find."""

from __future__ import annotations

import pytest

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, Problem, SubjectType
from centra_whistl_dagster.ledger import exceptions
from centra_whistl_dagster_tests.faults.exploring import Planned, explore, submission
from centra_whistl_dagster_tests.faults.installation import AllWell, installed
from centra_whistl_dagster_tests.faults.judging import judge
from centra_whistl_dagster_tests.faults.run import Part, Plan, never_happened, run
from centra_whistl_dagster_tests.faults.wire import Fault

SHORT = Plan(schedules=150, seed=1, kills=6, processes=1)


@pytest.fixture(scope="module")
def parts() -> dict[str, Part]:
    return run(SHORT)


@pytest.mark.timeout(1800)
def test_no_schedule_of_faults_loses_doubles_or_falsifies_an_order(parts: dict[str, Part]) -> None:
    assert {sort: part.examples for sort, part in parts.items() if part.examples} == {}
    assert sum(part.schedules for part in parts.values()) >= SHORT.schedules


@pytest.mark.timeout(1800)
def test_every_fault_struck_and_every_circumstance_occurred(parts: dict[str, Part]) -> None:
    assert never_happened(parts) == set()


@pytest.mark.timeout(1800)
def test_everything_comes_to_rest_soon_after_the_last_fault(parts: dict[str, Part]) -> None:
    assert max(parts["submission"].ticks) <= 6
    assert max(parts["despatch"].ticks) <= 6
    assert max(parts["days"].ticks) <= 60


def test_a_look_up_that_comes_too_early_is_found_to_send_twice() -> None:
    def early(schedule: tuple[Fault | None, ...]) -> object:
        return submission(schedule, lag_seconds=0, pause=1.0)

    lived = list(explore(early, most_faults=1))  # type: ignore[arg-type]

    twice = [each.schedule for each in lived if each.verdict.twice]
    assert any(Fault.LOST_AFTER in schedule for schedule in twice)


def test_a_schedule_that_meets_other_points_is_an_error() -> None:
    planned = Planned((Fault.LATE,))
    planned.is_armed = True

    with pytest.raises(AssertionError, match="must meet the same points"):
        planned.of_transaction()


def about(subject_type: SubjectType, subject: str, message: str) -> Problem:
    return Problem(
        kind=ExceptionKind.ORDER_IN_DOUBT,
        subject_type=subject_type,
        subject=subject,
        field="",
        value="",
        message=message,
    )


def test_an_open_exception_excuses_only_an_order_that_somebody_touched() -> None:
    with installed(AllWell()) as desk:
        order = desk.order()
        desk.make_ready(order)
        with desk.link.ledger.transaction() as tx:
            problem = about(SubjectType.ORDER, str(order.number), "Nobody knows.")
            exceptions.open_or_refresh(tx, [problem])

        excused = judge(desk, touched=frozenset({order.number}))
        untouched = judge(desk)

    assert excused.is_good
    assert untouched.unbalanced == [f"{order.number}: ready in the ledger to the end"]


def test_an_exception_about_something_else_excuses_no_order_whose_number_it_holds() -> None:
    with installed(AllWell()) as desk:
        order = desk.order()
        desk.make_ready(order)
        with desk.link.ledger.transaction() as tx:
            problem = about(SubjectType.SKU, "HAT", f"Not enough for order {order.number}.")
            exceptions.open_or_refresh(tx, [problem])

        verdict = judge(desk, touched=frozenset({order.number}))

    assert verdict.unbalanced == [f"{order.number}: ready in the ledger to the end"]
