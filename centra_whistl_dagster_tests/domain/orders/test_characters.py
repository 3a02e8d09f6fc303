from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from centra_whistl_dagster.domain.orders.characters import carried, named

NEVER_SENT = set("~|<>")


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("Ada O'Brien", "Ada O'Brien"),
        ("Jos\N{LATIN SMALL LETTER E WITH ACUTE}", "Jos\N{LATIN SMALL LETTER E WITH ACUTE}"),
        ("Jose\N{COMBINING ACUTE ACCENT}", "Jos\N{LATIN SMALL LETTER E WITH ACUTE}"),
        ("\N{LATIN CAPITAL LETTER L WITH STROKE}\N{LATIN SMALL LETTER O WITH ACUTE}d", "L\xf3d"),
        ("Ers\N{LATIN SMALL LETTER O WITH DOUBLE ACUTE}", "Erso"),
        ("Y\N{LATIN SMALL LETTER DOTLESS I}ld", "Yild"),
        ("\N{LEFT DOUBLE QUOTATION MARK}Rose\N{RIGHT SINGLE QUOTATION MARK}s", "\"Rose's"),
        ("Flat 2\N{EN DASH}3", "Flat 2-3"),
        ("Flat 2\r\n12 High Street", "Flat 2 12 High Street"),
        ("  two\t  words\N{NO-BREAK SPACE}", "two words"),
        ("in\N{ZERO WIDTH SPACE}visible\x00", "invisible"),
        ("Flat 2 | High Street ~ York", "Flat 2 - High Street - York"),
        ("\N{FULLWIDTH DIGIT ONE}\N{FULLWIDTH DIGIT TWO}", "12"),
        ("\N{LATIN CAPITAL LETTER SCHWA}liyeva", "Aliyeva"),
        ("\N{MODIFIER LETTER LEFT HALF RING}Al\N{LATIN SMALL LETTER I WITH MACRON}", "Ali"),
        ("\N{LATIN SMALL LETTER E WITH CIRCUMFLEX AND TILDE}", "e"),
        ("\N{CYRILLIC CAPITAL LETTER ZHE}\N{CYRILLIC SMALL LETTER A}", "Zha"),
        ("\N{GREEK CAPITAL LETTER THETA}\N{GREEK SMALL LETTER ALPHA WITH TONOS}", "Tha"),
        ("\N{GEORGIAN LETTER GHAN}\N{ARMENIAN SMALL LETTER SHA}", "ghsh"),
        ("", ""),
    ],
)
def test_a_character_with_a_plain_spelling_gets_it(raw: str, text: str) -> None:
    assert (carried(raw).text, carried(raw).unsupported) == (text, "")


@pytest.mark.parametrize(
    "character",
    [
        "\N{BALLOON}",
        "\N{ARABIC LETTER MEEM}",
        "\N{CJK UNIFIED IDEOGRAPH-6771}",
        "<",
        ">",
        "\ud800",
        "\ue000",
    ],
)
def test_a_character_without_a_plain_spelling_is_named_and_not_guessed(character: str) -> None:
    assert carried(f"a{character}b{character}").unsupported == character


def test_what_is_written_otherwise_is_named_without_spelling_the_word() -> None:
    assert carried("\N{LATIN CAPITAL LETTER L WITH STROKE}uk").respelled == (
        "\N{LATIN CAPITAL LETTER L WITH STROKE} as L"
    )
    assert carried("".join(map(chr, range(0x430, 0x438)))).respelled.endswith(" and 4 more")


def test_a_character_that_cannot_be_shown_is_named_by_its_number() -> None:
    assert named("\N{BALLOON}\ud800") == "\N{BALLOON} (U+1F388), U+D800"


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_comes_out_as_printable_latin_1(raw: str) -> None:
    text = carried(raw).text

    assert all(c.isprintable() and ord(c) < 256 and c not in NEVER_SENT for c in text)
    assert text == " ".join(text.split(" ")).strip()
    assert carried(text).text == text
