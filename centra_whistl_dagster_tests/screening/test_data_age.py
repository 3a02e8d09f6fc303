from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from centra_whistl_dagster.screening.data_age import ADDRESSES, PHONES, ReferenceData, age_of

LOCK = (Path(__file__).parents[2] / "requirements.lock").read_text(encoding="utf-8")


@pytest.mark.parametrize("data", [ADDRESSES, PHONES], ids=lambda data: data.package)
def test_the_release_that_is_installed_has_a_known_date(data: ReferenceData) -> None:
    locked = re.search(rf"^{data.package}==(\S+)", LOCK, flags=re.MULTILINE)

    assert locked is not None
    assert locked[1] in data.released


@pytest.mark.parametrize(
    ("data", "release", "last_fresh", "first_old"),
    [
        (ADDRESSES, "3.1.1", date(2025, 9, 1), date(2025, 9, 2)),
        (PHONES, "9.0.43", date(2027, 5, 5), date(2027, 5, 6)),
    ],
)
def test_data_counts_as_old_from_a_certain_day_and_says_what_that_does(
    data: ReferenceData, release: str, last_fresh: date, first_old: date
) -> None:
    fresh = age_of(data, last_fresh, release=release)
    old = age_of(data, first_old, release=release)

    assert not fresh.is_old
    assert data.consequence not in fresh.text
    assert old.is_old
    assert old.text.endswith(f"days old: {data.consequence}")


def test_a_release_of_unknown_date_is_warned_of() -> None:
    age = age_of(PHONES, date(2026, 12, 1), release="99.0")

    assert age.is_old
    assert age.text == "phonenumbers 99.0, of a date not known here"
