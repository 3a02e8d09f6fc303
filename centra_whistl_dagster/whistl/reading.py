"""Whistl's JSON, read into records.

Every function raises `BrokenRecord`, naming the field that does not match the contract. Does not
belong here: requests (`client`), what a type may look like (`transport.fields`), and what a record
means (`workflows`).
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, tzinfo

from centra_whistl_dagster.domain.orders.despatches import Despatch, Parcel, ParcelLine, ShortLine
from centra_whistl_dagster.domain.orders.identity import OrderIdentity
from centra_whistl_dagster.domain.orders.whistl_catalogue import (
    ServiceCode,
    WhistlProduct,
    WhistlService,
)
from centra_whistl_dagster.transport import Reason
from centra_whistl_dagster.transport.errors import code_of, field_of
from centra_whistl_dagster.transport.fields import BrokenRecord, Fields, name_of
from centra_whistl_dagster.whistl.records import (
    Acceptance,
    SnapshotHead,
    UnreadableDespatch,
    UnreadableOrderView,
    WhistlOrderLine,
    WhistlOrderView,
)

NOT_A_CODE = "NOT_A_CODE"
"""Stands for a status that is not a code; it is in nobody's list of statuses, so it is reported."""


def acceptance(node: Fields, *, is_replayed: bool) -> Acceptance:
    """Read the answer to an order that Whistl has accepted."""
    return Acceptance(
        order_number=node.required_text("order_number"),
        whistl_order_id=node.required_text("whistl_order_id"),
        status=_status(node),
        status_version=node.required_count("status_version"),
        is_replayed=is_replayed,
    )


def warnings(node: Fields) -> tuple[Reason, ...]:
    """Read what Whistl warns of in an order that it has accepted."""
    return tuple(
        Reason(
            code=code_of(warning.text("code")),
            field=field_of(warning.text("field")),
            foreign_text=warning.text("message"),
        )
        for warning in node.children("warnings")
    )


def order_view_or_unreadable(
    node: object, zone: tzinfo | None = None
) -> WhistlOrderView | UnreadableOrderView:
    """Read an order; if that fails, return its number and the field at fault."""
    try:
        return order_view(Fields(node, zone=zone))
    except BrokenRecord as broken:
        number = name_of(node, "order_number") or ""
        return UnreadableOrderView(order_number=number, field=broken.field, detail=broken.detail)


def order_view(node: Fields) -> WhistlOrderView:
    """Read an order: what it is and how it stands, and of the rest what can be read."""
    history, broken_steps = node.readable(
        "status_history", lambda step: (_status(step), step.moment("at"))
    )
    lines, broken_lines = node.readable("lines", _order_line)
    updated_at, broken_times = _updated_at(node, history)
    broken = [*broken_times, *broken_steps, *broken_lines]
    return WhistlOrderView(
        order_number=node.required_text("order_number"),
        whistl_order_id=node.required_text("whistl_order_id"),
        status=_status(node),
        status_version=node.required_count("status_version"),
        history=history,
        hold_reason=node.text("hold_reason"),
        updated_at=updated_at,
        payload_hash=node.text("payload_hash") or None,
        lines=lines,
        identity=_identity(node, lines),
        unreadable=tuple((one.field, one.detail) for one in broken),
    )


def _identity(node: Fields, lines: tuple[WhistlOrderLine, ...]) -> OrderIdentity:
    units: Counter[str] = Counter()
    for line in lines:
        units[line.sku] += line.ordered
    address = node.child("delivery_address")
    return OrderIdentity(
        external_reference=node.text("external_reference"),
        units=units,
        postcode=address.text("postcode") if address else "",
        country=address.text("country") if address else "",
        name=address.text("name") if address else "",
    )


def _updated_at(
    node: Fields, history: tuple[tuple[str, datetime], ...]
) -> tuple[datetime | None, list[BrokenRecord]]:
    broken = []
    for name in ("updated_at", "received_at"):
        try:
            moment = node.optional_moment(name)
        except BrokenRecord as error:
            broken.append(error)
            moment = None
        if moment is None and history:
            moment = history[-1][1]
        if moment is not None:
            return moment, broken
    return None, broken


def _status(node: Fields) -> str:
    """Read a status. Servers differ in its case.

    What is shown of it to people must be a code: a sentence may name the customer.
    """
    return code_of(node.required_text("status").strip()).upper() or NOT_A_CODE


def despatch_or_unreadable(
    node: object, zone: tzinfo | None = None
) -> Despatch | UnreadableDespatch:
    """Read one despatch message; if that fails, return its id and the field at fault."""
    try:
        return despatch(Fields(node, zone=zone))
    except BrokenRecord as broken:
        return UnreadableDespatch(
            despatch_id=name_of(node, "despatch_id", "order_number"),
            sequence=_sequence_of(node),
            field=broken.field,
            detail=broken.detail,
        )


def despatch(node: Fields) -> Despatch:
    """Read one despatch message."""
    return Despatch(
        despatch_id=node.required_text("despatch_id"),
        sequence=node.required_count("sequence"),
        version=node.required_count("version"),
        supersedes=node.text("supersedes") or None,
        order_number=node.required_text("order_number"),
        despatched_at=node.moment("despatched_at"),
        is_order_complete=node.flag("order_complete"),
        parcels=tuple(_parcel(parcel) for parcel in node.children("parcels")),
        short_lines=tuple(
            ShortLine(
                line_number=line.required_count("line_number"),
                sku=line.required_text("sku"),
                quantity=line.required_quantity("quantity"),
                reason=line.text("reason"),
            )
            for line in node.children("short_lines")
        ),
    )


def _sequence_of(node: object) -> int | None:
    """Return the sequence of a message of which something else cannot be read."""
    try:
        return Fields(node).count("sequence")
    except BrokenRecord:
        return None


def cursor_page(node: Fields) -> str | None:
    """Read where the next page of a list begins; None after the last."""
    page = node.required_child("page")
    return page.required_text("next_cursor") if page.flag("has_more") else None


def sequence_page(node: Fields) -> tuple[int | None, bool]:
    """Read how far a page of messages reaches, and whether there are more.

    Some servers name no sequence on an empty page, or an absurd one. One that does not say whether
    there are more may have more. Neither may keep the messages of the page from being read.
    """
    page = node.required_child("page")
    try:
        return page.count("next_after_sequence"), page.flag("has_more", default=True)
    except BrokenRecord:
        return None, True


def snapshot_head(node: Fields) -> SnapshotHead:
    """Read which snapshot of the stock is the newest."""
    return SnapshotHead(
        snapshot_id=node.required_text("snapshot_id"),
        taken_at=node.moment("taken_at"),
        site=node.text("site"),
        item_count=node.whole("item_count"),
        is_complete=node.flag("complete"),
    )


def service(node: Fields) -> WhistlService:
    """Read one service."""
    code = ServiceCode(node.required_text("carrier_code"), node.required_text("delivery_method"))
    return WhistlService(
        code=code,
        description=node.text("description"),
        carrier_name=node.text("carrier_name"),
        is_domestic=node.flag("domestic"),
        is_ddp=node.flag("ddp"),
        weight_limit_kg=node.number("weight_limit_kg"),
        requires_phone=node.flag("requires_phone"),
        requires_email=node.flag("requires_email"),
        is_tracked=node.flag("tracked"),
        serves_bfpo=node.flag("bfpo"),
        countries=node.texts("countries"),
        excluded_postcode_areas=node.texts("excluded_postcode_areas"),
        is_active=node.flag("active"),
    )


def product(node: Fields) -> WhistlProduct:
    """Read one product."""
    return WhistlProduct(
        sku=node.required_text("sku"),
        description=node.text("description"),
        # Whistl servers differ in these two names.
        product_type=node.text("product_type") or node.text("type"),
        barcode=node.text("barcode"),
        unit_weight_kg=node.number(
            "weight" if node.number("unit_weight_kg") is None else "unit_weight_kg"
        ),
        hs_code=node.text("hs_code"),
        country_of_origin=node.text("country_of_origin"),
        is_active=node.flag("active", default=True),
    )


def _order_line(node: Fields) -> WhistlOrderLine:
    return WhistlOrderLine(
        line_number=node.required_count("line_number"),
        sku=node.required_text("sku"),
        ordered=node.required_count("ordered"),
        allocated=node.count("allocated"),
        picked=node.count("picked"),
        despatched=node.count("despatched"),
        cancelled=node.count("cancelled"),
    )


def _parcel(node: Fields) -> Parcel:
    return Parcel(
        parcel_number=node.required_count("parcel_number"),
        carrier_name=node.text("carrier_name"),
        carrier_code=node.text("carrier_code"),
        delivery_method=node.text("delivery_method"),
        service_name=node.text("service_name"),
        courier_tracking_number=node.text("courier_tracking_number"),
        whistl_tracking_number=node.text("whistl_tracking_number"),
        tracking_url=node.text("tracking_url"),
        lines=tuple(
            ParcelLine(
                line_number=line.required_count("line_number"),
                sku=line.required_text("sku"),
                quantity=line.required_quantity("quantity"),
            )
            for line in node.children("lines")
        ),
    )
