from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from centra_whistl_dagster.screening.phone_numbers import PhoneState, read_phone


@pytest.mark.parametrize(
    ("raw", "country", "digits", "state"),
    [
        ("+44 7911 123456", "GB", "07911123456", PhoneState.GOOD),
        ("07911 123456", "GB", "07911123456", PhoneState.GOOD),
        ("07911123456", "JE", "07911123456", PhoneState.GOOD),
        ("(020) 7946-0018", "GB", "02079460018", PhoneState.GOOD),
        ("07700900123", "GB", "07700900123", PhoneState.DOUBTFUL),
        ("020 7946 0018 ext 5", "GB", "02079460018", PhoneState.DOUBTFUL),
        ("+33 6 14 78 35 92", "GB", "33614783592", PhoneState.GOOD),
        ("06 14 78 35 92", "FR", "33614783592", PhoneState.GOOD),
        ("0800 123456", "GB", "0800123456", PhoneState.DOUBTFUL),
        ("07123456789", "GB", "07123456789", PhoneState.GOOD),
        ("07777777777", "GB", "", PhoneState.MALFORMED),
        ("000000", "GB", "", PhoneState.MALFORMED),
        ("12345", "GB", "", PhoneState.MALFORMED),
        ("no phone", "GB", "", PhoneState.MALFORMED),
        ("07911 123456", "ZZ", "", PhoneState.MALFORMED),
        ("   ", "GB", "", PhoneState.ABSENT),
    ],
)
def test_a_phone_number_is_carried_in_digits(
    raw: str, country: str, digits: str, state: PhoneState
) -> None:
    reading = read_phone(raw, country)

    assert (reading.state, reading.digits) == (state, digits)


@given(st.from_regex(r"0[1-37][0-9]{8,9}", fullmatch=True))
def test_the_short_cut_for_uk_numbers_reads_what_the_library_reads(raw: str) -> None:
    parsed = phonenumbers.parse(raw, "GB")

    reading = read_phone(raw, "GB")

    assert reading == read_phone(f"{raw[:5]} {raw[5:]}", "GB")
    if reading.state is not PhoneState.MALFORMED:
        assert reading.digits == f"0{parsed.national_number}"


@given(st.text(st.characters(exclude_categories=())), st.sampled_from(["GB", "FR", "", "ZZ"]))
def test_no_text_crashes_and_only_digits_come_out(raw: str, country: str) -> None:
    digits = read_phone(raw, country).digits

    assert not digits or (digits.isascii() and digits.isdigit() and 7 <= len(digits) <= 15)
