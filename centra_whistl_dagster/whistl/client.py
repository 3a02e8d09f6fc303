"""Whistl as the rest of the project knows it: orders to send, despatches and stock to read.

One method for each request. Does not belong here: the request's body (`mapping`), reading of fields
(`reading`), fetching a page ahead (`paging`), the token (`tokens`), any decision (`workflows`).
"""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import quote

from centra_whistl_dagster.domain.orders.despatches import Despatch
from centra_whistl_dagster.domain.orders.whistl_catalogue import WhistlProduct, WhistlService
from centra_whistl_dagster.transport import (
    LIST,
    ONE_RECORD,
    Answer,
    BodyLimits,
    CallKind,
    HourOfCalls,
    Json,
    Lane,
    Refused,
    Wire,
)
from centra_whistl_dagster.transport.fields import BrokenRecord, Fields
from centra_whistl_dagster.whistl import reading
from centra_whistl_dagster.whistl.connection import WhistlConfig, connect
from centra_whistl_dagster.whistl.paging import one_ahead
from centra_whistl_dagster.whistl.records import (
    Acceptance,
    CancelAnswer,
    DespatchMessage,
    DespatchPage,
    SnapshotHead,
    UnreadableDespatch,
    UnreadableOrderView,
    WhistlOrderLine,
    WhistlOrderView,
)

__all__ = [
    "Acceptance",
    "CancelAnswer",
    "DespatchMessage",
    "DespatchPage",
    "SnapshotHead",
    "UnreadableDespatch",
    "UnreadableOrderView",
    "WhistlClient",
    "WhistlConfig",
    "WhistlOrderLine",
    "WhistlOrderView",
]

T = TypeVar("T")

_ONE_REQUEST = {"requests": 1}
_LOOK_UP_SECONDS = 10.0
"""An order that cannot be looked up in this time is looked up again in a later round."""

_logger = logging.getLogger("centra_whistl_dagster.whistl")


class WhistlClient:
    """Calls to one Whistl account. Safe to use from several threads.

    Every method raises the `IntegrationError`s that the docstring of `transport` lists.
    """

    def __init__(
        self,
        config: WhistlConfig,
        *,
        now: Callable[[], datetime],
        sleep: Callable[[float], None],
        rng: random.Random,
        monotonic: Callable[[], float] = time.monotonic,
        wire: Wire | None = None,
    ) -> None:
        """Prepare a client; nothing is sent. `wire` stands in for the network in tests.

        Raises:
            ValueError: naming what in the configuration cannot be used.
        """
        self._config = config
        self._transport, self._judge = connect(
            config, now=now, sleep=sleep, rng=rng, monotonic=monotonic, wire=wire
        )

    def close(self) -> None:
        """Close connections and shared files."""
        self._transport.close()

    def take_counts(self) -> list[HourOfCalls]:
        """Return the calls counted since the last time."""
        return self._transport.take_counts()

    # ---- orders
    def submit_order(self, body: Mapping[str, object], *, idempotency_key: str) -> Acceptance:
        """Create an order. Not repeated once Whistl may have received it.

        Raises:
            OutcomeUnknown: look it up by its number before anything else is done.
            Refused: with every reason; see `refusals.says_number_is_taken`.
        """
        operation = "create_order"
        answer = self._transport.request(
            CallKind.CREATE,
            operation,
            "POST",
            "v2/orders",
            json=body,
            headers={"Idempotency-Key": idempotency_key},
            costs=_ONE_REQUEST,
        )
        is_replayed = answer.headers.get("idempotent-replayed", "").lower() == "true"
        accepted = self._read(
            CallKind.CREATE,
            operation,
            answer.body,
            lambda node: reading.acceptance(node, is_replayed=is_replayed),
        )
        if accepted.order_number != body["order_number"]:
            detail = "the answer is about another order number"
            raise self._judge.unreadable(CallKind.CREATE, operation, detail)
        self._log_warnings(operation, answer.body)
        return accepted

    def find_order(self, order_number: str) -> WhistlOrderView | None:
        """Look an order up by its number; None where Whistl itself answers that it has none.

        A 404 from anything between us and Whistl is an error: read as absence, it would send the
        order twice.
        """
        operation = "read_order"
        path = f"v2/orders/{quote(order_number, safe='')}"
        try:
            answer = self._get(operation, path, within_seconds=_LOOK_UP_SECONDS, limits=ONE_RECORD)
        except Refused as error:
            if error.status == 404 and error.code == "not_found":
                return None
            raise
        view = self._read(CallKind.READ, operation, answer.body, reading.order_view)
        if view.order_number != order_number:
            detail = "the answer is about another order number"
            raise self._judge.unreadable(CallKind.READ, operation, detail)
        return view

    def orders_updated_since(
        self, since: datetime | None
    ) -> Iterator[WhistlOrderView | UnreadableOrderView]:
        """Read the orders that changed since a moment; None reads every one there has been."""
        if since is None:
            return self._orders({}, Lane.STOCK)
        return self._orders({"updated_since": _iso_utc(since)}, Lane.ORDERS)

    def orders_in_statuses(
        self, statuses: Iterable[str]
    ) -> Iterator[WhistlOrderView | UnreadableOrderView]:
        """Read the orders that are in one of these statuses now, whenever they changed."""
        return self._orders({"status": ",".join(sorted(statuses))}, Lane.STOCK)

    def _orders(
        self, params: Mapping[str, str], lane: Lane
    ) -> Iterator[WhistlOrderView | UnreadableOrderView]:
        for body in self._cursor_pages("list_orders", "v2/orders", params, lane):
            for row in self._rows("list_orders", body):
                yield reading.order_view_or_unreadable(row, self._config.zone)

    def cancel_order(self, order_number: str, reason: str) -> CancelAnswer:
        """Ask Whistl to stop an order. Asking twice does no harm.

        Raises:
            Refused: it is too late; `code` is `order_not_cancellable`.
        """
        operation = "cancel_order"
        answer = self._transport.request(
            CallKind.IDEMPOTENT_WRITE,
            operation,
            "POST",
            f"v2/orders/{quote(order_number, safe='')}/cancel",
            json={"reason": reason},
            costs=_ONE_REQUEST,
        )
        status = self._read(
            CallKind.IDEMPOTENT_WRITE, operation, answer.body, lambda node: node.text("status")
        )
        return CancelAnswer(is_cancelled=status == "CANCELLED", status=status)

    # ---- despatches
    def despatches_after(self, sequence: int, limit: int) -> DespatchPage:
        """Read despatch messages in the order of their sequence.

        A message may come more than once. One that cannot be read is returned as unreadable.
        """
        operation = "list_despatches"
        params = {"after_sequence": sequence, "limit": limit}
        body = self._get(operation, "v2/despatches", params).body
        rows = self._rows(operation, body)
        reached, has_more = self._read(CallKind.READ, operation, body, reading.sequence_page)
        messages, read_after = [], sequence
        for row in rows:
            record = reading.despatch_or_unreadable(row, self._config.zone)
            raw = json.dumps(row, default=str)
            messages.append(DespatchMessage(raw=raw, read_after=read_after, record=record))
            read_after = max(read_after, record.sequence or 0)
        return DespatchPage(
            messages=tuple(messages),
            next_after_sequence=read_after if reached is None else reached,
            has_more=has_more and bool(rows),
        )

    def read_again(self, raw: str) -> Despatch | UnreadableDespatch:
        """Read a despatch message that was kept as it came. Nothing is sent."""
        return reading.despatch_or_unreadable(json.loads(raw), self._config.zone)

    # ---- stock
    def latest_snapshot(self) -> SnapshotHead:
        """Return the head of the newest stock snapshot.

        Raises:
            Refused: with code `not_found` before the first was taken.
        """
        operation = "latest_snapshot"
        answer = self._get(operation, "v2/stock/snapshots/latest", limits=ONE_RECORD)
        return self._read(CallKind.READ, operation, answer.body, reading.snapshot_head)

    def snapshot_rows(self, snapshot_id: str) -> Generator[list[dict[str, Json]], None, None]:
        """Read the rows of a snapshot page by page, unchecked: the guards check them.

        A thread fetches each page while the caller works through the one before. A caller that
        stops early must close the generator.

        Raises:
            Refused: with code `snapshot_expired` once Whistl has dropped it.
            ContractBroken: a page belongs to another snapshot.
        """
        return one_ahead(self._snapshot_pages(snapshot_id))

    def _snapshot_pages(self, snapshot_id: str) -> Iterator[list[dict[str, Json]]]:
        operation = "snapshot_items"
        path = f"v2/stock/snapshots/{quote(snapshot_id, safe='')}/items"
        for body in self._cursor_pages(operation, path, {}, Lane.STOCK):
            if body.get("snapshot_id") != snapshot_id:
                detail = "a page belongs to another snapshot"
                raise self._judge.unreadable(CallKind.READ, operation, detail)
            yield [row if isinstance(row, dict) else {} for row in self._rows(operation, body)]

    # ---- reference data
    def services(self) -> list[WhistlService]:
        """Read every service, those switched off too. One that cannot be read is logged."""
        operation = "list_services"
        answer = self._get(operation, "v2/services")
        return list(self._readable(operation, {"data": answer.body}, reading.service))

    def products(self, since: datetime | None = None) -> Iterator[WhistlProduct]:
        """Read every product, or those that changed since. One that cannot be read is logged."""
        params = {"updated_since": _iso_utc(since)} if since else {}
        for body in self._cursor_pages("list_products", "v2/products", params, Lane.STOCK):
            yield from self._readable("list_products", body, reading.product)

    # ---- shared by several
    def _get(
        self,
        operation: str,
        path: str,
        params: Mapping[str, str | int] | None = None,
        *,
        lane: Lane = Lane.ORDERS,
        within_seconds: float | None = None,
        limits: BodyLimits = LIST,
    ) -> Answer:
        return self._transport.request(
            CallKind.READ,
            operation,
            "GET",
            path,
            params=params,
            costs=_ONE_REQUEST,
            lane=lane,
            within_seconds=within_seconds,
            limits=limits,
        )

    def _cursor_pages(
        self, operation: str, path: str, params: Mapping[str, str | int], lane: Lane
    ) -> Iterator[dict[str, Json]]:
        cursor: str | None = None
        seen: set[str | None] = set()
        while cursor not in seen:
            seen.add(cursor)
            at = {"cursor": cursor} if cursor is not None else {}
            query = {**params, **at, "limit": self._config.page_size}
            body = self._get(operation, path, query, lane=lane).body
            cursor = self._read(CallKind.READ, operation, body, reading.cursor_page)
            if isinstance(body, dict):  # or `cursor_page` would have refused it
                yield body
            if cursor is None:
                return
        detail = "the same cursor came twice: the list has no end"
        raise self._judge.unreadable(CallKind.READ, operation, detail)

    def _log_warnings(self, operation: str, body: Json) -> None:
        """Log the codes of Whistl's warnings; unreadable ones do not make the order unaccepted."""
        try:
            warnings = reading.warnings(Fields(body))
        except BrokenRecord as broken:
            _logger.warning("%s: warnings that cannot be read: %s", operation, broken)
            return
        if warnings:
            _logger.warning(
                "%s: Whistl gave %d warnings: %s",
                operation,
                len(warnings),
                ", ".join(map(str, warnings)),
            )

    def _rows(self, operation: str, body: Json) -> list[Json]:
        """Return the records of a page. Absent is not empty."""
        rows = body.get("data") if isinstance(body, dict) else None
        if not isinstance(rows, list):
            raise self._judge.unreadable(CallKind.READ, operation, "data is not a list")
        return rows

    def _readable(self, operation: str, body: Json, read: Callable[[Fields], T]) -> Iterator[T]:
        for row in self._rows(operation, body):
            try:
                yield read(Fields(row, zone=self._config.zone))
            except BrokenRecord as broken:
                _logger.warning("%s: a record is left out: %s", operation, broken)

    def _read(self, kind: CallKind, operation: str, body: Json, read: Callable[[Fields], T]) -> T:
        try:
            return read(Fields(body, zone=self._config.zone))
        except BrokenRecord as broken:
            raise self._judge.unreadable(kind, operation, str(broken)) from broken


def _iso_utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
