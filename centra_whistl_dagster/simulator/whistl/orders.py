"""The order book of the simulated Whistl: take an order once, show it, cancel it.

Does not belong here: what is wrong with a body (`validation`), or what happens to an order in the
building (`world.warehouse`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from centra_whistl_dagster.simulator.whistl.answers import (
    Answer,
    Call,
    Refusal,
    json_object,
    moment_of,
    paged,
)
from centra_whistl_dagster.simulator.whistl.findings import Findings, text_of
from centra_whistl_dagster.simulator.whistl.lag import as_shown
from centra_whistl_dagster.simulator.whistl.legacy import (
    chosen_service,
    cut_silently,
    is_prevented_by_cutting,
)
from centra_whistl_dagster.simulator.whistl.times import spelled
from centra_whistl_dagster.simulator.whistl.validation import Catalogue, examine
from centra_whistl_dagster.simulator.world import warehouse
from centra_whistl_dagster.simulator.world.records import WhistlLine
from centra_whistl_dagster.simulator.world.world import WhistlOrder, World

KEY_LIFE = timedelta(hours=24)


def payload_hash(body: Mapping[str, object], *, is_spaced: bool = False) -> str:
    """Return the fingerprint of a body: sorted keys, trimmed texts, no `external_reference`.

    `is_spaced` is another reading of the same agreement.
    """
    content = {name: value for name, value in body.items() if name != "external_reference"}
    marks = (", ", ": ") if is_spaced else (",", ":")
    text = json.dumps(_trimmed(content), sort_keys=True, separators=marks, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class OrderBook:
    """Every order Whistl has, by the number its sender gave it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._keys: dict[str, tuple[str, datetime, WhistlOrder]] = {}
        """By idempotency key: the fingerprint it came with, when, and what became of it."""

    def create(self, call: Call) -> Answer:
        """Take an order, or say that it is here already, or what is wrong with it."""
        body = json_object(call.body)
        if text_of(body, "client_code") != self._world.switch("whistl_client_code"):
            raise Refusal(403, "client_code_mismatch", "This token is for another client code")
        is_spaced = self._world.switch("whistl_hashes_otherwise")
        fingerprint = payload_hash(body, is_spaced=is_spaced)
        key = call.headers.get("idempotency-key", "")
        if (earlier := self._by_key(key, fingerprint)) is not None:
            return _replayed(earlier)
        number = text_of(body, "order_number")
        existing = self._world.whistl_orders.get(number)
        if existing and not self._world.switch("whistl_accepts_repeated_numbers"):
            answered = self._world.switch("whistl_repeated_number")
            return _same_or_conflict(existing, fingerprint, answered)
        findings = self._examined(body)
        if findings.details:
            message = f"{len(findings.details)} problem(s)"
            raise Refusal(422, "validation_failed", message, details=findings.details)
        order = self._store(body, number, fingerprint)
        if key:
            self._keys[key] = (fingerprint, self._world.now(), order)
        lines = shown(order)["lines"]
        body = {**_state(order), "lines": lines, "warnings": findings.warnings}
        if self._world.switch("whistl_other_spellings"):
            body |= {"status": order.status.lower(), "status_version": str(order.status_version)}
        return Answer(status=201, body=body)

    def read(self, call: Call) -> Answer:
        """Show one order."""
        return Answer(
            body=self._spelled(as_shown(self._world, self._visible(call.path["order_number"])))
        )

    def list(self, call: Call) -> Answer:
        """Show orders by when they last changed, oldest first."""
        since = moment_of(call.query, "updated_since")
        statuses = set(filter(None, call.query.get("status", "").split(",")))
        if statuses and not self._world.switch("whistl_status_filter"):
            raise Refusal(422, "validation_failed", "Unknown parameter: status")
        orders = [
            order
            for order in (as_shown(self._world, one) for one in self._world.whistl_orders.values())
            if self._is_visible(order)
            and (since is None or order.updated_at >= since)
            and (not statuses or order.status in statuses)
        ]
        orders.sort(key=_place)
        page, about = paged(orders, _place, call.query)
        return Answer(body={"data": [self._spelled(order) for order in page], "page": about})

    def cancel(self, call: Call) -> Answer:
        """Cancel an order, or ask the floor to stop."""
        order = self._visible(call.path["order_number"])
        if call.body:
            json_object(call.body)
        if order.status in warehouse.FREELY_CANCELLABLE:
            warehouse.cancel(self._world, order)
            self._world.calls["whistl orders cancelled"] += 1
        if order.status == "CANCELLED":
            return Answer(body=_state(order))
        if order.status in warehouse.BEING_PICKED:
            if not order.is_cancel_requested:
                warehouse.cancel(self._world, order)
            return Answer(status=202, body={**_state(order), "cancel": "cancel_requested"})
        raise Refusal(
            409, "order_not_cancellable", f"The order is {order.status}", existing=_state(order)
        )

    def _by_key(self, key: str, fingerprint: str) -> WhistlOrder | None:
        if not key or self._world.switch("whistl_ignores_idempotency_key"):
            return None
        known = self._keys.get(key)
        if known is None or self._world.now() - known[1] > KEY_LIFE:
            return None
        if known[0] != fingerprint:
            raise Refusal(409, "idempotency_key_reused", "This key came with another body")
        return known[2]

    def _examined(self, body: Mapping[str, object]) -> Findings:
        findings = examine(body, self._catalogue())
        if self._world.switch("whistl_legacy_cut"):
            findings.details = [d for d in findings.details if not is_prevented_by_cutting(d)]
        return findings

    def _catalogue(self) -> Catalogue:
        world = self._world
        lacks = world.switch("whistl_intake_lacks_skus")
        return Catalogue(
            world.services,
            lambda sku: None if sku in lacks else world.whistl_product(sku),
            order_number_length=world.switch("whistl_order_number_length"),
            chooses_missing_service=world.switch("whistl_recalculates_service"),
        )

    def _store(self, body: dict[str, Any], number: str, fingerprint: str) -> WhistlOrder:
        world, now = self._world, self._world.now()
        if world.switch("whistl_recalculates_service"):
            body = {**body, "service": chosen_service(body, world.services)}
        if world.switch("whistl_legacy_cut"):
            body = {**body, "delivery_address": cut_silently(body["delivery_address"])}
        order = WhistlOrder(
            order_number=number,
            whistl_order_id=f"W{next(world.ids):08d}",
            body=body,
            payload_hash=fingerprint,
            status="RECEIVED",
            status_version=1,
            received_at=now,
            updated_at=now,
            history=[("RECEIVED", now)],
            lines={line["line_number"]: _untouched(line) for line in body["lines"]},
        )
        if number in world.whistl_orders:
            world.repeated_creates.append(order)
        else:
            world.whistl_orders[number] = order
        world.calls["whistl orders created"] += 1
        self._audit(order)
        if world.switch("whistl_first_status") == order.status:
            warehouse.begin(world, order)
        else:
            order.status = world.switch("whistl_first_status")
            order.history = [(order.status, now)]
        return order

    def _spelled(self, order: WhistlOrder) -> dict[str, object]:
        """Show an order as this server spells it."""
        view = respelled(shown(order), self._world.switch("whistl_spelling"))
        return {**view, **self._world.switch("whistl_damaged_views").get(order.order_number, {})}

    def _audit(self, order: WhistlOrder) -> None:
        number = order.order_number.removeprefix(self._world.switch("order_number_prefix"))
        sold = self._world.orders_by_number.get(int(number)) if number.isdigit() else None
        if sold is not None and sold.spoilage is not None:
            self._world.audit.spoiled_accepted.add(order.order_number)

    def _visible(self, number: str) -> WhistlOrder:
        order = self._world.whistl_orders.get(number)
        if order is None or not self._is_visible(order):
            raise Refusal(404, "not_found", "We have no order of that number")
        return order

    def _is_visible(self, order: WhistlOrder) -> bool:
        lag = timedelta(seconds=self._world.switch("whistl_lookup_lag_seconds"))
        return self._world.now() - order.received_at >= lag


def shown(order: WhistlOrder) -> dict[str, object]:
    """Return an order as it is read back: what was sent, and what became of it."""
    lines = [{**line, **order.lines[line["line_number"]]} for line in order.body["lines"]]
    history = [{"status": status, "at": spelled(at)} for status, at in order.history]
    return {
        **order.body,
        **_state(order),
        "payload_hash": order.payload_hash,
        "hold_reason": order.hold_reason,
        "status_history": history,
        "lines": lines,
    }


_COUNTS = ("allocated", "picked", "despatched", "cancelled")
_TIMES = frozenset({"received_at", "updated_at", "at"})


def respelled(view: dict[str, Any], spelling: Collection[str]) -> dict[str, Any]:
    """Return an order as another server would spell it, within the same contract."""
    lines = [dict(line) for line in view["lines"]]
    history = [dict(step) for step in view["status_history"]]
    view = {**view, "lines": lines, "status_history": history}
    if "lower_case" in spelling:
        for part in (view, *history):
            part["status"] = part["status"].lower()
    if "null_counts" in spelling:
        for line in lines:
            line.update({name: line[name] or None for name in _COUNTS})
    if "numbers_as_text" in spelling:
        view["status_version"] = str(view["status_version"])
        for line in lines:
            line.update({n: str(v) for n, v in line.items() if isinstance(v, int)})
    if "naive_times" in spelling:
        for part in (view, *history):
            part.update({n: part[n].removesuffix("Z") for n in _TIMES & part.keys()})
    return view


def _state(order: WhistlOrder) -> dict[str, object]:
    return {
        "order_number": order.order_number,
        "whistl_order_id": order.whistl_order_id,
        "status": order.status,
        "status_version": order.status_version,
        "received_at": spelled(order.received_at),
        "updated_at": spelled(order.updated_at),
    }


def _same_or_conflict(existing: WhistlOrder, fingerprint: str, answered: str | int) -> Answer:
    if existing.payload_hash == fingerprint and answered == "as agreed":
        return _replayed(existing)
    if answered == 422:
        taken = {"code": "duplicate_order_number", "field": "order_number", "message": "in use"}
        raise Refusal(422, "validation_failed", "1 problem(s)", details=[taken])
    raise Refusal(
        409,
        "duplicate_order",
        "This order number is taken by an order with other contents",
        existing={
            "whistl_order_id": existing.whistl_order_id,
            "status": existing.status,
            "payload_hash": existing.payload_hash,
        },
    )


def _replayed(order: WhistlOrder) -> Answer:
    return Answer(body=shown(order), headers={"Idempotent-Replayed": "true"})


def _untouched(line: Mapping[str, Any]) -> WhistlLine:
    return {
        "sku": line["sku"],
        "ordered": line["quantity"],
        "allocated": 0,
        "picked": 0,
        "despatched": 0,
        "cancelled": 0,
    }


def _place(order: WhistlOrder) -> list[str]:
    return [spelled(order.updated_at), order.order_number]


def _trimmed(value: object) -> object:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, dict):
        return {name: _trimmed(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_trimmed(part) for part in value]
    return value
