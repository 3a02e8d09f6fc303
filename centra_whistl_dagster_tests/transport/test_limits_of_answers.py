"""An answer costs no more memory than its operation needs, whatever a system sends."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from centra_whistl_dagster.transport import (
    LIST,
    ONE_RECORD,
    AnswerTooLarge,
    BodyLimits,
    CallKind,
    ContractBroken,
    Judge,
    OutcomeUnknown,
)
from centra_whistl_dagster.transport.answers import MOST_DEPTH, TooLarge, parse_json
from centra_whistl_dagster.transport.fields import BrokenRecord, Fields
from centra_whistl_dagster.transport.wire import RawAnswer

MOST_MEMORY = 150_000_000
"""Bytes at the worst; before there was a limit, 30 MB of `[[],[],…` took 1.8 GB."""


def filled(piece: Callable[[int], str], size: int) -> bytes:
    """A list of pieces, up to so many bytes."""
    pieces: list[str] = []
    length = 0
    while length < size:
        pieces.append(piece(len(pieces)))
        length += len(pieces[-1].encode()) + 1
    return f"[{','.join(pieces)}]".encode()


HOSTILE = {
    "empty lists": lambda _: "[]",
    "empty objects": lambda _: "{}",
    "objects of objects": lambda n: f'{{"k{n}":{{}}}}',
    "objects of texts": lambda n: f'{{"k{n}":"v{n}"}}',
    "objects with one key": lambda n: f'{{"k{n}":{n}.5}}',
    "numbers": lambda n: str(n + 1000),
    "fractions": lambda n: f"{n}.5",
    "short texts": lambda n: f'"{n}"',
    "wide characters": lambda _: '"\U0001f600' + "x" * 100_000 + '"',
}


@pytest.mark.parametrize("piece", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("size", [ONE_RECORD.size, LIST.size - 200_000, 30_000_000])
def test_no_answer_takes_more_than_its_share_of_memory(
    piece: Callable[[int], str], size: int
) -> None:
    content = filled(piece, size)
    tracemalloc.start()
    try:
        parse_json(content, LIST)
    except TooLarge:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

    assert peak < MOST_MEMORY


def test_a_full_page_of_large_orders_is_well_within_its_limits() -> None:
    line = {"id": 123456, "sku": "DRESS-NAVY-12", "quantity": 1, "price": 129.5, "name": "x" * 200}
    order = {"id": "0" * 32, "address": {f"field{n}": "y" * 40 for n in range(20)}}
    page = json.dumps({"data": {"orders": [{**order, "lines": [line] * 20}] * 200}}).encode()

    assert len(page) < LIST.size / 4
    assert parse_json(page, LIST)


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_depth_is_limited_and_what_texts_hold_does_not_count(opening: str) -> None:
    closing = "]" if opening == "[" else "}"
    deepest = opening * MOST_DEPTH + "1" + closing * MOST_DEPTH

    parse_json(deepest.encode())
    parse_json(json.dumps({"note": "[{," * 300_000}).encode(), ONE_RECORD)
    parse_json(json.dumps({"note": '\\"[' * 1000}).encode(), BodyLimits(size=10_000, elements=9))
    with pytest.raises(ValueError, match="nested more than"):
        parse_json((opening + deepest + closing).encode())


@pytest.mark.parametrize("ending", ['"', '"\\', '\\"' * 500_000, '"' + '\\"' * 500_000 + "\\"])
def test_a_text_without_an_end_is_refused_in_one_reading(ending: str) -> None:
    """In quadratic time, this one would not end within the tests' own time."""
    with pytest.raises(ValueError, match="not JSON"):
        parse_json(b'["a", ' + ending.encode())


@given(st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=30))
def test_what_is_within_the_limits_is_read_as_it_was_written(value: object) -> None:
    assert parse_json(json.dumps(value).encode()) == value


@pytest.mark.parametrize("number", ["1e9999999999999999999", "-1e-9999999999999999999", "9" * 5000])
def test_a_number_that_cannot_be_held_breaks_its_record_and_no_other(number: str) -> None:
    rows = parse_json(f'[{{"price": {number}}}, {{"price": 19.90}}]'.encode())

    assert isinstance(rows, list)
    with pytest.raises(BrokenRecord, match="price"):
        Fields(rows[0]).required_number("price")
    assert Fields(rows[1]).required_number("price") == Decimal("19.90")


def test_what_is_too_large_is_its_own_error_of_a_read_and_leaves_a_write_in_doubt() -> None:
    judge = Judge("Testland", lambda *_: None, access_advice="", now=lambda: datetime.now(UTC))
    raw = RawAnswer(status=200, headers={}, content=b"[" + b"{}," * 60_000 + b"{}]")

    with pytest.raises(AnswerTooLarge, match="more than 50000 elements"):
        judge.answer(CallKind.READ, "op", raw, ONE_RECORD)
    with pytest.raises(OutcomeUnknown, match="more than 50000 elements"):
        judge.answer(CallKind.CREATE, "op", raw, ONE_RECORD)
    assert judge.answer(CallKind.READ, "op", raw, LIST).status == 200
    assert issubclass(AnswerTooLarge, ContractBroken)
