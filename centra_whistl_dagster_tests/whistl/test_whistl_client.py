"""What the client asks of Whistl, and what it makes of the answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest

from centra_whistl_dagster.domain.reference import ServiceCode
from centra_whistl_dagster.transport import (
    AccessDenied,
    ContractBroken,
    NotSent,
    OutcomeUnknown,
    Refused,
    Throttled,
)
from centra_whistl_dagster.whistl.client import WhistlClient

ClientOf = Callable[..., WhistlClient]
Body = dict[str, Any]

BODY: Body = {"order_number": "C100234"}
ACCEPTED: Body = {
    "order_number": "C100234",
    "whistl_order_id": "W1",
    "status": "RECEIVED",
    "status_version": 1,
    "received_at": "2026-03-02T09:00:00Z",
    "warnings": [{"code": "long_email", "field": "delivery_address.email", "message": "long"}],
}
SHOWN: Body = {
    **ACCEPTED,
    "updated_at": "2026-03-02T09:05:00.25Z",
    "payload_hash": "abc",
    "hold_reason": None,
    "status_history": [{"status": "RECEIVED", "at": "2026-03-02T09:00:00Z"}],
    "lines": [
        {
            "line_number": 1,
            "sku": "TEE",
            "ordered": 2,
            "allocated": 2,
            "picked": 0,
            "despatched": 0,
            "cancelled": 0,
        }
    ],
}
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


def error(
    status: int, code: str, *, details: list[Body] | None = None, **more: Any
) -> httpx.Response:
    body = {"error": {"code": code, "message": "no", "details": details or [], **more}}
    return httpx.Response(status, json=body)


def submit(client: WhistlClient) -> Any:
    return client.submit_order(BODY, idempotency_key="key-1")


# ---- sending an order
def test_an_accepted_order_says_so(whistl: Any, client_of: ClientOf) -> None:
    whistl.answers("/v2/orders", httpx.Response(201, json=ACCEPTED))

    accepted = submit(client_of())

    assert (accepted.whistl_order_id, accepted.status, accepted.status_version) == (
        "W1",
        "RECEIVED",
        1,
    )
    assert accepted.is_replayed is False
    assert accepted.warnings[0].code == "long_email"
    (request,) = whistl.asked("/v2/orders")
    assert json.loads(request.content) == BODY
    assert request.headers["Idempotency-Key"] == "key-1"
    assert request.headers["Authorization"] == "Bearer token-1"


def test_an_order_that_was_there_before_says_so(whistl: Any, client_of: ClientOf) -> None:
    replayed = httpx.Response(200, json=ACCEPTED, headers={"Idempotent-Replayed": "true"})
    whistl.answers("/v2/orders", replayed)

    assert submit(client_of()).is_replayed is True


def test_a_refused_order_tells_every_reason(whistl: Any, client_of: ClientOf) -> None:
    details = [
        {"code": "unknown_sku", "field": "lines[0].sku", "value": "X", "message": "SKU not known"},
        {"code": "missing_phone", "field": "delivery_address.phone", "message": "needs a phone"},
    ]
    whistl.answers("/v2/orders", error(422, "validation_failed", details=details))

    with pytest.raises(Refused) as caught:
        submit(client_of())

    assert caught.value.code == "validation_failed"
    assert [reason[:2] for reason in caught.value.reasons] == [
        ("unknown_sku", "lines[0].sku"),
        ("missing_phone", "delivery_address.phone"),
    ]
    assert "unknown_sku (lines[0].sku)" in str(caught.value)


def test_what_a_customer_typed_is_not_in_the_error_text(whistl: Any, client_of: ClientOf) -> None:
    detail = {
        "code": "invalid_phone",
        "field": "delivery_address.phone",
        "value": "0770-ADA",
        "message": "0770-ADA is no phone",
    }
    whistl.answers("/v2/orders", error(422, "validation_failed", details=[detail]))

    with pytest.raises(Refused) as caught:
        submit(client_of())

    assert "0770-ADA" not in str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        error(200, "validation_failed"),
        httpx.Response(200, json={"success": False, "message": "no"}),
        error(422, "a_code_nobody_knows"),
        error(409, "duplicate_order"),
    ],
)
def test_an_error_is_one_under_any_status_and_any_code(
    whistl: Any, client_of: ClientOf, answer: httpx.Response
) -> None:
    whistl.answers("/v2/orders", answer)

    with pytest.raises(Refused) as caught:
        submit(client_of())

    assert not isinstance(caught.value, AccessDenied)


@pytest.mark.parametrize(
    "answer",
    [
        error(500, "internal_error"),
        error(503, "maintenance"),
        error(200, "internal_error"),
        error(409, "idempotency_in_progress"),
        error(409, "a_code_nobody_knows", retryable=True),
        httpx.Response(201, json={}),
        httpx.Response(201, json={**ACCEPTED, "order_number": "C999"}),
        httpx.Response(201, json=[ACCEPTED]),
        httpx.Response(200, html="<h1>Welcome</h1>"),
    ],
)
def test_an_answer_that_proves_nothing_leaves_the_order_in_doubt(
    whistl: Any, client_of: ClientOf, answer: httpx.Response
) -> None:
    whistl.answers("/v2/orders", answer)

    with pytest.raises(OutcomeUnknown):
        submit(client_of())

    assert len(whistl.asked("/v2/orders")) == 1


@pytest.mark.parametrize("code", ["forbidden", "client_code_mismatch"])
def test_a_refusal_of_ourselves_is_not_one_of_the_order(
    whistl: Any, client_of: ClientOf, code: str
) -> None:
    whistl.answers("/v2/orders", error(403, code))

    with pytest.raises(AccessDenied, match=code):
        submit(client_of())


# ---- looking an order up
def test_an_order_is_shown_with_its_history_and_lines(whistl: Any, client_of: ClientOf) -> None:
    whistl.answers("/v2/orders/C100234", SHOWN)

    view = client_of().find_order("C100234")

    assert view is not None
    assert view.payload_hash == "abc"
    assert view.history == (("RECEIVED", datetime(2026, 3, 2, 9, tzinfo=UTC)),)
    assert view.updated_at == datetime(2026, 3, 2, 9, 5, 0, 250_000, tzinfo=UTC)
    assert view.lines[0].allocated == 2


def test_an_order_that_whistl_does_not_have_is_none(whistl: Any, client_of: ClientOf) -> None:
    whistl.answers("/v2/orders/C1", error(404, "not_found"))

    assert client_of().find_order("C1") is None


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404, html="<h1>Not Found</h1>"),
        httpx.Response(404, json={"detail": "Not Found"}),
        error(410, "not_found"),
        httpx.Response(200, json={**SHOWN, "order_number": "C2"}),
        httpx.Response(200, json={}),
        httpx.Response(204),
    ],
)
def test_absence_is_believed_of_nobody_but_whistl(
    whistl: Any, client_of: ClientOf, answer: httpx.Response
) -> None:
    whistl.answers("/v2/orders/C1", answer)

    with pytest.raises((Refused, ContractBroken)):
        client_of().find_order("C1")


def test_an_odd_order_number_cannot_reach_another_address(whistl: Any, client_of: ClientOf) -> None:
    whistl.answers("/v2/orders/../products?x=", error(404, "not_found"))

    assert client_of().find_order("../products?x=") is None
    assert whistl.requests[-1].url.raw_path == b"/whistl/v2/orders/..%2Fproducts%3Fx%3D"


# ---- following and stopping orders
def test_orders_are_read_to_the_last_page(whistl: Any, client_of: ClientOf) -> None:
    whistl.answers(
        "/v2/orders",
        {"data": [SHOWN], "page": {"next_cursor": "two", "has_more": True}},
        {
            "data": [{"order_number": "broken"}, SHOWN],
            "page": {"next_cursor": None, "has_more": False},
        },
    )

    views = list(client_of().orders_updated_since(datetime(2026, 3, 2, 9, tzinfo=UTC)))

    assert len(views) == 2
    first, second = whistl.asked("/v2/orders")
    assert first.url.params["updated_since"] == "2026-03-02T09:00:00Z"
    assert "cursor" not in first.url.params
    assert second.url.params["cursor"] == "two"


def test_a_list_whose_cursor_goes_in_circles_ends(whistl: Any, client_of: ClientOf) -> None:
    whistl.answers("/v2/orders", {"data": [], "page": {"next_cursor": "again", "has_more": True}})

    with pytest.raises(ContractBroken, match="no end"):
        list(client_of().orders_updated_since(None))

    assert len(whistl.asked("/v2/orders")) == 2


@pytest.mark.parametrize(("status", "is_cancelled"), [("CANCELLED", True), ("PICKING", False)])
def test_a_cancellation_is_done_or_asked_for(
    whistl: Any, client_of: ClientOf, status: str, is_cancelled: bool
) -> None:
    whistl.answers("/v2/orders/C1/cancel", httpx.Response(202, json={"status": status}))

    assert client_of().cancel_order("C1", "changed her mind").is_cancelled is is_cancelled


def test_a_cancellation_that_comes_too_late_is_refused_by_name(
    whistl: Any, client_of: ClientOf
) -> None:
    whistl.answers("/v2/orders/C1/cancel", error(409, "order_not_cancellable"))

    with pytest.raises(Refused) as caught:
        client_of().cancel_order("C1", "changed her mind")

    assert caught.value.code == "order_not_cancellable"


# ---- despatches
def page_of(*despatches: Body) -> Body:
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
        ("without an id", "record"),
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


# ---- the token
def test_one_token_serves_until_most_of_its_life_is_over(whistl: Any, client_of: ClientOf) -> None:
    whistl.answers("/v2/capabilities", {"cancel": True, "asns": None})
    client = client_of()

    assert client.capabilities() == {"cancel": True, "asns": False}
    whistl.pass_time(799)
    client.capabilities()
    assert len(whistl.asked("/oauth/token")) == 1

    whistl.pass_time(1)
    client.capabilities()
    assert len(whistl.asked("/oauth/token")) == 2
    assert b"grant_type=client_credentials" in whistl.asked("/oauth/token")[0].content
    assert b"scope=public" in whistl.asked("/oauth/token")[0].content


def test_a_token_that_ended_early_is_renewed_and_the_order_sent_once(
    whistl: Any, client_of: ClientOf
) -> None:
    whistl.answers("/oauth/token", {"access_token": "old"}, {"access_token": "new"})
    expired = error(401, "token_expired", retryable=True)
    whistl.answers("/v2/orders", expired, httpx.Response(201, json=ACCEPTED))

    submit(client_of())

    sent = [request.headers["Authorization"] for request in whistl.asked("/v2/orders")]
    assert sent == ["Bearer old", "Bearer new"]


def test_a_client_that_whistl_does_not_know_is_told_who_can_help(
    whistl: Any, client_of: ClientOf
) -> None:
    whistl.answers("/oauth/token", httpx.Response(401, json={"error": "invalid_client"}))

    with pytest.raises(AccessDenied, match="client id") as caught:
        submit(client_of())

    assert "secret-secret" not in str(caught.value)
    assert whistl.asked("/v2/orders") == []


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (httpx.Response(500), NotSent),
        (httpx.Response(200, html="<h1>Log in</h1>"), NotSent),
        (httpx.Response(200, json={"token": "misnamed"}), NotSent),
        (httpx.Response(429), Throttled),
    ],
)
def test_an_order_whose_token_could_not_be_had_was_not_sent(
    whistl: Any, client_of: ClientOf, answer: httpx.Response, expected: type[Exception]
) -> None:
    whistl.answers("/oauth/token", answer)

    with pytest.raises(expected):
        submit(client_of())

    assert whistl.asked("/v2/orders") == []


def test_a_static_token_is_sent_as_it_is(whistl: Any, client_of: ClientOf) -> None:
    whistl.answers("/v2/capabilities", {})

    client_of(static_token="fixed").capabilities()

    assert [r.headers["Authorization"] for r in whistl.requests] == ["Bearer fixed"]


def test_secrets_are_not_shown_by_the_configuration(client_of: ClientOf) -> None:
    shown = repr(client_of(static_token="fixed-token")._config)

    assert "secret-secret" not in shown
    assert "fixed-token" not in shown


def test_a_client_without_credentials_is_refused(client_of: ClientOf) -> None:
    with pytest.raises(ValueError, match="client id"):
        client_of(client_secret="")
