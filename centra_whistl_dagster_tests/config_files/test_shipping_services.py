"""`config/shipping_services.csv`: what is read, and every fault with its line."""

from __future__ import annotations

import pytest

from centra_whistl_dagster.config_files.reader import ConfigError
from centra_whistl_dagster.config_files.shipping_services import COLUMNS, load_service_mapping

HEADER = ",".join(COLUMNS)


def faults(*lines: str) -> list[tuple[int | None, str]]:
    with pytest.raises(ConfigError) as caught:
        load_service_mapping("\n".join(lines), "shipping_services.csv")
    return [(fault.line, fault.detail) for fault in caught.value.faults]


def test_comments_and_the_byte_order_mark_of_a_spreadsheet_are_skipped() -> None:
    text = f"\ufeff# owner: ecommerce\n\n{HEADER}\n# none yet\n"

    assert load_service_mapping(text, "f").rows == ()


def test_every_fault_is_listed_with_its_line() -> None:
    found = faults(
        "# a comment counts as a line",
        HEADER,
        "Standard,GBR,,X,a,,,ecommerce,",
        "Standard,GB,IV1-,X,a,,,ecommerce,",
        "Standard,,BT,X,a,,,ecommerce,",
        "Standard,GB,,X,,,,,",
        "Standard,GB,,X,a,31/12/2026,,ecommerce,",
        "Standard,GB,,X,a,2026-02-01,2026-01-01,ecommerce,",
        "Standard,GB,,X,a",
    )

    assert [line for line, _ in found] == [3, 4, 5, 6, 6, 7, 8, 9]


def test_two_rows_that_disagree_about_the_same_days_are_refused() -> None:
    found = faults(
        HEADER,
        "Standard,GB,HS IV,X,a,,2026-06-30,ecommerce,",
        "Standard,GB,IV HS,X,b,2026-06-30,,ecommerce,",
    )

    assert found[0][0] == 3
    assert "line 2" in found[0][1]


def test_a_spreadsheets_semicolons_are_named() -> None:
    assert "semicolons" in faults(HEADER.replace(",", ";"))[0][1]
    assert "nothing" in faults("")[0][1]
