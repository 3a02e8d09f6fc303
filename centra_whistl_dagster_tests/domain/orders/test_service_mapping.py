from __future__ import annotations

from datetime import date

import pytest

from centra_whistl_dagster.config_files.shipping_services import COLUMNS, load_service_mapping
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.orders.order import ShippingOption
from centra_whistl_dagster.domain.orders.postcodes import destination
from centra_whistl_dagster.domain.orders.service_mapping import ServiceMapping
from centra_whistl_dagster.domain.orders.services import problems_of_mapping

STANDARD = ShippingOption(option_id=1, name="Standard", uri="standard")


def mapping(*rows: str) -> ServiceMapping:
    return load_service_mapping("\n".join([",".join(COLUMNS), *rows]), "shipping_services.csv")


def chosen(
    loaded: ServiceMapping, country: str, postcode: str, day: str = "2026-06-01"
) -> list[str]:
    rows = loaded.most_specific(
        STANDARD, destination(country, postcode), on=date.fromisoformat(day)
    )
    return [row.service.delivery_method for row in rows]


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


def test_a_row_is_valid_from_its_first_to_its_last_day() -> None:
    loaded = mapping(
        "Standard,GB,,X,old,,2026-05-31,ecommerce,", "Standard,GB,,X,new,2026-06-01,,ecommerce,"
    )

    assert chosen(loaded, "GB", "YO1 7HH", "2026-05-31") == ["old"]
    assert chosen(loaded, "GB", "YO1 7HH", "2026-06-01") == ["new"]


def test_an_option_is_found_by_its_uri_or_its_name_and_by_nothing_like_it() -> None:
    assert chosen(mapping("standard,GB,,X,by-uri,,,ecommerce,"), "GB", "YO1 7HH") == ["by-uri"]
    assert chosen(mapping("Standard,GB,,X,by-name,,,ecommerce,"), "GB", "YO1 7HH") == ["by-name"]
    assert chosen(mapping("STANDARD,GB,,X,neither,,,ecommerce,"), "GB", "YO1 7HH") == []


def test_faults_of_the_mapping_are_found_before_an_order_needs_it() -> None:
    loaded = mapping(
        "Standard,GB,,X,gone,,,ecommerce,", "Old,GB,,X,ended,,2020-01-01,ecommerce,past"
    )
    options = [STANDARD, ShippingOption(option_id=2, name="Old")]

    found = problems_of_mapping(loaded, {}, options, on=date(2026, 6, 1))

    assert [(p.kind, p.subject, p.value) for p in found] == [
        (ExceptionKind.SERVICE_UNMAPPED, "Old", ""),
        (ExceptionKind.SERVICE_UNKNOWN, "Standard", "X/gone"),
    ]
