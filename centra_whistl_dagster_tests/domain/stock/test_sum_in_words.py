"""The difference of a SKU as a sum: what is left of the sign equals what is right of it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from centra_whistl_dagster.domain.stock.sum_in_words import CAUSES, sum_in_words
from centra_whistl_dagster.history.stock_tables import CAUSES as COLUMNS


@pytest.mark.parametrize(
    ("causes", "words"),
    [
        (
            {"blocked": -8, "buffer": -3, "unexplained": -1},
            "12 = 8 blocked + 3 buffer + 1 unexplained",
        ),
        ({"stale": 5}, "5 = 5 moved since the snapshot"),
        ({"in_flight": -6, "buffer": 2}, "4 = 6 on the way to Whistl \u2212 2 buffer"),
        ({}, "0"),
    ],
)
def test_the_largest_term_comes_first(causes: dict[str, int], words: str) -> None:
    assert sum_in_words(sum(causes.values()), causes) == words


@given(st.dictionaries(st.sampled_from(sorted(CAUSES)), st.integers(-500, 500)))
def test_both_sides_are_equal(causes: dict[str, int]) -> None:
    words = sum_in_words(sum(causes.values()), causes)

    total, _, terms = words.partition(" = ")
    numbers = re.findall(r"(?:^|([+\u2212]) )(-?\d+) ", terms)
    assert int(total) == sum(-int(n) if sign == "\u2212" else int(n) for sign, n in numbers)
    assert int(total) == abs(sum(causes.values()))


def test_causes_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ValueError, match="do not add up to 3"):
        sum_in_words(3, {"buffer": 2})


def test_every_cause_of_the_history_has_words() -> None:
    assert set(CAUSES) == set(COLUMNS)
