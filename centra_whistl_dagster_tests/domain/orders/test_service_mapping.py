from __future__ import annotations

from datetime import date

import pytest

from centra_whistl_dagster.domain.configuration import ConfigError
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.orders.order import ShippingOption
from centra_whistl_dagster.domain.orders.postcodes import destination
from centra_whistl_dagster.domain.orders.service_mapping import (
    COLUMNS,
    ServiceMapping,
    load_service_mapping,
)
from centra_whistl_dagster.domain.orders.services import problems_of_mapping

HEADER = ",".join(COLUMNS)
STANDARD = ShippingOption(option_id=1, name="Standard", uri="standard")


def mapping(*rows: str) -> ServiceMapping:
    return load_service_mapping("\n".join([HEADER, *rows]), "shipping_services.csv")


def chosen(
    loaded: ServiceMapping, country: str, postcode: str, day: str = "2026-06-01"
) -> list[str]:
    rows = loaded.most_specific(
        STANDARD, destination(country, postcode), on=date.fromisoformat(day)
    )
    return [row.service.delivery_method for row in rows]


def faults(*lines: str) -> list[tuple[int | None, str]]:
    with pytest.raises(ConfigError) as caught:
        load_service_mapping("\n".join(lines), "shipping_services.csv")
    return [(fault.line, fault.detail) for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("country", "postcode", "method"),
    [
        ("US", "10001", "world"),
        ("FR", "75001", "france"),
        ("FR", "20137", "corsica"),
        ("GB", "YO1 7HH", "britain"),
        ("GB", "IV99 1AA", "inverness"),
        ("GB", "IV20 1AA", "highlands"),
        ("GB", "IV27 4AA", "assynt"),
        ("GB", "JE2 3BT", "jersey"),
        ("GB", "GY1 1AA", "world"),
    ],
)
def test_the_closest_row_wins(country: str, postcode: str, method: str) -> None:
    loaded = mapping(
        "Standard,*,,X,world,,,ecommerce,",
        "Standard,FR,,X,france,,,ecommerce,",
        "Standard,FR,20,X,corsica,,,ecommerce,",
        "Standard,GB,,X,britain,,,ecommerce,",
        "Standard,GB,IV,X,inverness,,,ecommerce,",
        "Standard,GB,KW IV1-63,X,highlands,,,ecommerce,",
        "Standard,GB,IV27,X,assynt,,,ecommerce,",
        "Standard,GB,JE,X,jersey,,,ecommerce,",
    )

    assert chosen(loaded, country, postcode) == [method]


def test_a_row_holds_from_its_first_to_its_last_day() -> None:
    loaded = mapping(
        "Standard,GB,,X,old,,2026-05-31,ecommerce,", "Standard,GB,,X,new,2026-06-01,,ecommerce,"
    )

    assert chosen(loaded, "GB", "YO1 7HH", "2026-05-31") == ["old"]
    assert chosen(loaded, "GB", "YO1 7HH", "2026-06-01") == ["new"]


def test_an_option_is_found_by_its_uri_or_its_name_and_by_nothing_like_it() -> None:
    assert chosen(mapping("standard,GB,,X,by-uri,,,ecommerce,"), "GB", "YO1 7HH") == ["by-uri"]
    assert chosen(mapping("Standard,GB,,X,by-name,,,ecommerce,"), "GB", "YO1 7HH") == ["by-name"]
    assert chosen(mapping("STANDARD,GB,,X,neither,,,ecommerce,"), "GB", "YO1 7HH") == []


def test_comments_and_a_spreadsheets_byte_order_mark_are_read_over() -> None:
    text = f"\ufeff# owner: ecommerce\n\n{HEADER}\n# none yet\n"

    assert load_service_mapping(text, "f").rows == ()


def test_every_fault_is_told_with_its_line() -> None:
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


def test_the_mapping_is_judged_before_an_order_meets_it() -> None:
    loaded = mapping(
        "Standard,GB,,X,gone,,,ecommerce,", "Old,GB,,X,ended,,2020-01-01,ecommerce,past"
    )
    options = [STANDARD, ShippingOption(option_id=2, name="Old")]

    found = problems_of_mapping(loaded, {}, options, on=date(2026, 6, 1))

    assert [(p.kind, p.subject, p.value) for p in found] == [
        (ExceptionKind.SERVICE_UNMAPPED, "Old", ""),
        (ExceptionKind.SERVICE_UNKNOWN, "Standard", "X/gone"),
    ]
