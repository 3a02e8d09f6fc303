from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from centra_whistl_dagster.domain.orders.postcodes import Territory, destination, uk_postcode


@pytest.mark.parametrize(
    ("raw", "printed"),
    [
        ("SW1A 1AA", "SW1A 1AA"),
        ("sw1a1aa", "SW1A 1AA"),
        (" M1-1AE ", "M1 1AE"),
        ("N1C 4AG", "N1C 4AG"),
        ("E1W 1YY", "E1W 1YY"),
        ("BX9 1AS", "BX9 1AS"),
        ("BF1 4AX", "BF1 4AX"),
        ("NW1W 9AA", "NW1W 9AA"),
        ("GIR 0AA", "GIR 0AA"),
        ("\N{FULLWIDTH LATIN CAPITAL LETTER M}1 1AE", "M1 1AE"),
    ],
)
def test_a_postcode_is_printed_one_way_however_it_was_typed(raw: str, printed: str) -> None:
    assert uk_postcode(raw) == printed


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "A",
        "XXSW1A 1AA",
        "GIR 0AAX",
        "ABC 1AA",
        "SW1A 1A",
        "SW1A 1CA",
        "Q1 1AA",
        "BFPO 57",
        "12345",
    ],
)
def test_an_invalid_postcode_is_refused(raw: str) -> None:
    assert uk_postcode(raw) is None


@given(st.text())
def test_no_text_crashes_and_what_is_printed_prints_the_same(raw: str) -> None:
    printed = uk_postcode(raw)

    assert printed is None or uk_postcode(printed) == printed


@pytest.mark.parametrize(
    ("country", "postcode", "placed", "territory"),
    [
        ("GB", "YO1 7HH", "GB YO", Territory.GREAT_BRITAIN),
        ("XI", "BT1 5GS", "GB BT", Territory.NORTHERN_IRELAND),
        ("GB", "JE2 3BT", "JE JE", Territory.CHANNEL_ISLANDS),
        ("GG", "GY1 1AA", "GG GY", Territory.CHANNEL_ISLANDS),
        ("UK", "IM1 1AA", "IM IM", Territory.ISLE_OF_MAN),
        ("GB", "BF1 4AX", "GB BF", Territory.FORCES),
        ("GB", "nonsense", "GB", Territory.GREAT_BRITAIN),
        ("FR", "75001", "FR", Territory.ABROAD),
    ],
)
def test_a_destination_lies_in_one_territory(
    country: str, postcode: str, placed: str, territory: Territory
) -> None:
    found = destination(country, postcode)

    assert (str(found), found.territory) == (placed, territory)
