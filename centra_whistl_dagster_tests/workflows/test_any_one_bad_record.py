"""Whatever is wrong with one record, those read with it enter the ledger, on either database."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, cast

import pytest

from centra_whistl_dagster.centra import reading as centra_reading
from centra_whistl_dagster.centra.records import UnreadableOrder
from centra_whistl_dagster.domain.orders.order import Order
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import despatches as ledger_despatches
from centra_whistl_dagster.ledger import orders
from centra_whistl_dagster.whistl import reading as whistl_reading
from centra_whistl_dagster.whistl.client import DespatchMessage, DespatchPage
from centra_whistl_dagster.workflows.orders import intake
from centra_whistl_dagster.workflows.shipments import despatches
from centra_whistl_dagster_tests.workflows.conftest import Desk

HOSTILE: dict[str, object] = {
    "a NUL": "Zo\0ë",
    "half of a surrogate pair": "A\ud800",
    "more than 32 bits": 2**31,
    "15 digits": 10**15 - 1,
    "more than 64 bits": 2**64,
    "13 digits with pence": Decimal("1234567890123.45"),
    "15 digits that round up": Decimal("999999999999999.999"),
    "a year of the past": "0001-01-01T00:00:00+14:00",
    "a year of the future": "9999-12-31T23:59:59-14:00",
    "a list": [[]],
    "an object": {"\0": "\0"},
}
Path = tuple[str | int, ...]


@pytest.fixture
def environment(environment: dict[str, str], ledger_url: str) -> dict[str, str]:
    return environment | {"LEDGER_URL": ledger_url}


def leaves(value: object, path: Path = ()) -> Iterator[Path]:
    """Return the places of all members of a record, the outer ones too."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, member in value.items():
            yield from leaves(member, (*path, key))
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from leaves(member, (*path, index))


def with_member(record: object, path: Path, value: object) -> Any:
    """Return a copy of a record with another value in one place."""
    made = copy.deepcopy(record)
    holder = cast("Any", made)
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    return made


class CentraWith:
    """Centra's client, whose list of changed orders is given."""

    def __init__(self, client: object, records: Sequence[Order | UnreadableOrder]) -> None:
        self._client, self._records = client, records

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def orders_changed_since(self, since: object) -> Iterator[Order | UnreadableOrder]:
        return iter(self._records)


class WhistlWith:
    """Whistl's client, whose feed of despatches is given."""

    def __init__(self, client: object, nodes: Sequence[Any], zone: Any) -> None:
        self._client, self._nodes, self._zone = client, nodes, zone

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def despatches_after(self, sequence: int, limit: int) -> DespatchPage:
        messages = tuple(
            DespatchMessage(
                raw=json.dumps(node, default=str),
                read_after=number,
                record=whistl_reading.despatch_or_unreadable(node, self._zone),
            )
            for number, node in enumerate(self._nodes)
        )
        return DespatchPage(messages=messages, next_after_sequence=sequence, has_more=False)


def raw_records(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> list[Any]:
    """Return a list that fills with the records that a client reads from now on."""
    seen: list[Any] = []
    read = getattr(module, name)

    def note(node: object, *rest: object) -> object:
        seen.append(copy.deepcopy(node))
        return read(node, *rest)

    monkeypatch.setattr(module, name, note)
    return seen


def test_an_order_with_anything_at_all_in_any_field_keeps_no_other_out(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = raw_records(monkeypatch, centra_reading, "order_or_unreadable")
    order = desk.order((desk.skus[0], 2), other_comment="Please ring")
    list(desk.link.centra.orders_with_ids([order.order_id]))
    (node,) = nodes
    monkeypatch.undo()
    failed: list[str] = []

    for round_number, (path, name) in enumerate((p, n) for p in leaves(node) for n in HOSTILE):
        first, bad, last = (
            {**node, "id": f"order-{round_number}-{n}", "number": 1000 * (round_number + 1) + n}
            for n in range(3)
        )
        bad = with_member(bad, path, HOSTILE[name])
        records = [centra_reading.order_or_unreadable(each) for each in (first, bad, last)]
        link = replace(desk.link, centra=cast("Any", CentraWith(desk.link.centra, records)))
        what = f"{name} in {'.'.join(map(str, path))}"
        try:
            tally = intake.take_in_orders(link)
        except Exception as error:  # noqa: BLE001 - every case is tried, and reported together
            failed.append(f"{what}: {type(error).__name__}")
            continue
        with desk.link.ledger.reading() as tx:
            found = orders.find_all(tx, [first["id"], last["id"]])
        if len(found) != 2 or tally.read != 3 or not tally.is_balanced or tally.written < 2:
            failed.append(f"{what}: {tally}")

    assert failed == []


def test_an_order_with_the_number_of_another_is_reported_and_keeps_no_other_out(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, twin, last = desk.order_some(3)
    twin.number = first.number

    tally = intake.take_in_orders(desk.link)

    assert (tally.written, sum(tally.failed.values())) == (2, 1)
    assert tally.is_balanced
    assert desk.counts() == {OrderState.RECEIVED: 2}
    assert desk.state(last) == OrderState.RECEIVED
    assert desk.problems(str(twin.number)) == ["unreadable_record"]


def test_of_a_hundred_orders_one_bad_one_of_each_sort_keeps_none_of_the_others_from_whistl(
    desk: Desk,
) -> None:
    placed = [desk.order((desk.skus[n % len(desk.skus)], 1)) for n in range(100)]
    named, large, dear = placed[10], placed[50], placed[90]
    assert named.address is not None
    named.address["firstName"] = "Zo\0ë"
    large.lines[0].quantity = 2**31
    dear.lines[0].unit_price = Decimal("1234567890123.45")

    desk.relay_orders()

    bad = (named, large, dear)
    healthy = [order for order in placed if all(order is not each for each in bad)]
    assert [desk.at_whistl(order) for order in healthy] == [1] * 97
    assert [order.is_locked for order in healthy] == [True] * 97
    for order in bad:
        assert desk.at_whistl(order) or desk.problems(str(order.number))


def test_a_despatch_with_anything_at_all_in_any_field_keeps_no_other_out(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = raw_records(monkeypatch, whistl_reading, "despatch_or_unreadable")
    desk.leave_the_building([desk.order((desk.skus[0], 2))])
    desk.link.whistl.despatches_after(0, limit=10)
    node = nodes[0]
    monkeypatch.undo()
    zone = desk.link.settings.whistl.zone
    failed: list[str] = []

    for round_number, (path, name) in enumerate((p, n) for p in leaves(node) for n in HOSTILE):
        first, bad, last = (
            {
                **node,
                "despatch_id": f"D-{round_number}-{n}",
                "sequence": 1000 * (round_number + 1) + n,
                "order_number": f"X{round_number}-{n}",
            }
            for n in range(3)
        )
        bad = with_member(bad, path, HOSTILE[name])
        client = WhistlWith(desk.link.whistl, [first, bad, last], zone)
        link = replace(desk.link, whistl=cast("Any", client))
        what = f"{name} in {'.'.join(map(str, path))}"
        try:
            tally = despatches.pull_despatches(link)
        except Exception as error:  # noqa: BLE001 - every case is tried, and reported together
            failed.append(f"{what}: {type(error).__name__}")
            continue
        with desk.link.ledger.reading() as tx:
            waiting = {despatch.despatch_id for despatch in ledger_despatches.waiting(tx)}
        if not {first["despatch_id"], last["despatch_id"]} <= waiting or not tally.is_balanced:
            failed.append(f"{what}: {tally}")

    assert failed == []
