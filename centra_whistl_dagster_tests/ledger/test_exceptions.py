"""One open exception per cause and subject, which closes when the cause is gone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, Problem, SubjectType
from centra_whistl_dagster.ledger import exception_news, exceptions
from centra_whistl_dagster.ledger.engine import Ledger
from centra_whistl_dagster.ledger.rows import OrderRow
from centra_whistl_dagster.simulator.world.clock import ManualClock

KIND = ExceptionKind.SKU_UNKNOWN
OTHER = ExceptionKind.POSTCODE_MALFORMED


def problem(
    subject: str = "TEE-S",
    kind: ExceptionKind = KIND,
    *,
    field: str = "sku",
    subject_type: SubjectType = SubjectType.SKU,
    message: str = "Whistl has never heard of it.",
) -> Problem:
    return Problem(
        kind=kind,
        subject_type=subject_type,
        subject=subject,
        field=field,
        value="",
        message=message,
    )


@pytest.fixture
def raise_them(ledger: Ledger) -> Callable[..., set[int]]:
    def run(*problems: Problem) -> set[int]:
        with ledger.transaction() as tx:
            return exceptions.open_or_refresh(tx, problems)

    return run


@pytest.fixture
def open_now(ledger: Ledger) -> Callable[[], list[tuple[str, str]]]:
    def read() -> list[tuple[str, str]]:
        with ledger.reading() as tx:
            return sorted((row.kind, row.subject) for row in exception_news.listed(tx))

    return read


def test_a_problem_seen_again_is_one_exception_with_its_newest_words(
    ledger: Ledger, clock: ManualClock, raise_them: Callable[..., set[int]]
) -> None:
    first = raise_them(problem())
    clock.advance(60)
    second = raise_them(problem(message="Whistl still has never heard of it."))

    with ledger.reading() as tx:
        (row,) = exception_news.listed(tx)
    assert first == second
    assert row.opened_at == clock() - timedelta(seconds=60)
    assert row.last_seen_at == clock()
    assert row.due_at == row.opened_at + timedelta(minutes=30)
    assert (row.owner, row.message) == ("merchandising", "Whistl still has never heard of it.")


def test_a_problem_that_comes_back_after_it_was_closed_is_a_new_one(
    ledger: Ledger, clock: ManualClock, raise_them: Callable[..., set[int]]
) -> None:
    before = raise_them(problem())
    with ledger.transaction() as tx:
        closed = exceptions.resolve(tx, SubjectType.SKU, "TEE-S")

    assert closed == 1
    assert raise_them(problem()) != before
    with ledger.reading() as tx:
        assert exceptions.counts_by_kind(tx) == {KIND: 2}
        assert exceptions.counts_by_kind(tx, only_open=True) == {KIND: 1}


def test_closing_some_kinds_of_a_subject_leaves_the_rest_and_every_other_subject(
    ledger: Ledger,
    clock: ManualClock,
    raise_them: Callable[..., set[int]],
    open_now: Callable[[], list[tuple[str, str]]],
) -> None:
    raise_them(problem("A"), problem("A", OTHER), problem("B"))

    with ledger.transaction() as tx:
        exceptions.resolve(tx, SubjectType.SKU, "A", [KIND])

    assert open_now() == [(OTHER, "A"), (KIND, "B")]


def test_closing_a_kind_but_where_it_is_still_true(
    ledger: Ledger,
    clock: ManualClock,
    raise_them: Callable[..., set[int]],
    open_now: Callable[[], list[tuple[str, str]]],
) -> None:
    raise_them(problem("A"), problem("B"), problem("C", OTHER))

    with ledger.transaction() as tx:
        exceptions.resolve_kind(tx, KIND, except_subjects={"B"})

    assert open_now() == [(OTHER, "C"), (KIND, "B")]


def test_what_a_person_closed_opens_again_once_its_kind_was_over(
    ledger: Ledger,
    clock: ManualClock,
    raise_them: Callable[..., set[int]],
    open_now: Callable[[], list[tuple[str, str]]],
) -> None:
    for number in raise_them(problem("A"), problem("B")):
        with ledger.transaction() as tx:
            row = exceptions.by_id(tx, number)
            assert row is not None
            exceptions.close_by_hand(tx, row, who="ada", note="seen")

    with ledger.transaction() as tx:
        exceptions.resolve_kind(tx, KIND, except_subjects={"B"})
    raise_them(problem("A"), problem("B"))

    assert open_now() == [(KIND, "A")]


def test_orders_with_one_cause_share_its_exception_until_the_last_is_free_of_it(
    ledger: Ledger,
    clock: ManualClock,
    open_now: Callable[[], list[tuple[str, str]]],
    add: Callable[..., OrderRow],
) -> None:
    one, two = add(1).centra_id, add(2).centra_id

    def set_for(centra_id: str, *problems: Problem) -> None:
        with ledger.transaction() as tx:
            exceptions.set_for_order(tx, centra_id, [KIND, OTHER], problems)

    set_for(one, problem())
    set_for(two, problem(), problem("two", OTHER, subject_type=SubjectType.ORDER))
    shared = open_now()
    set_for(one)
    after_one = open_now()
    set_for(two, problem("two", OTHER, subject_type=SubjectType.ORDER))

    assert shared == after_one == [(OTHER, "two"), (KIND, "TEE-S")]
    assert open_now() == [(OTHER, "two")]


def test_what_a_subject_has_of_some_kinds_is_replaced_and_the_others_stay(
    ledger: Ledger,
    clock: ManualClock,
    raise_them: Callable[..., set[int]],
    open_now: Callable[[], list[tuple[str, str]]],
) -> None:
    raise_them(problem(field="parcel 1"), problem(field="parcel 2"), problem("TEE-S", OTHER))

    with ledger.transaction() as tx:
        exceptions.set_for_subject(
            tx,
            SubjectType.SKU,
            "TEE-S",
            [KIND],
            [problem(field="parcel 2")],
        )
        fields = {row.field for row in exception_news.listed(tx) if row.kind == KIND}

    assert fields == {"parcel 2"}
    assert open_now() == [(OTHER, "TEE-S"), (KIND, "TEE-S")]


def test_the_most_overdue_come_first_and_an_owner_sees_their_own(
    ledger: Ledger, clock: ManualClock
) -> None:
    with ledger.transaction() as tx:
        exceptions.open_or_refresh(tx, [problem("A"), problem("B", OTHER)])

    with ledger.reading() as tx:
        everything = [row.subject for row in exception_news.listed(tx)]
        of_cx = [row.subject for row in exception_news.listed(tx, owner="cx")]
    assert everything == ["B", "A"]
    assert of_cx == ["B"]
