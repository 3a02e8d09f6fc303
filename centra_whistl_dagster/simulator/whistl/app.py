"""The simulated Whistl over HTTP, under `/whistl`: Whistl's API as this project specifies it.

Does not belong here: orders (`orders`), authentication and quota (`access`), or what happens in the
building (`world.warehouse`).
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from centra_whistl_dagster.domain.orders.whistl_catalogue import WhistlProduct, WhistlService
from centra_whistl_dagster.simulator.whistl.access import Access
from centra_whistl_dagster.simulator.whistl.answers import (
    Answer,
    Call,
    Refusal,
    json_object,
    limit_of,
    moment_of,
    number_of,
    paged,
)
from centra_whistl_dagster.simulator.whistl.despatches import served
from centra_whistl_dagster.simulator.whistl.findings import text_of
from centra_whistl_dagster.simulator.whistl.orders import OrderBook
from centra_whistl_dagster.simulator.whistl.snapshots import is_expired
from centra_whistl_dagster.simulator.whistl.times import spelled
from centra_whistl_dagster.simulator.whistl.validation import SKU_FORM
from centra_whistl_dagster.simulator.world.world import Snapshot, World

MAX_BODY_BYTES = 1_048_576
SITE = "SW"
LAST_SEQUENCE = 2**63 - 1

CAPABILITIES = {
    "cancel": True,
    "product_write": True,
    "stock_snapshots": True,
    "stock_per_sku": False,
    "asns": False,
    "returns": False,
    "webhooks": False,
}

Handler = Callable[[Call], Answer]


class _Json(JSONResponse):
    """Writes NaN as many a serializer does, although JSON has no such number."""

    def render(self, content: object) -> bytes:
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def whistl_routes(world: World) -> list[Route]:
    """Return everything Whistl answers to, for one world."""
    api = WhistlApi(world)
    orders = api.orders
    stock = "/v2/stock/snapshots"
    return [
        api.route("POST", "/oauth/token", "token", api.access.issue_token, is_open=True),
        api.route("POST", "/v2/orders", "create_order", orders.create),
        api.route("GET", "/v2/orders", "list_orders", orders.list),
        api.route("GET", "/v2/orders/{order_number}", "read_order", orders.read),
        api.route("POST", "/v2/orders/{order_number}/cancel", "cancel_order", orders.cancel),
        api.route("GET", "/v2/despatches", "list_despatches", api.despatches),
        api.route("GET", f"{stock}/latest", "latest_snapshot", api.latest_snapshot),
        api.route("GET", f"{stock}/{{snapshot_id}}/items", "snapshot_items", api.snapshot_items),
        api.route("GET", "/v2/services", "list_services", api.services),
        api.route("GET", "/v2/products", "list_products", api.products),
        api.route("PUT", "/v2/products/{sku:path}", "put_product", api.put_product),
        api.route("GET", "/v2/capabilities", "read_capabilities", _capabilities),
    ]


class WhistlApi:
    """The reads and writes that are not about orders, and what every call has in common."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._request_numbers = itertools.count(1)
        self._product_updated_at = dict.fromkeys(world.whistl_skus(), world.now())
        self.access = Access(world)
        self.orders = OrderBook(world)

    def route(
        self, method: str, path: str, operation: str, handle: Handler, *, is_open: bool = False
    ) -> Route:
        """Return a route that authenticates a call and handles it under the world's lock."""

        async def endpoint(request: Request) -> Response:
            call = Call(
                path=request.path_params,
                query=request.query_params,
                headers=request.headers,
                body=await request.body(),
            )
            request_id = f"whistl-{next(self._request_numbers)}"
            try:
                answer = await self._served(operation, handle, call, is_open=is_open)
            except Refusal as refusal:
                answer = self._maybe_in_200(refusal.answer(request_id))
            with self._world.lock:
                headers = {} if is_open else self.access.quota_headers()
            headers |= {"X-Request-Id": request_id, **answer.headers}
            return _Json(answer.body, answer.status, headers)

        return Route(path, endpoint, methods=[method], name=operation)

    async def _served(
        self, operation: str, handle: Handler, call: Call, *, is_open: bool
    ) -> Answer:
        with self._world.lock:
            self._world.calls[f"whistl {operation}"] += 1
            if len(call.body) > MAX_BODY_BYTES:
                raise Refusal(413, "payload_too_large", "A body has at most 1 MiB")
            if is_open:
                return handle(call)
            self.access.enter(call.headers)
        try:
            if seconds := self._world.switch("whistl_seconds_per_call"):
                await asyncio.sleep(seconds)
            with self._world.lock:
                return handle(call)
        finally:
            with self._world.lock:
                self.access.leave()

    def _maybe_in_200(self, answer: Answer) -> Answer:
        is_refused = answer.status in {400, 409, 422}
        if is_refused and self._world.switch("whistl_errors_in_200"):
            return replace(answer, status=200)
        return answer

    # ---- despatches and stock
    def despatches(self, call: Call) -> Answer:
        """List the messages after a sequence, in order."""
        after = number_of(call.query, "after_sequence", 0, highest=LAST_SEQUENCE)
        limit = limit_of(call.query)
        limit = min(limit, self._world.switch("despatches_per_page"))
        later = [each for each in self._world.despatches if each["sequence"] > after]
        later.sort(key=lambda message: int(message["sequence"]))
        page = later[:limit]
        reached: int | None = page[-1]["sequence"] if page else after
        if not page and self._world.switch("despatch_empty_page_ends_nowhere"):
            reached = None
        if (end := self._world.switch("despatch_pages_end_at")) != "last":
            reached = end
        about = {"next_after_sequence": reached, "has_more": len(later) > limit}
        return Answer(body={"data": [served(self._world, each) for each in page], "page": about})

    def latest_snapshot(self, call: Call) -> Answer:  # noqa: ARG002 - every handler takes a call
        """Show the head of the latest snapshot."""
        if self._world.latest_snapshot_id is None:
            raise Refusal(404, "not_found", "No snapshot has been taken yet")
        snapshot = self._world.snapshots[self._world.latest_snapshot_id]
        about = {"item_count": snapshot.item_count, "complete": snapshot.complete}
        return Answer(body={**_head(snapshot), **about})

    def snapshot_items(self, call: Call) -> Answer:
        """Show a page of a snapshot's rows."""
        snapshot = self._world.snapshots.get(call.path["snapshot_id"])
        if snapshot is None:
            raise Refusal(404, "not_found", "There is no such snapshot")
        if is_expired(self._world, snapshot):
            raise Refusal(410, "snapshot_expired", "This snapshot is no longer kept")
        self._world.audit.read_snapshot_id = snapshot.snapshot_id
        limit = limit_of(call.query)
        try:
            start = number_of(call.query, "cursor", 0, highest=len(snapshot.rows))
        except Refusal as wrong:
            raise Refusal(400, "invalid_cursor", "This cursor was not given by us") from wrong
        end = start + limit
        has_more = end < len(snapshot.rows)
        about = {"next_cursor": str(end) if has_more else None, "has_more": has_more}
        return Answer(body={**_head(snapshot), "data": snapshot.rows[start:end], "page": about})

    # ---- services and products
    def services(self, call: Call) -> Answer:  # noqa: ARG002 - every handler takes a call
        """List every service, those switched off too."""
        return Answer(body=[_service(service) for service in self._world.services.values()])

    def products(self, call: Call) -> Answer:
        """List products by SKU, or the one of a SKU, or those changed since."""
        since = moment_of(call.query, "updated_since")
        wanted = call.query.get("sku")
        skus = [
            sku
            for sku in self._world.whistl_skus()
            if (wanted is None or sku == wanted)
            and (since is None or self._changed_at(sku) >= since)
        ]
        page, about = paged(skus, lambda sku: [sku], call.query)
        return Answer(body={"data": [self._product(sku) for sku in page], "page": about})

    def put_product(self, call: Call) -> Answer:
        """Create a product or replace what is known of it."""
        sku, body = call.path["sku"], json_object(call.body)
        if not SKU_FORM.fullmatch(sku):
            detail = {"code": "invalid_sku_format", "field": "sku", "message": "no SKU of ours"}
            raise Refusal(422, "validation_failed", "1 problem", details=[detail])
        product = _read_product(sku, body)
        if (item := self._world.items.get(sku)) is not None:
            item.product, item.is_known_to_whistl = product, True
        else:
            self._world.whistl_only_products[sku] = product
        self._product_updated_at[sku] = self._world.now()
        self._world.calls["whistl products written"] += 1
        return Answer(body=self._product(sku))

    def _changed_at(self, sku: str) -> datetime:
        return self._product_updated_at.setdefault(sku, self._world.now())

    def _product(self, sku: str) -> dict[str, object]:
        product = self._world.whistl_product(sku)
        if product is None:
            raise KeyError(sku)
        weight = product.unit_weight_kg
        has_other_names = self._world.switch("whistl_other_spellings")
        return {
            "sku": sku,
            "description": product.description,
            "type" if has_other_names else "product_type": product.product_type,
            "barcode": product.barcode,
            "weight" if has_other_names else "unit_weight_kg": weight and str(weight),
            "hs_code": product.hs_code,
            "country_of_origin": product.country_of_origin,
            "active": product.is_active,
            "updated_at": spelled(self._changed_at(sku)),
        }


def _capabilities(call: Call) -> Answer:  # noqa: ARG001 - every handler takes a call
    return Answer(body=CAPABILITIES)


def _head(snapshot: Snapshot) -> dict[str, object]:
    return {
        "snapshot_id": snapshot.snapshot_id,
        "taken_at": spelled(snapshot.taken_at),
        "site": SITE,
    }


def _service(service: WhistlService) -> dict[str, object]:
    limit = service.weight_limit_kg
    return {
        "carrier_code": service.code.carrier_code,
        "delivery_method": service.code.delivery_method,
        "description": service.description,
        "carrier_name": service.carrier_name,
        "domestic": service.is_domestic,
        "ddp": service.is_ddp,
        "weight_limit_kg": None if limit is None else str(limit),
        "requires_phone": service.requires_phone,
        "requires_email": service.requires_email,
        "tracked": service.is_tracked,
        "bfpo": service.serves_bfpo,
        "countries": sorted(service.countries),
        "excluded_postcode_areas": sorted(service.excluded_postcode_areas),
        "active": service.is_active,
    }


def _read_product(sku: str, body: dict[str, Any]) -> WhistlProduct:
    weight = text_of(body, "unit_weight_kg")
    try:
        unit_weight_kg = Decimal(weight) if weight else None
    except InvalidOperation as wrong:
        raise Refusal(400, "invalid_request", "unit_weight_kg is a number as text") from wrong
    return WhistlProduct(
        sku=sku,
        description=text_of(body, "description"),
        product_type=text_of(body, "product_type"),
        barcode=text_of(body, "barcode"),
        unit_weight_kg=unit_weight_kg,
        hs_code=text_of(body, "hs_code"),
        country_of_origin=text_of(body, "country_of_origin"),
        is_active=body.get("active") is not False,
    )
