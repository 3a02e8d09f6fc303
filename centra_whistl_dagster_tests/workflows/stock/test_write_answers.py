"""After a write, a SKU waits for its own interval only if no more is for sale than should be."""

from __future__ import annotations

import pytest

from centra_whistl_dagster.ledger.states import WriteOutcome
from centra_whistl_dagster.workflows.stock.writing import WriteAnswer

WANTED = 8


def not_taken(shown: int, allocated: int) -> WriteAnswer:
    return WriteAnswer(outcome=WriteOutcome.NOT_TAKEN, shown=shown, allocated=allocated)


@pytest.mark.parametrize(
    "answer",
    [
        WriteAnswer(outcome=WriteOutcome.WRITTEN, shown=WANTED, allocated=3),
        WriteAnswer(outcome=WriteOutcome.REFUSED, reason="no such SKU"),
        not_taken(shown=5, allocated=3),
        not_taken(shown=10, allocated=10),
    ],
    ids=["written", "refused", "shows fewer", "raised to the allocated quantity"],
)
def test_a_sku_of_which_the_shop_offers_no_more_than_it_should_may_wait(
    answer: WriteAnswer,
) -> None:
    assert answer.may_wait(WANTED)


@pytest.mark.parametrize(
    "answer",
    [
        not_taken(shown=10, allocated=9),
        WriteAnswer(outcome=WriteOutcome.NOT_SENT),
        WriteAnswer(outcome=WriteOutcome.UNKNOWN),
    ],
    ids=["an order was cancelled since", "not sent", "answer lost"],
)
def test_a_sku_of_which_the_shop_may_offer_too_many_is_synced_at_the_next_tick(
    answer: WriteAnswer,
) -> None:
    assert not answer.may_wait(WANTED)
