"""What a rule may count on, whatever it says: here about a word instead of an order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.screening.rule import Check, Rule, is_no_longer_than
from centra_whistl_dagster.screening.rulebook import RuleBook, RuleCrashed


@dataclass(frozen=True)
class Word:
    text: str | None
    number: int = 7

    def words(self) -> dict[str, str]:
        return {"order": str(self.number)}


def rule(**changes: Any) -> Rule[Word]:
    """At most three letters."""
    members: dict[str, Any] = {
        "kind": ExceptionKind.CURRENCY_INVALID,
        "check": Check.ORDER,
        "field": "word",
        "reads": lambda word: word.text,
        "holds": is_no_longer_than(3),
        "says": "{value} of order {order} is too long.",
    }
    return Rule(**members | changes)


def found_by(book: RuleBook[Word], *words: Word) -> list[tuple[int, str, str]]:
    return [(row, problem.value, problem.message) for row, problem in book.problems(words)]


def test_the_facts_that_fail_are_named_by_their_place() -> None:
    words = [Word("one"), Word("three", 8), Word("six"), Word("seven", 9)]

    assert found_by(RuleBook([rule()]), *words) == [
        (1, "three", "three of order 8 is too long."),
        (3, "seven", "seven of order 9 is too long."),
    ]


def test_what_is_absent_is_not_judged() -> None:
    assert found_by(RuleBook([rule()]), Word(None)) == []


def test_no_facts_have_no_problems() -> None:
    assert found_by(RuleBook([rule()])) == []


def test_a_personal_value_is_masked_in_the_sentence_too() -> None:
    assert found_by(RuleBook([rule(is_personal=True)]), Word("Lovelace")) == [
        (0, "Lo******", "Lo****** of order 7 is too long.")
    ]


def test_a_value_of_pages_is_cut_and_control_characters_are_named() -> None:
    ((_, value, message),) = found_by(RuleBook([rule()]), Word("a\n" + "b" * 1000))

    assert value == f"aU+000A{'b' * 78}…"
    assert message == f"{value} of order 7 is too long."


def test_half_a_character_stops_no_other_facts() -> None:
    rows = [row for row, *_ in found_by(RuleBook([rule()]), Word("A\ud800BC"), Word("one"))]

    assert rows == [0]


def test_a_blank_value_is_shown_as_blank() -> None:
    book = RuleBook([rule(value=lambda _: "")])

    assert found_by(book, Word("three")) == [(0, "", "(blank) of order 7 is too long.")]


def test_a_rule_that_crashes_is_named_and_no_value_of_an_order_with_it() -> None:
    book = RuleBook([rule(holds=lambda texts: texts.map(int) > 0)])

    with pytest.raises(RuleCrashed) as raised:
        found_by(book, Word("Lovelace"))

    assert str(raised.value) == "currency_invalid word: ValueError"
    assert raised.value.__suppress_context__


def test_two_rules_of_one_kind_and_field_are_refused() -> None:
    with pytest.raises(ValueError, match="same kind and field"):
        RuleBook([rule(), rule()])
