"""Typed values out of JSON, and errors that name the field without its value."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from centra_whistl_dagster.transport.answers import parse_json
from centra_whistl_dagster.transport.fields import BrokenRecord, Fields, name_of


@pytest.mark.parametrize(
    ("read", "wrong"),
    [
        (lambda f: f.text("x"), 5),
        (lambda f: f.required_text("x"), "  "),
        (lambda f: f.whole("x"), "5"),
        (lambda f: f.whole("x"), True),
        (lambda f: f.whole("x"), Decimal("5.0")),
        (lambda f: f.whole("x"), 2**63),
        (lambda f: f.flag("x"), None),
        (lambda f: f.flag("x"), 1),
        (lambda f: f.moment("x"), "0001-01-01T00:00:00+14:00"),
        (lambda f: f.moment("x"), "9999-12-31T23:59:59-14:00"),
        (lambda f: f.moment("x"), "1899-12-31T23:59:59Z"),
        (lambda f: f.number("x"), "five"),
        (lambda f: f.number("x"), "1e999999999"),
        (lambda f: f.number("x"), "NaN"),
        (lambda f: f.number("x"), "Infinity"),
        (lambda f: f.moment("x"), "2026-03-02T09:00:00"),
        (lambda f: f.moment("x"), "yesterday"),
        (lambda f: f.moment("x"), 1772442000),
        (lambda f: f.moment("x"), None),
        (lambda f: f.child("x"), []),
        (lambda f: f.children("x"), {}),
        (lambda f: f.children("x"), [1]),
        (lambda f: f.texts("x"), [1]),
    ],
)
def test_a_wrong_value_is_named_by_its_place(read: Callable[[Fields], Any], wrong: Any) -> None:
    with pytest.raises(BrokenRecord) as caught:
        read(Fields({"x": wrong}, "order.lines[3]"))

    assert caught.value.field.startswith("order.lines[3].x")
    assert "expected" in caught.value.detail


def test_an_error_never_quotes_the_value() -> None:
    with pytest.raises(BrokenRecord) as caught:
        Fields({"phone": ["07700900123"]}).text("phone")

    assert "07700900123" not in str(caught.value)


def test_null_is_the_same_as_absent_where_it_may_be() -> None:
    for fields in (Fields({}), Fields(dict.fromkeys(("t", "n", "m", "c", "l", "f")))):
        assert fields.text("t") == ""
        assert fields.number("n") is None
        assert fields.optional_moment("m") is None
        assert fields.child("c") is None
        assert fields.children("l") == []
        assert fields.flag("f", default=True) is True


def test_a_moment_becomes_utc() -> None:
    fields = Fields({"m": "2026-07-01T10:00:00+02:00", "z": "2026-07-01T08:00:00.5Z"})

    assert fields.moment("m") == datetime(2026, 7, 1, 8, tzinfo=UTC)
    assert fields.moment("m").tzinfo is UTC
    assert fields.moment("z") == datetime(2026, 7, 1, 8, 0, 0, 500_000, tzinfo=UTC)


def test_a_nul_that_a_database_refuses_is_replaced_by_the_sign_for_no_character() -> None:
    body = parse_json(b'{"name": "A\\u0000da", "tags": ["\\u0000"]}')

    assert Fields(body).text("name") == "A\ufffdda"
    assert Fields(body).texts("tags") == {"\ufffd"}


def test_half_a_character_is_replaced_by_the_sign_for_one() -> None:
    body = parse_json(b'{"name": "A\\ud83dda"}')

    assert Fields(body).text("name") == "A\ufffdda"


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_no_value_whatever_raises_anything_but_a_broken_record(value: Any) -> None:
    fields = Fields({"x": value})
    for read in (fields.text, fields.whole, fields.flag, fields.number, fields.moment):
        with contextlib.suppress(BrokenRecord):
            read("x")


@pytest.mark.parametrize(
    "content", [b'{"a": 1, "a": 1}', b"[NaN]", b"[-Infinity]", b"", b"{", b"\xff", b"1 2"]
)
def test_json_that_could_be_misread_is_not_read(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"^it "):
        parse_json(content)


def test_money_keeps_its_pennies() -> None:
    body = parse_json(b'\xef\xbb\xbf{"value": 19.90}')

    assert body == {"value": Decimal("19.90")}


@pytest.mark.parametrize(
    ("record", "name"),
    [
        ({"id": 7}, "7"),
        ({"id": None, "number": "C100234"}, "C100234"),
        ({"id": "Ada O'Brien, 12 High Street"}, None),
        ({"id": {"first": "Ada"}}, None),
        ({}, None),
        ("Ada", None),
    ],
)
def test_an_unreadable_record_is_named_by_an_id_and_never_by_a_sentence(
    record: object, name: str | None
) -> None:
    assert name_of(record, "id", "number") == name
