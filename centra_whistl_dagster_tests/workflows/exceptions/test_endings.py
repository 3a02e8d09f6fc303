"""Every kind of exception has an end: a fact that ends it, or a person who says that it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from centra_whistl_dagster.domain.exceptions.endings import (
    ENDS,
    PROVED_OVER_BY_ACCEPTANCE,
    Ending,
)
from centra_whistl_dagster.domain.exceptions.problems import ADVICE, ExceptionKind, Problem
from centra_whistl_dagster.ledger import exception_news, exceptions
from centra_whistl_dagster.ledger.engine import Transaction
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


def test_every_kind_says_how_it_ends() -> None:
    assert set(ENDS) == set(ExceptionKind)


def test_what_a_person_alone_ends_may_be_closed_by_hand() -> None:
    by_a_person = {kind for kind, end in ENDS.items() if end.ending is Ending.NEEDS_A_PERSON}

    assert all(ENDS[kind].may_be_closed_by_hand for kind in by_a_person)


def test_acceptance_proves_no_advice_over() -> None:
    assert not PROVED_OVER_BY_ACCEPTANCE & ADVICE
