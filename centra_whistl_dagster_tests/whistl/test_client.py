"""What the client asks of Whistl about orders, and what it makes of the answers."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from centra_whistl_dagster.transport import (
    AccessDenied,
    ContractBroken,
    OutcomeUnknown,
    Refused,
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
    (request,) = whistl.asked("/v2/orders")
    assert json.loads(request.content) == BODY
    assert request.headers["Idempotency-Key"] == "key-1"
    assert request.headers["Authorization"] == "Bearer token-1"


def test_warnings_about_an_accepted_order_are_logged_by_code(
    whistl: Any, client_of: ClientOf, caplog: pytest.LogCaptureFixture
) -> None:
    warning = {"code": "long_email", "field": "delivery_address.email", "message": "ada@x.example"}
    whistl.answers("/v2/orders", httpx.Response(201, json={**ACCEPTED, "warnings": [warning]}))

    with caplog.at_level(logging.WARNING):
        submit(client_of())

    assert "Whistl gave 1 warnings: long_email (delivery_address.email)" in caplog.text
    assert "ada@" not in caplog.text


def test_warnings_that_cannot_be_read_do_not_put_an_accepted_order_in_doubt(
    whistl: Any, client_of: ClientOf
) -> None:
    whistl.answers("/v2/orders", httpx.Response(201, json={**ACCEPTED, "warnings": "none"}))

    assert submit(client_of()).whistl_order_id == "W1"


def test_an_order_that_was_there_before_says_so(whistl: Any, client_of: ClientOf) -> None:
    replayed = httpx.Response(200, json=ACCEPTED, headers={"Idempotent-Replayed": "true"})
    whistl.answers("/v2/orders", replayed)

    assert submit(client_of()).is_replayed is True


def test_a_refused_order_has_every_reason(whistl: Any, client_of: ClientOf) -> None:
    details = [
        {"code": "unknown_sku", "field": "lines[0].sku", "value": "X", "message": "SKU not known"},
        {"code": "missing_phone", "field": "delivery_address.phone", "message": "needs a phone"},
    ]
    whistl.answers("/v2/orders", error(422, "validation_failed", details=details))

    with pytest.raises(Refused) as caught:
        submit(client_of())

    assert caught.value.code == "validation_failed"
    assert [(reason.code, reason.field) for reason in caught.value.reasons] == [
        ("unknown_sku", "lines[0].sku"),
        ("missing_phone", "delivery_address.phone"),
    ]
    assert "unknown_sku (lines[0].sku)" in str(caught.value)


SENTENCE = "Ada O'Brien of 12 High Street has no phone"


@pytest.mark.parametrize(
    "answer",
    [
        error(422, SENTENCE),
        error(422, "validation_failed", details=[{"code": SENTENCE, "field": SENTENCE}]),
        httpx.Response(400, json={"error": SENTENCE, "error_description": SENTENCE}),
        httpx.Response(200, json={"success": False, "message": SENTENCE}),
        httpx.Response(422, text=SENTENCE),
    ],
)
def test_no_sentence_of_whistl_is_in_the_error_or_the_log(
    whistl: Any, client_of: ClientOf, caplog: pytest.LogCaptureFixture, answer: httpx.Response
) -> None:
    whistl.answers("/v2/orders", answer)

    with caplog.at_level(logging.DEBUG), pytest.raises(Refused) as caught:
        submit(client_of())

    shown = "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))
    assert "Brien" not in shown + caplog.text


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

    assert [type(view).__name__ for view in views] == [
        "WhistlOrderView",
        "UnreadableOrderView",
        "WhistlOrderView",
    ]
    assert views[1].order_number == "broken"
    first, second = whistl.asked("/v2/orders")
    assert first.url.params["updated_since"] == "2026-03-02T09:00:00Z"
    assert "cursor" not in first.url.params
    assert second.url.params["cursor"] == "two"


def test_a_list_with_a_repeated_cursor_ends(whistl: Any, client_of: ClientOf) -> None:
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
