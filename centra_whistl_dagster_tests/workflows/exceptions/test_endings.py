"""Every kind of exception has an end: a fact that ends it, or a person who says that it is over."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pytest

from centra_whistl_dagster.alerts.addresses import AlertAddresses
from centra_whistl_dagster.alerts.delivery import Letter
from centra_whistl_dagster.alerts.endings import BEGINNINGS
from centra_whistl_dagster.alerts.rules import WARNING_LASTS
from centra_whistl_dagster.domain.exceptions.endings import (
    ENDS,
    PROVED_OVER_BY_ACCEPTANCE,
    Ending,
)
from centra_whistl_dagster.domain.exceptions.problems import (
    ADVICE,
    ExceptionKind,
    Problem,
    SubjectType,
)
from centra_whistl_dagster.domain.orders.screening_policy import ScreeningPolicy
from centra_whistl_dagster.ledger import exception_news, exceptions
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.screening.rules import rule_books
from centra_whistl_dagster.workflows.exceptions import alerting
from centra_whistl_dagster.workflows.exceptions.delivery import deliver
from centra_whistl_dagster_tests.workflows.exceptions.walks import WALKS

if TYPE_CHECKING:
    from centra_whistl_dagster_tests.workflows.conftest import Desk


@pytest.mark.parametrize("kind", ExceptionKind)
def test_every_kind_opens_and_ends(desk: Desk, kind: ExceptionKind) -> None:
    walk = WALKS[kind](desk)

    next(walk)
    opened = desk.problems()
    next(walk, None)

    assert kind in opened
    assert kind not in desk.problems()


@pytest.mark.parametrize("kind", ExceptionKind)
def test_every_kind_opens_again_once_its_cause_was_over_but_not_after_a_person_closed_it(
    desk: Desk, kind: ExceptionKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    raised: dict[tuple[str, str], Problem] = {}
    open_or_refresh = exceptions._open_or_refresh

    def recorded(tx: Transaction, problem: Problem) -> int:
        if problem.kind is kind:
            raised[(problem.subject, problem.field)] = problem
        return open_or_refresh(tx, problem)

    monkeypatch.setattr(exceptions, "_open_or_refresh", recorded)
    walk = WALKS[kind](desk)
    next(walk)
    next(walk, None)
    with desk.link.ledger.reading() as tx:
        ended = exception_news.listed(tx, only_open=False)
    over = {(row.subject, row.field) for row in ended if row.kind is kind and not row.closed_by}

    desk.clock.advance(60)
    with desk.link.ledger.transaction() as tx:
        exceptions.open_or_refresh(tx, list(raised.values()))

    with desk.link.ledger.reading() as tx:
        again = [row for row in exception_news.listed(tx) if row.kind is kind]
    assert {(row.subject, row.field) for row in again} == over
    assert {row.told for row in again} <= {"nothing"}


@pytest.mark.parametrize("kind", ExceptionKind)
def test_the_alert_of_every_kind_ends_with_what_is_true_of_it_and_names_both_numbers(
    desk: Desk, kind: ExceptionKind
) -> None:
    walk = WALKS[kind](desk)
    next(walk)
    with desk.link.ledger.reading() as tx:
        rows = [row for row in exception_news.listed(tx) if row.kind is kind]
        concerned = exception_news.orders_concerned(tx, rows)
        instructions = tx.responsibilities[kind].instructions
    desk.clock.advance(WARNING_LASTS.total_seconds() + 1)
    taken: list[Letter] = []

    def post(letters: Sequence[Letter]) -> Mapping[int, str | None]:
        taken.extend(letters)
        return {letter.id: None for letter in letters}

    addresses = AlertAddresses(default="all")
    alerting.tell_owners(desk.link.ledger, addresses)
    deliver(desk.link.ledger, addresses, post=post)

    about = [letter.body for letter in taken if re.search(_numbered(rows[0].id), letter.body)]
    assert about, taken
    assert instructions in about[0]
    ending = f"{BEGINNINGS[ENDS[kind].ending]} {ENDS[kind].when}."
    assert any(ending in line for line in about[0].splitlines()[-3:])
    if rows[0].subject_type in {SubjectType.ORDER, SubjectType.DESPATCH}:
        for order in concerned.get(rows[0].id, ()):
            assert order.whistl_number in about[0]


def _numbered(exception_id: int) -> str:
    return rf"(?m)^Exceptions? ([\d, ]* )?{exception_id}\b"


def test_an_alert_about_a_despatch_names_the_order_it_is_about(desk: Desk) -> None:
    walk = WALKS[ExceptionKind.TRACKING_CORRECTED](desk)
    next(walk)

    with desk.link.ledger.reading() as tx:
        (row,) = (
            row for row in exception_news.listed(tx) if row.kind is ExceptionKind.TRACKING_CORRECTED
        )
        (order,) = exception_news.orders_concerned(tx, [row])[row.id]

    assert order.whistl_number == f"C{order.number}"


def test_what_orders_share_closes_with_the_last_of_them() -> None:
    books = rule_books(ScreeningPolicy())
    subjects = (
        {rule.kind: rule.subject for rule in books.orders.rules}
        | {rule.kind: rule.subject for rule in books.lines.rules}
        | {rule.kind: rule.subject for rule in books.skus.rules}
    )
    shared = {kind for kind, subject in subjects.items() if subject is not SubjectType.ORDER}

    closing_with_the_last = {kind for kind, end in ENDS.items() if "every order that" in end.when}

    assert closing_with_the_last == shared - ADVICE


def test_every_kind_says_how_it_ends() -> None:
    assert set(ENDS) == set(ExceptionKind)


def test_what_a_person_alone_ends_may_be_closed_by_hand() -> None:
    by_a_person = {kind for kind, end in ENDS.items() if end.ending is Ending.NEEDS_A_PERSON}

    assert all(ENDS[kind].may_be_closed_by_hand for kind in by_a_person)


def test_acceptance_proves_no_advice_over() -> None:
    assert not PROVED_OVER_BY_ACCEPTANCE & ADVICE
