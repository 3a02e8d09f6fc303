"""Despatch messages: what Whistl reports of boxes that left, right or wrong.

Does not belong here: what happens in the building (`world.warehouse`), how a page is cut (`app`).
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from decimal import Decimal
from typing import Any

from centra_whistl_dagster.domain.london import LONDON
from centra_whistl_dagster.domain.orders.whistl_catalogue import ServiceCode
from centra_whistl_dagster.simulator.whistl.times import spelled
from centra_whistl_dagster.simulator.world.chance import happens_to
from centra_whistl_dagster.simulator.world.world import SentParcel, WhistlOrder, World

PACKAGING_KG = Decimal("0.2")
LATE_FACTOR = 1.5
"""A message out of order comes this much later than a correction of it would."""


def announce(
    world: World, order: WhistlOrder, boxes: list[dict[int, int]], *, is_complete: bool
) -> None:
    """Report boxes (units by line number) that have just left."""
    sent = [_sent(world, order, box) for box in boxes]
    world.sent_parcels.extend(sent)
    despatch_id = f"D-{next(world.ids):06d}"
    true_message = {
        "despatch_id": despatch_id,
        "version": 1,
        "supersedes": _forerunner(world, order, despatch_id),
        "order_number": order.order_number,
        "despatched_at": spelled(world.now()),
        "order_complete": is_complete,
        "parcels": [
            _parcel(world, order, parcel, number) for number, parcel in enumerate(sent, start=1)
        ],
        "short_lines": _short_lines(order) if is_complete else [],
    }
    message, needs_correction = _with_mishaps(world, true_message)
    pause = world.switch("despatch_correction_seconds")
    if happens_to(world, "lost_despatch_share", despatch_id):
        return
    if happens_to(world, "broken_despatch_share", despatch_id):
        _publish_broken(world, message, pause)
    elif happens_to(world, "out_of_order_despatch_share", despatch_id):
        world.after(LATE_FACTOR * pause, lambda: _publish(world, message))
    else:
        _publish(world, message)
    if happens_to(world, "duplicate_despatch_share", despatch_id):
        world.after(pause, lambda: _publish(world, message))
    if happens_to(world, "corrected_tracking_share", despatch_id):
        world.after(pause, lambda: _correct(world, true_message, sent, is_relabelled=True))
    elif needs_correction:
        world.after(pause, lambda: _correct(world, true_message, sent, is_relabelled=False))


def served(world: World, message: dict[str, Any]) -> dict[str, Any]:
    """Return a message as this server spells it."""
    if world.switch("despatch_times_without_zone") and message["despatched_at"] is not None:
        at = datetime.fromisoformat(message["despatched_at"]).astimezone(LONDON)
        message = {**message, "despatched_at": at.replace(tzinfo=None).isoformat()}
    if world.switch("despatch_numbers_as_text"):
        message = _with_numbers_as_text(message)
    return message


def _with_numbers_as_text(part: Any) -> Any:
    if isinstance(part, dict):
        return {name: _with_numbers_as_text(value) for name, value in part.items()}
    if isinstance(part, list):
        return [_with_numbers_as_text(each) for each in part]
    return str(part) if isinstance(part, int) and not isinstance(part, bool) else part


def _publish(world: World, message: dict[str, Any]) -> None:
    absurd = world.settings.switches.pop("next_despatch_sequence", None)
    sequence = absurd or world.next_despatch_sequence
    world.next_despatch_sequence += 0 if absurd else 1
    world.despatches.append({**message, "sequence": sequence})


def _publish_broken(world: World, message: dict[str, Any], pause: float) -> None:
    """Publish a message without its time; it is put right in its place, as nobody announces."""
    _publish(world, {**message, "despatched_at": None})
    published = world.despatches[-1]
    true_time = {"despatched_at": message["despatched_at"]}
    world.after(pause, lambda: published.update(true_time))


def _with_mishaps(world: World, message: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """Return the message as it goes out, and whether somebody will notice and correct it."""
    missing: dict[str, None] = {}
    despatch_id = message["despatch_id"]
    is_bad = False
    if happens_to(world, "null_tracking_share", despatch_id):
        missing["courier_tracking_number"] = None
    if happens_to(world, "no_tracking_share", despatch_id):
        missing |= dict.fromkeys(
            ("courier_tracking_number", "whistl_tracking_number", "tracking_url")
        )
        is_bad = True
    if happens_to(world, "despatch_without_carrier_share", despatch_id):
        missing |= dict.fromkeys(("carrier_name", "carrier_code"))
        is_bad = True
    parcels = [{**parcel, **missing} for parcel in message["parcels"]]
    return {**message, "parcels": parcels}, is_bad


def _correct(
    world: World, message: dict[str, Any], sent: list[SentParcel], *, is_relabelled: bool
) -> None:
    parcels = message["parcels"]
    if is_relabelled:
        parcels = [
            {**parcel, **_label(world, box, is_tracked=parcel["courier_tracking_number"])}
            for parcel, box in zip(parcels, sent, strict=True)
        ]
    correction = {"parcels": parcels}
    if not world.switch("despatch_correction_keeps_id"):
        correction |= {
            "despatch_id": f"D-{next(world.ids):06d}",
            "version": message["version"] + 1,
            "supersedes": message["despatch_id"],
        }
    _publish(world, {**message, **correction})


def _sent(world: World, order: WhistlOrder, box: dict[int, int]) -> SentParcel:
    code = _service_code(order)
    skus = Counter[str]()
    for line_number, units in box.items():
        skus[order.lines[line_number]["sku"]] += units
    return SentParcel(
        order_number=order.order_number,
        despatched_at=world.now(),
        carrier_names=frozenset({world.services[code].carrier_name, code.carrier_code}),
        units=dict(box),
        skus=dict(skus),
    )


def _parcel(world: World, order: WhistlOrder, box: SentParcel, number: int) -> dict[str, object]:
    code = _service_code(order)
    service = world.services[code]
    weight = sum(
        (units * _unit_weight(world, sku) for sku, units in box.skus.items()), PACKAGING_KG
    )
    return {
        "parcel_number": number,
        "carrier_name": service.carrier_name,
        "carrier_code": code.carrier_code,
        "delivery_method": code.delivery_method,
        "service_name": service.description,
        **_label(world, box, is_tracked=service.is_tracked),
        "weight_kg": str(weight),
        "lines": [
            {"line_number": n, "sku": order.lines[n]["sku"], "quantity": units}
            for n, units in box.units.items()
        ],
    }


def _label(world: World, box: SentParcel, *, is_tracked: bool) -> dict[str, str | None]:
    """Print a label with two new numbers; an untracked postal service has none of its own."""
    mark = world.settings.mark.upper()
    courier = f"SM{mark}{next(world.ids):09d}GB" if is_tracked else None
    own = f"WHL0P{mark}{next(world.ids):012d}"
    box.tracking_numbers |= {courier, own} if courier else {own}
    return {
        "courier_tracking_number": courier,
        "whistl_tracking_number": own,
        "tracking_url": f"https://tracking.sim.invalid/{own}",
    }


def _forerunner(world: World, order: WhistlOrder, despatch_id: str) -> str | None:
    """Return the id of another order's message where this server takes it for a forerunner."""
    others = [
        each["despatch_id"]
        for each in world.despatches
        if each["order_number"] != order.order_number
    ]
    is_mistaken = happens_to(world, "despatch_supersedes_another_share", despatch_id)
    return others[-1] if others and is_mistaken else None


def _short_lines(order: WhistlOrder) -> list[dict[str, Any]]:
    return [
        {"line_number": n, "sku": line["sku"], "quantity": line["cancelled"], "reason": "not found"}
        for n, line in order.lines.items()
        if line["cancelled"]
    ]


def _service_code(order: WhistlOrder) -> ServiceCode:
    service = order.body["service"]
    return ServiceCode(service["carrier_code"].strip(), service["delivery_method"].strip())


def _unit_weight(world: World, sku: str) -> Decimal:
    product = world.whistl_product(sku)
    return product.unit_weight_kg if product and product.unit_weight_kg else Decimal(0)
