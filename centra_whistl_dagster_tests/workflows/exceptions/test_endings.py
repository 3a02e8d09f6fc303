"""Every kind of exception has an end: a fact that ends it, or a person who says that it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from centra_whistl_dagster.domain.exceptions.endings import (
    ENDS,
    PROVED_OVER_BY_ACCEPTANCE,
    Ending,
)
from centra_whistl_dagster.domain.exceptions.problems import ADVICE, ExceptionKind
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


def test_every_kind_says_how_it_ends() -> None:
    assert set(ENDS) == set(ExceptionKind)


def test_what_a_person_alone_ends_may_be_closed_by_hand() -> None:
    by_a_person = {kind for kind, end in ENDS.items() if end.ending is Ending.NEEDS_A_PERSON}

    assert all(ENDS[kind].may_be_closed_by_hand for kind in by_a_person)


def test_acceptance_proves_no_advice_over() -> None:
    assert not PROVED_OVER_BY_ACCEPTANCE & ADVICE
