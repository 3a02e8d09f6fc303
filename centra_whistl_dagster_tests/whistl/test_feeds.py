"""Despatches, stock and reference data as Whistl lists them: what is kept, named and refused."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from centra_whistl_dagster.domain.orders.whistl_catalogue import ServiceCode
from centra_whistl_dagster.transport import (
    ContractBroken,
)
from centra_whistl_dagster.whistl.client import WhistlClient

ClientOf = Callable[..., WhistlClient]
Body = dict[str, Any]
DESPATCH: Body = {
    "despatch_id": "D-1",
    "sequence": 8812,
    "version": 1,
    "supersedes": None,
    "order_number": "C100234",
    "despatched_at": "2026-03-02T15:41:07Z",
    "order_complete": True,
    "parcels": [
        {
            "parcel_number": 1,
            "carrier_name": "Royal Mail",
            "carrier_code": "SIM-POST",
            "delivery_method": "48",
            "service_name": "Tracked",
            "courier_tracking_number": None,
            "whistl_tracking_number": "WHL0P1",
            "tracking_url": None,
            "weight_kg": "0.56",
            "lines": [{"line_number": 1, "sku": "TEE", "quantity": 2}],
        }
    ],
    "short_lines": [{"line_number": 1, "sku": "TEE", "quantity": 1, "reason": "not found"}],
}


# ---- despatches
def page_of(*despatches: object) -> Body:
    return {"data": list(despatches), "page": {"next_after_sequence": 8813, "has_more": False}}


def test_a_despatch_keeps_both_tracking_numbers(whistl: Any, client_of: ClientOf) -> None:
    whistl.answers("/v2/despatches", page_of(DESPATCH))

    page = client_of().despatches_after(8000, 100)

    (despatch,) = page.despatches
    (parcel,) = despatch.parcels
    assert (despatch.sequence, despatch.is_order_complete) == (8812, True)
    assert (parcel.courier_tracking_number, parcel.tracking_number) == ("", "WHL0P1")
    assert despatch.short_lines[0].reason == "not found"
    assert (page.next_after_sequence, page.has_more) == (8813, False)
    assert dict(whistl.asked("/v2/despatches")[0].url.params) == {
        "after_sequence": "8000",
        "limit": "100",
    }


def test_a_parcel_without_a_carrier_is_readable_and_blank(whistl: Any, client_of: ClientOf) -> None:
    (parcel,) = DESPATCH["parcels"]
    bare = {**DESPATCH, "parcels": [{**parcel, "carrier_name": None, "carrier_code": None}]}
    whistl.answers("/v2/despatches", page_of(bare))

    (despatch,) = client_of().despatches_after(0, 100).despatches

    assert despatch.parcels[0].carrier_name == ""


def test_one_unreadable_despatch_is_named_and_stops_no_other(
    whistl: Any, client_of: ClientOf
) -> None:
    broken = {**DESPATCH, "despatch_id": "D-2", "despatched_at": "15:41"}
    whistl.answers("/v2/despatches", page_of(broken, DESPATCH, 7))

    page = client_of().despatches_after(0, 100)

    assert [one.despatch_id for one in page.despatches] == ["D-1"]
    assert [(one.despatch_id, one.field) for one in page.unreadable] == [
        ("D-2", "despatched_at"),
        (None, "record"),
    ]


@pytest.mark.parametrize("body", [{"page": {}}, {"data": None, "page": {}}, {"data": []}])
def test_a_page_without_its_parts_is_not_an_empty_one(
    whistl: Any, client_of: ClientOf, body: Body
) -> None:
    whistl.answers("/v2/despatches", body)

    with pytest.raises(ContractBroken):
        client_of().despatches_after(0, 100)


# ---- stock and reference data
def test_the_rows_of_a_snapshot_come_as_they_are(whistl: Any, client_of: ClientOf) -> None:
    row = {"sku": "TEE", "on_hand": 5, "odd": None}
    path = "/v2/stock/snapshots/S-1/items"
    whistl.answers(
        path,
        {"snapshot_id": "S-1", "data": [row], "page": {"next_cursor": "2", "has_more": True}},
        {"snapshot_id": "S-1", "data": [row, 7], "page": {"next_cursor": None, "has_more": False}},
    )

    assert list(client_of().snapshot_rows("S-1")) == [[row], [row, {}]]


def test_pages_of_two_snapshots_are_not_mixed(whistl: Any, client_of: ClientOf) -> None:
    page = {"next_cursor": None, "has_more": False}
    body = {"snapshot_id": "S-2", "data": [], "page": page}
    whistl.answers("/v2/stock/snapshots/S-1/items", body)

    with pytest.raises(ContractBroken, match="another snapshot"):
        list(client_of().snapshot_rows("S-1"))


def test_one_unreadable_service_stops_no_other(whistl: Any, client_of: ClientOf) -> None:
    flags = ("domestic", "ddp", "requires_phone", "requires_email", "tracked", "bfpo", "active")
    good = {
        **dict.fromkeys(flags, True),
        "carrier_code": "SIM-POST",
        "delivery_method": "48",
        "weight_limit_kg": "20.5",
        "countries": ["GB"],
        "excluded_postcode_areas": None,
    }
    whistl.answers("/v2/services", [{**good, "active": "yes"}, good])

    (service,) = client_of().services()

    assert service.code == ServiceCode("SIM-POST", "48")
    assert service.weight_limit_kg == Decimal("20.5")
    assert service.countries == {"GB"}
