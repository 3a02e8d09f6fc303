"""A push counts only with Centra's signature, made a moment ago over the very bytes that came."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from centra_whistl_dagster.domain.orders.pushes import (
    LONGEST_AGE,
    PushedOrders,
    PushRefused,
    PushUnreadable,
    pushed_orders,
    signed_at,
)

SECRET = "test123"
DOCUMENTED_AT = datetime.fromtimestamp(12345678, UTC)
DOCUMENTED_BODY = b"payload=%7B%22x%22%3A%22test%22%7D"
DOCUMENTED = "t=12345678,v1=0b9cd84f5d583e5e1aadfb9f160aa8080b51d5b85ff85808d6b75bdac356c549"
"""The example in Centra's documentation."""
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def signature(body: bytes, *, at: datetime = NOW, secret: str = SECRET) -> str:
    stamp = int(at.timestamp())
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={stamp},v1={digest}"


def body_of(*events: object) -> bytes:
    return urlencode({"payload": json.dumps({"events": events})}).encode()


def test_the_documented_example_is_accepted() -> None:
    assert signed_at(SECRET, DOCUMENTED, DOCUMENTED_BODY, now=DOCUMENTED_AT) == DOCUMENTED_AT


HEADERS = [
    "",
    "t=12345678",
    DOCUMENTED.replace("v1=0", "v1=1"),
    DOCUMENTED.replace("v1=", "v1=é"),
    DOCUMENTED.replace("12345678", "12345679"),
    DOCUMENTED.replace("v1", "v2"),
    DOCUMENTED[:-1],
    f"{DOCUMENTED},v1={'0' * 64}",
    f"t=999999999999,v1={'0' * 64}",
]


@pytest.mark.parametrize("header", HEADERS)
def test_another_signature_is_refused(header: str) -> None:
    with pytest.raises(PushRefused):
        signed_at(SECRET, header, DOCUMENTED_BODY, now=DOCUMENTED_AT)


def test_a_signature_with_another_secret_or_over_other_bytes_is_refused() -> None:
    body = body_of({"type": "order", "id": 1})

    for given_signature, given_body in (
        (signature(body, secret="another"), body),
        (signature(body), body + b" "),
        (signature(body), b""),
    ):
        with pytest.raises(PushRefused):
            signed_at(SECRET, given_signature, given_body, now=NOW)


@given(header=st.text(max_size=90), body=st.binary(max_size=60))
def test_nothing_that_is_not_signed_is_ever_accepted(header: str, body: bytes) -> None:
    with pytest.raises(PushRefused):
        signed_at(SECRET, header, body, now=NOW)


@pytest.mark.parametrize("seconds", [-299, 0, 299])
def test_a_clock_may_be_minutes_off(seconds: int) -> None:
    at = NOW + timedelta(seconds=seconds)

    assert signed_at(SECRET, signature(b"x", at=at), b"x", now=NOW) == at


@pytest.mark.parametrize("off", [LONGEST_AGE, -LONGEST_AGE])
def test_a_recorded_push_is_refused_later_and_so_is_one_from_the_future(off: timedelta) -> None:
    at = NOW - off - timedelta(seconds=1 if off > timedelta(0) else -1)

    with pytest.raises(PushRefused, match="ago, or in the future"):
        signed_at(SECRET, signature(b"x", at=at), b"x", now=NOW)


def test_the_orders_of_a_push_are_named_once_each_and_other_events_are_ignored() -> None:
    body = body_of(
        {"type": "order", "action": "insert", "date": "2021-01-29 14:40:58.628033", "id": 2735},
        {"type": "shipment", "action": "good_to_go", "date": "", "id": 1902},
        {"type": "order", "action": "update", "date": "", "id": 2735},
        {"type": "order", "action": "something new", "id": 2736},
    )

    assert pushed_orders(body) == PushedOrders(
        numbers=frozenset({2735, 2736}), inserted=frozenset({2735})
    )
    assert pushed_orders(body_of()).numbers == frozenset()


UNREADABLE = [
    b"",
    b"payload=",
    b"payload={",
    b"payload=[]",
    b"events=1",
    b"\xff\xfe",
    b"payload=" + b"[" * 20_000,
    DOCUMENTED_BODY,
    body_of("order"),
    body_of({"type": "order"}),
    body_of({"type": "order", "id": None}),
    body_of({"type": "order", "id": "C2735"}),
    body_of({"type": "order", "id": True}),
    body_of({"type": "order", "id": -1}),
    body_of({"type": "order", "id": 2**63}),
    body_of({"type": "order", "id": 1}, {"type": "order", "id": "1.5"}),
    b"&".join([body_of()] * 20),
]


@pytest.mark.parametrize("body", UNREADABLE)
def test_a_body_that_is_not_as_documented_is_unreadable(body: bytes) -> None:
    with pytest.raises(PushUnreadable):
        pushed_orders(body)


def test_what_is_said_of_an_unreadable_body_quotes_nothing_of_it() -> None:
    with pytest.raises(PushUnreadable) as caught:
        pushed_orders(b"payload=Ada+Lovelace")

    assert "Lovelace" not in str(caught.value)
    assert caught.value.__cause__ is None
