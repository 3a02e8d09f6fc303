from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from centra_whistl_dagster.domain.orders.addresses import folded_lines, in_whistl_fields
from centra_whistl_dagster.domain.orders.order import Address

words = st.text("abcdefghij0123456789", min_size=1, max_size=12)
address_parts = st.lists(st.lists(words, min_size=1, max_size=6).map(" ".join), max_size=4)


@pytest.mark.parametrize(
    ("parts", "lines"),
    [
        ([], ("", "")),
        (["12 High Street"], ("12 High Street", "")),
        (["12 High Street", "Little Wold"], ("12 High Street", "Little Wold")),
        (["", "12 High Street"], ("12 High Street", "")),
        (["Flat 2", "Mill House", "High Street"], ("Flat 2, Mill House, High Street", "")),
        (
            ["c/o Grace", "Flat 2, The Old Mill House", "12 High Street"],
            ("c/o Grace, Flat 2", "The Old Mill House, 12 High Street"),
        ),
        (
            ["The Old Coach House Annexe Upper 12 High Street"],
            ("The Old Coach House Annexe Upper", "12 High Street"),
        ),
    ],
)
def test_parts_are_folded_into_two_lines(parts: list[str], lines: tuple[str, str]) -> None:
    assert folded_lines(parts, limit=35) == lines


@given(address_parts)
def test_folding_never_loses_a_word_and_never_makes_an_overlong_line_of_one_that_fits(
    parts: list[str],
) -> None:
    line1, line2 = folded_lines(parts, limit=35)

    assert f"{line1} {line2}".replace(",", "").split() == " ".join(parts).split()
    if sum(len(part) + 2 for part in parts) <= 35:
        assert max(len(line1), len(line2)) <= 35


def test_a_line_feed_parts_two_lines_instead_of_joining_two_words() -> None:
    text = in_whistl_fields(Address(line1="Flat 2\r\n12 High Street"), line_length=35)

    assert (text.line1, text.line2) == ("Flat 2", "12 High Street")


def test_an_attention_line_has_no_field_at_whistl_and_is_kept_in_the_lines() -> None:
    address = Address(first_name="Ada", attention="c/o Grace", line1="12 High Street")

    text = in_whistl_fields(address, line_length=35)

    assert (text.name.text, text.line1, text.line2) == ("Ada", "c/o Grace", "12 High Street")


@pytest.mark.parametrize("attention", ["ADA LOVELACE", "Analytical Ltd"])
def test_an_attention_line_that_repeats_the_recipient_is_not_sent_twice(attention: str) -> None:
    address = Address(
        first_name="Ada",
        last_name="Lovelace",
        company="Analytical Ltd",
        attention=attention,
        line1="12 High Street",
    )

    assert in_whistl_fields(address, line_length=35).line1 == "12 High Street"
