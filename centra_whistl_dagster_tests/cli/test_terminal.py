"""Text from outside, as a terminal and a spreadsheet get it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from centra_whistl_dagster.cli.terminal import FORMULA_SIGNS, Refusal, safe_cell
from centra_whistl_dagster.domain.hidden_characters import visible

SPACES = st.text(alphabet=" \t\r\n\v\f\u00a0\u3000\u200b\ufeff\u2028", max_size=4)


@pytest.mark.parametrize(
    ("case", "text", "shown"),
    [
        ("clear the screen", "Ada\x1b[2J", r"Ada\x1b[2J"),
        ("retitle the terminal, with the 8-bit introducer", "\x9d0;root\x9c", r"\x9d0;root\x9c"),
        ("overwrite the line", "paid\rfree", r"paid\rfree"),
        ("a line of its own", "a\nOrder 1: passes", r"a\nOrder 1: passes"),
        ("a zero-width space in a SKU", "TEE\u200b-M", r"TEE\u200b-M"),
        ("text that runs backwards", "\u202efdp", r"\u202efdp"),
        ("half of a surrogate pair", "\ud800", r"\ud800"),
        ("ordinary letters of any script", "Zoë Łukasz 山田 [x]", "Zoë Łukasz 山田 [x]"),
    ],
)
def test_a_hidden_character_is_written_out(case: str, text: str, shown: str) -> None:
    assert visible(text) == shown, case


@given(st.text())
def test_no_control_character_reaches_the_terminal(text: str) -> None:
    assert not [each for each in visible(text) if unicodedata.category(each) in {"Cc", "Cf", "Cs"}]


def test_a_refusal_keeps_its_own_lines_and_shows_what_it_quotes() -> None:
    assert Refusal("two\nlines \x1b[0m").format_message() == "two\nlines \\x1b[0m"


@given(SPACES, st.sampled_from(FORMULA_SIGNS), st.text())
def test_no_cell_starts_a_formula_even_after_spaces_and_line_breaks(
    spaces: str, sign: str, rest: str
) -> None:
    assert not safe_cell(f"{spaces}{sign}{rest}").lstrip().startswith(FORMULA_SIGNS)


@given(st.text())
def test_no_text_at_all_starts_a_formula(text: str) -> None:
    assert not safe_cell(text).lstrip().startswith(FORMULA_SIGNS)


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (" =1+1", "' =1+1"),
        ("\n@SUM(A1)", r"\n@SUM(A1)"),
        ("O'Neil", "O'Neil"),
        (None, ""),
        (3, "3"),
    ],
)
def test_a_cell_stays_readable(value: object, cell: str) -> None:
    assert safe_cell(value) == cell
