"""Whistl's access token: one for all calls, renewed in time, and never shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from centra_whistl_dagster.transport import (
    AccessDenied,
    NotSent,
    Throttled,
)
from centra_whistl_dagster.whistl.client import WhistlClient

ClientOf = Callable[..., WhistlClient]

ACCEPTED = {
    "order_number": "C100234",
    "whistl_order_id": "W1",
    "status": "RECEIVED",
    "status_version": 1,
}


def submit(client: WhistlClient) -> Any:
    return client.submit_order({"order_number": "C100234"}, idempotency_key="key-1")


def test_one_token_serves_until_most_of_its_life_is_over(whistl: Any, client_of: ClientOf) -> None:
    whistl.answers("/v2/services", httpx.Response(200, json=[]))
    client = client_of()

    client.services()
    whistl.pass_time(799)
    client.services()
    assert len(whistl.asked("/oauth/token")) == 1

    whistl.pass_time(1)
    client.services()
    assert len(whistl.asked("/oauth/token")) == 2
    assert b"grant_type=client_credentials" in whistl.asked("/oauth/token")[0].content
    assert b"scope=public" in whistl.asked("/oauth/token")[0].content


def test_a_token_that_ended_early_is_renewed_and_the_order_sent_once(
    whistl: Any, client_of: ClientOf
) -> None:
    whistl.answers("/oauth/token", {"access_token": "old"}, {"access_token": "new"})
    body = {"error": {"code": "token_expired", "message": "no", "details": [], "retryable": True}}
    expired = httpx.Response(401, json=body)
    whistl.answers("/v2/orders", expired, httpx.Response(201, json=ACCEPTED))

    submit(client_of())

    sent = [request.headers["Authorization"] for request in whistl.asked("/v2/orders")]
    assert sent == ["Bearer old", "Bearer new"]


def test_an_unknown_client_id_is_reported_with_who_can_help(
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
    whistl.answers("/v2/services", httpx.Response(200, json=[]))

    client_of(static_token="fixed").services()

    assert [r.headers["Authorization"] for r in whistl.requests] == ["Bearer fixed"]


def test_secrets_are_not_shown_by_the_configuration(client_of: ClientOf) -> None:
    shown = repr(client_of(static_token="fixed-token")._config)

    assert "secret-secret" not in shown
    assert "fixed-token" not in shown


def test_a_client_without_credentials_is_refused(client_of: ClientOf) -> None:
    with pytest.raises(ValueError, match="client id"):
        client_of(client_secret="")


def test_a_token_answer_that_cannot_be_read_names_the_field_and_no_value(
    whistl: Any, client_of: ClientOf
) -> None:
    whistl.answers("/oauth/token", {"access_token": ["secret-token"]})

    with pytest.raises(NotSent, match=r"no access token \(access_token: expected text") as caught:
        submit(client_of())

    assert "secret" not in str(caught.value)
