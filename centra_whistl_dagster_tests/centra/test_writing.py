"""What the client asks Centra to change, and what it makes of a 200 that changed nothing."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from centra_whistl_dagster.centra.client import CentraClient, ShipmentDraft
from centra_whistl_dagster.transport import (
    AccessDenied,
    OutcomeUnknown,
    Refused,
)

Node = dict[str, Any]
ClientOf = Callable[..., CentraClient]

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DRAFT = ShipmentDraft(
    centra_order_id="abc",
    lines=((71, 2),),
    shipped_at=NOW - timedelta(hours=1),
    carrier="Royal Mail",
    service="Tracked 48",
    tracking_number="AB123456789GB",
    packages=1,
    send_email=True,
)
SHIPPED = {"id": 9, "number": "100234-1", "isShipped": True}


def payload(name: str, *, errors: Sequence[object] | None = None, **more: Any) -> Node:
    return {name: {"userErrors": errors or [], "userWarnings": [], **more}}


# ---- locks
def test_locks_go_out_in_one_batch(centra: Any, client_of: ClientOf) -> None:
    centra.answers("LockOrders", payload("setOrdersLock"))

    client_of().lock_orders(["a", "b"])
    client_of().lock_orders([])

    ((_, variables),) = centra.asked
    assert variables["input"] == {"orders": [{"id": "a"}, {"id": "b"}], "isLocked": True}


# ---- what a 200 may hide
DENIED = {
    "errors": [
        {
            "message": "You need Order:read permission to access orders.",
            "extensions": {"category": "authorization"},
            "path": ["orders"],
        }
    ]
}


def test_a_missing_permission_is_named_with_who_can_grant_it(
    centra: Any, client_of: ClientOf
) -> None:
    centra.answers("WholeOrders", httpx.Response(200, json=DENIED))

    with pytest.raises(AccessDenied, match=r"missing_permission \(Order:read\)") as caught:
        client_of().orders(["a"])

    assert "API Tokens" in caught.value.advice


def test_an_expired_token_is_not_tried_again(centra: Any, client_of: ClientOf) -> None:
    centra.answers("WholeOrders", httpx.Response(403, json={"errors": [{"message": "no"}]}))

    with pytest.raises(AccessDenied, match="30 days"):
        client_of().orders(["a"])

    assert len(centra.asked) == 1


def test_an_error_before_anything_ran_refuses_a_create(centra: Any, client_of: ClientOf) -> None:
    centra.answers("CreateShipment", httpx.Response(400, json={"errors": [{"message": "bad"}]}))

    with pytest.raises(Refused, match="HTTP 400"):
        client_of().create_shipment(DRAFT)


@pytest.mark.parametrize("errors", [[{"message": "oops"}], DENIED["errors"]])
def test_an_error_in_the_reading_back_leaves_a_create_in_doubt(
    centra: Any, client_of: ClientOf, errors: list[Node]
) -> None:
    body = {"data": {"createShipment": None}, "errors": errors}
    centra.answers("CreateShipment", httpx.Response(200, json=body))

    with pytest.raises(OutcomeUnknown):
        client_of().create_shipment(DRAFT)

    assert len(centra.asked) == 1


@pytest.mark.parametrize("data", [None, {"createShipment": None}])
def test_a_missing_permission_to_write_is_final_even_beside_data(
    centra: Any, client_of: ClientOf, data: Any
) -> None:
    errors = [
        {
            "message": "You need Shipment:write permission to access createShipment.",
            "extensions": {"category": "authorization"},
            "path": ["createShipment"],
        }
    ]
    centra.answers("CreateShipment", httpx.Response(200, json={"data": data, "errors": errors}))

    with pytest.raises(AccessDenied, match=r"missing_permission \(Shipment:write\)"):
        client_of().create_shipment(DRAFT)

    assert len(centra.asked) == 1


@pytest.mark.parametrize(
    "data", [{}, {"createShipment": None}, {"createShipment": {"shipment": None}}, []]
)
def test_an_answer_to_a_create_without_a_shipment_leaves_it_in_doubt(
    centra: Any, client_of: ClientOf, data: Any
) -> None:
    centra.answers("CreateShipment", data)

    with pytest.raises(OutcomeUnknown):
        client_of().create_shipment(DRAFT)


def test_user_errors_are_a_refusal_with_every_reason(centra: Any, client_of: ClientOf) -> None:
    errors = [
        {"message": "Quantity 3 is not available", "path": ["input", "lines", "0"]},
        {"message": "Order is on hold", "path": None},
    ]
    centra.answers("CreateShipment", payload("createShipment", errors=errors))

    with pytest.raises(Refused) as caught:
        client_of().create_shipment(DRAFT)

    assert [(reason.code, reason.field) for reason in caught.value.reasons] == [
        ("not_allocated", "input.lines.0"),
        ("order_on_hold", ""),
    ]
    assert caught.value.detail == (
        "refused (HTTP 200, not_allocated (input.lines.0), order_on_hold)"
    )


FOREIGN_SENTENCES = [
    "Ada O'Brien of 12 High Street, York has already shipped",
    "Tracking number AB123456789GB is not unique",
    "Cannot ship to Ada O'Brien",
    "",
]


@pytest.mark.parametrize("sentence", FOREIGN_SENTENCES)
@pytest.mark.parametrize("is_graphql_error", [False, True])
def test_no_sentence_of_centra_is_in_the_error_or_the_log(
    centra: Any,
    client_of: ClientOf,
    caplog: pytest.LogCaptureFixture,
    sentence: str,
    is_graphql_error: bool,
) -> None:
    error = {"message": sentence, "path": ["input", sentence]}
    body = (
        httpx.Response(400, json={"errors": [error]})
        if is_graphql_error
        else payload("createShipment", errors=[error])
    )
    centra.answers("CreateShipment", body)

    with caplog.at_level(logging.DEBUG), pytest.raises(Refused) as caught:
        client_of().create_shipment(DRAFT)

    shown = "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))
    for personal in ("Brien", "High Street", "AB123456789GB"):
        assert personal not in shown + caplog.text
    assert caught.value.reasons[0].foreign_text == sentence


def test_warnings_are_logged_without_their_sentences(
    centra: Any, client_of: ClientOf, caplog: pytest.LogCaptureFixture
) -> None:
    answer = payload("createShipment", shipment=SHIPPED)
    warning = {"message": "Capture failed for Ada", "path": ["input", "capture"]}
    answer["createShipment"]["userWarnings"] = [warning]
    centra.answers("CreateShipment", answer)

    with caplog.at_level(logging.WARNING):
        client_of().create_shipment(DRAFT)

    assert "CreateShipment: Centra gave 1 warnings: capture_failed (input.capture)" in caplog.text
    assert "Ada" not in caplog.text


# ---- shipments
def test_a_parcel_is_one_mutation_with_all_that_the_customer_needs(
    centra: Any, client_of: ClientOf
) -> None:
    centra.answers("CreateShipment", payload("createShipment", shipment=SHIPPED))

    written = client_of().create_shipment(DRAFT)

    assert (written.shipment_id, written.is_shipped) == (9, True)
    ((_, variables),) = centra.asked
    assert variables["input"] == {
        "order": {"id": "abc"},
        "lines": [{"orderLine": {"id": 71}, "quantity": 2}],
        "isGoodToGo": True,
        "isPaid": True,
        "shippedAt": "2026-03-02T08:00:00+00:00",
        "shipmentInfo": {
            "carrier": "Royal Mail",
            "service": "Tracked 48",
            "packagesNumber": 1,
            "trackingNumber": "AB123456789GB",
        },
        "sendEmail": True,
    }


def test_a_store_that_captures_on_shipping_captures_instead_of_marking_paid(
    centra: Any, client_of: ClientOf
) -> None:
    centra.answers("CreateShipment", payload("createShipment", shipment=SHIPPED))

    client_of(captures_payment=True).create_shipment(DRAFT)

    sent = centra.asked[0][1]["input"]
    assert sent["capture"] is True
    # Nothing that would ship it, or mail the customer, should the capture be refused.
    assert not {"isPaid", "shippedAt", "sendEmail"} & sent.keys()


def test_a_despatch_from_the_future_is_sent_as_now(centra: Any, client_of: ClientOf) -> None:
    centra.answers("CompleteShipment", payload("completeShipment", shipment=SHIPPED))

    client_of().complete_shipment(9, replace(DRAFT, shipped_at=NOW + timedelta(minutes=3)))

    assert centra.asked[0][1]["input"]["shippedAt"] == "2026-03-02T09:00:00+00:00"


def test_completing_is_not_repeated_when_its_answer_is_lost(
    centra: Any, client_of: ClientOf
) -> None:
    centra.answers("CompleteShipment", httpx.Response(502))

    with pytest.raises(OutcomeUnknown):
        client_of().complete_shipment(9, DRAFT)

    assert len(centra.asked) == 1


# ---- stock
def test_a_negative_quantity_is_never_sent(centra: Any, client_of: ClientOf) -> None:
    with pytest.raises(ValueError, match="SKU-2"):
        client_of().set_physical_stock([("SKU-1", 1), ("SKU-2", -1)], "sync")

    assert centra.asked == []


class ChoosyCentra:
    """Takes stock only of what is not on its list; names the refused lines, rightly or wrongly."""

    def __init__(self, refused: set[str], *, path_offset: int | None) -> None:
        self.refused = refused
        self.path_offset = path_offset
        self.stock: dict[str, int] = {}
        self.calls = 0

    def __call__(self, variables: Node) -> Node:
        self.calls += 1
        sizes = variables["input"]["productSizes"]
        errors = [
            {"message": f"unknown {one['productSize']['SKU']}", "path": self._path(at)}
            for at, one in enumerate(sizes)
            if one["productSize"]["SKU"] in self.refused
        ]
        if not errors:
            self.stock |= {one["productSize"]["SKU"]: one["quantity"] for one in sizes}
        return payload("setStock", errors=errors)

    def _path(self, at: int) -> list[str] | None:
        if self.path_offset is None:
            return None
        return ["input", "productSizes", str(at + self.path_offset), "productSize"]


@pytest.mark.parametrize("path_offset", [None, 0, 1], ids=["no path", "right path", "wrong path"])
@pytest.mark.parametrize("refused", [set(), {"S3"}, {"S0", "S9"}, {f"S{n}" for n in range(10)}])
def test_refused_skus_are_named_one_by_one_and_stop_no_other(
    centra: Any,
    client_of: ClientOf,
    monkeypatch: pytest.MonkeyPatch,
    refused: set[str],
    path_offset: int | None,
) -> None:
    choosy = ChoosyCentra(refused, path_offset=path_offset)
    client = client_of()

    def run(kind: Any, operation: str, variables: Node) -> Node:
        centra.answers(operation, choosy(variables))
        return original(kind, operation, variables)

    original = client._graphql.run
    monkeypatch.setattr(client._graphql, "run", run)
    levels = [(f"S{n}", n) for n in range(10)]

    result = client.set_physical_stock(levels, "sync")

    assert {line.sku for line in result.refused} == refused
    assert choosy.stock == {sku: n for sku, n in levels if sku not in refused}
    assert dict(result.written) == choosy.stock
    assert all("not_found" in line.reason for line in result.refused)
    assert not any("unknown S" in line.reason for line in result.refused)
    if len(refused) == 1 and path_offset == 0:
        assert choosy.calls == 3


def test_a_token_that_may_not_write_stock_is_not_asked_sku_by_sku(
    centra: Any, client_of: ClientOf
) -> None:
    centra.answers("SetStock", httpx.Response(200, json=DENIED))

    with pytest.raises(AccessDenied):
        client_of().set_physical_stock([("S1", 1), ("S2", 2)], "sync")

    assert len(centra.asked) == 1
