"""What people in the warehouse do: allocate, pick, pack, hand over, take goods in, serve others.

Does not belong here: how an order's progress is reported (`whistl.despatches`, `whistl.snapshots`),
or who buys through the second channel and when goods come (`people`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from centra_whistl_dagster.simulator.whistl.despatches import announce
from centra_whistl_dagster.simulator.whistl.snapshots import take_snapshot
from centra_whistl_dagster.simulator.world.chance import draw, happens_to
from centra_whistl_dagster.simulator.world.world import WhistlOrder, World

FREELY_CANCELLABLE = frozenset({"RECEIVED", "HELD", "BACKORDERED", "ALLOCATED"})
UNDOCUMENTED_STATUS = "QUALITY_CHECK"
"""Not in Whistl's API as specified: warehouses rename and add statuses."""
BEING_PICKED = frozenset({"PICKING", UNDOCUMENTED_STATUS})
SECOND_MESSAGE_SHARE = 0.5
"""Of the orders in two parcels, those whose second parcel leaves later, in a message of its own."""


def open_warehouse(world: World) -> None:
    """Publish a first snapshot of the stock, and another every `snapshot_seconds`."""
    for _ in range(world.switch("quarantined_per_snapshot")):
        set_aside(world, world.rng.choice(world.whistl_skus()), 1)
    take_snapshot(world)
    world.after(world.settings.snapshot_seconds, lambda: open_warehouse(world), moves_orders=False)


# ---- what moves units without an order of ours
def take_unseen(world: World, sku: str, units: int) -> int:
    """Let the second channel sell units; they are allocated now and leave later.

    Returns how many there were: like any shop it sells only what is available.
    """
    taken = min(units, max(0, world.whistl_available(sku)))
    shelf = world.shelves[sku]
    shelf.unseen_allocated += taken
    world.unseen_taken[sku] += taken

    def leave() -> None:
        shelf.unseen_allocated -= taken
        shelf.on_hand -= taken
        shelf.last_movement_at = world.now()

    pace = world.settings
    seconds = pace.pick_seconds + pace.pack_seconds + pace.hand_over_seconds
    world.after(seconds, leave, moves_orders=False)
    return taken


def expect_goods(world: World, sku: str, units: int) -> None:
    """Order goods; they arrive after the stock was published twice with the units on order."""
    shelf = world.shelves[sku]
    shelf.on_order += units

    def arrive() -> None:
        shelf.on_order -= units
        goods_in(world, sku, units)

    world.after(2 * world.settings.snapshot_seconds, arrive, moves_orders=False)


def goods_in(world: World, sku: str, units: int) -> None:
    """Put units on the shelf; orders that waited for them go first, oldest first."""
    shelf = world.shelves[sku]
    shelf.on_hand += units
    shelf.last_movement_at = world.now()
    world.goods_in[sku] += units
    _serve_backorders(world)


def set_aside(world: World, sku: str, units: int) -> int:
    """Quarantine units that are on the shelf, allocated or not, and return how many there were."""
    shelf = world.shelves[sku]
    found = min(units, shelf.on_hand - shelf.quarantined)
    shelf.quarantined += found
    world.unseen_taken[sku] += found
    return found


# ---- the life of an order
def begin(world: World, order: WhistlOrder) -> None:
    """Start the life of an order that was just stored."""
    if order.body.get("hold") is True:
        _hold(world, order, str(order.body.get("hold_reason") or "WEB"))
    elif happens_to(world, "hold_after_accept_share", order.order_number):
        _later(world, order, world.settings.allocate_seconds, _hold_for_formatting)
    else:
        _later(world, order, world.settings.allocate_seconds, _allocate)


def cancel(world: World, order: WhistlOrder) -> None:
    """Cancel an order at once, or ask the floor to stop; the caller has checked that one may."""
    if order.status in FREELY_CANCELLABLE:
        _end(world, order, "CANCELLED")
    else:
        order.is_cancel_requested = True
        order.updated_at = world.now()


def hold_by_hand(world: World, order: WhistlOrder, *, gives_back: bool) -> None:
    """Let somebody at the warehouse hold an order, whatever its status; its stock may go back."""
    if gives_back:
        for line in order.lines.values():
            line["allocated"] = line["picked"] = 0
    order.hold_reason = "Held by hand"
    _move(world, order, "HELD")


def release_by_hand(world: World, order: WhistlOrder) -> None:
    """Let somebody release an order that was held; it is allocated anew."""
    for line in order.lines.values():
        line["allocated"] = 0
    _release(world, order)


def _hold_for_formatting(world: World, order: WhistlOrder) -> None:
    _hold(world, order, "Address needs checking")


def _hold(world: World, order: WhistlOrder, reason: str) -> None:
    order.hold_reason = reason
    _move(world, order, "HELD")
    if (seconds := world.switch("hold_seconds")) is not None:
        _later(world, order, seconds, _release)


def _release(world: World, order: WhistlOrder) -> None:
    order.hold_reason = None
    _move(world, order, "RECEIVED")
    _later(world, order, world.settings.allocate_seconds, _allocate)


def _allocate(world: World, order: WhistlOrder) -> None:
    """Reserve all of an order or nothing of it, so that its status says what is reserved."""
    if happens_to(world, "late_rejected_share", order.order_number):
        _end(world, order, "REJECTED")
        return
    wanted = Counter[str]()
    for line in order.lines.values():
        wanted[line["sku"]] += line["ordered"]
    lacking = {
        sku: min(units, units - world.whistl_available(sku))
        for sku, units in wanted.items()
        if units > world.whistl_available(sku)
    }
    if lacking:
        if order.status != "BACKORDERED":
            _move(world, order, "BACKORDERED")
            for sku, units in lacking.items():
                world.audit.oversold_units[sku] += units
        return
    for line in order.lines.values():
        line["allocated"] = line["ordered"]
    _move(world, order, "ALLOCATED")
    _later(world, order, world.settings.pick_seconds, _pick)


def _pick(world: World, order: WhistlOrder) -> None:
    _move(world, order, "PICKING")
    units = sum(line["allocated"] for line in order.lines.values())
    if happens_to(world, "nothing_found_share", order.order_number):
        for _ in range(units):
            _lose_one(world, order)
    elif units > 1 and happens_to(world, "short_line_share", order.order_number):
        _lose_one(world, order)
    for line in order.lines.values():
        line["picked"] = line["allocated"]
    seconds = world.settings.pack_seconds
    if happens_to(world, "unknown_status_share", order.order_number):
        _later(world, order, seconds / 2, _check_quality)
    else:
        _later(world, order, seconds, _pack)


def _lose_one(world: World, order: WhistlOrder) -> None:
    """One allocated unit is not where it should be: it leaves the books, and the order."""
    line = next(line for line in order.lines.values() if line["allocated"])
    line["allocated"] -= 1
    line["cancelled"] += 1
    world.shelves[line["sku"]].on_hand -= 1
    world.unseen_taken[line["sku"]] += 1


def _check_quality(world: World, order: WhistlOrder) -> None:
    _move(world, order, UNDOCUMENTED_STATUS)
    _later(world, order, world.settings.pack_seconds / 2, _pack)


def _pack(world: World, order: WhistlOrder) -> None:
    if order.is_cancel_requested and happens_to(
        world, "cancel_while_picking_share", order.order_number
    ):
        _end(world, order, "CANCELLED")
        return
    _move(world, order, "PACKED")
    _later(world, order, world.settings.hand_over_seconds, _hand_over)


def _hand_over(world: World, order: WhistlOrder) -> None:
    boxes = _boxes(world, order)
    if not any(line["allocated"] for line in order.lines.values()):
        # There is nothing to send: only the message about it leaves.
        _leave(world, order, [], "DESPATCHED")
        return
    second_leaves_later = (
        len(boxes) > 1 and draw(world, "second message", order.order_number) < SECOND_MESSAGE_SHARE
    )
    if not second_leaves_later:
        _leave(world, order, boxes, "DESPATCHED")
        return
    _leave(world, order, boxes[:1], "PART_DESPATCHED")
    if happens_to(world, "rest_cancelled_share", order.order_number):
        _later(world, order, world.settings.hand_over_seconds, _cancel_rest)
        return
    _later(
        world,
        order,
        world.settings.hand_over_seconds,
        lambda world, order: _leave(world, order, boxes[1:], "DESPATCHED"),
    )


def _cancel_rest(world: World, order: WhistlOrder) -> None:
    """End an order of which a part has left; what is still reserved is there for others."""
    for line in order.lines.values():
        line["cancelled"] += line["allocated"]
        line["allocated"] = 0
    _move(world, order, "CANCELLED")
    _serve_backorders(world)


def _boxes(world: World, order: WhistlOrder) -> list[dict[int, int]]:
    """Return the units by line number of each box: one, or two of about half each."""
    units = [n for n, line in order.lines.items() for _ in range(line["allocated"])]
    share = world.settings.several_parcels_share
    if len(units) < 2 or draw(world, "several parcels", order.order_number) >= share:
        return [dict(Counter(units))]
    half = (len(units) + 1) // 2
    return [dict(Counter(units[:half])), dict(Counter(units[half:]))]


def _leave(world: World, order: WhistlOrder, boxes: list[dict[int, int]], status: str) -> None:
    for box in boxes:
        for line_number, units in box.items():
            line = order.lines[line_number]
            line["allocated"] -= units
            line["despatched"] += units
            shelf = world.shelves[line["sku"]]
            shelf.on_hand -= units
            shelf.last_movement_at = world.now()
    _move(world, order, status)
    announce(world, order, boxes, is_complete=status == "DESPATCHED")


def _end(world: World, order: WhistlOrder, status: str) -> None:
    """End an order that does not leave; what it had reserved is there for others."""
    for line in order.lines.values():
        line["allocated"] = 0
        line["cancelled"] = line["ordered"]
    _move(world, order, status)
    _serve_backorders(world)
    if happens_to(world, "stopped_and_sent_share", order.order_number):
        _later(world, order, world.settings.pick_seconds, _send_all_the_same)


def _send_all_the_same(world: World, order: WhistlOrder) -> None:
    """Somebody on the floor has not heard that the order was stopped."""
    for line in order.lines.values():
        line["allocated"], line["cancelled"] = line["ordered"], 0
    _leave(world, order, _boxes(world, order), "DESPATCHED")


def _serve_backorders(world: World) -> None:
    for order in world.all_whistl_orders():
        if order.status == "BACKORDERED":
            _allocate(world, order)


def _move(world: World, order: WhistlOrder, status: str) -> None:
    order.status = status
    order.status_version += 1
    order.updated_at = world.now()
    order.history.append((status, order.updated_at))


def _later(
    world: World, order: WhistlOrder, seconds: float, act: Callable[[World, WhistlOrder], None]
) -> None:
    """Schedule the next thing, unless something else happens to the order meanwhile.

    Like real work, it takes between half and one and a half times that long.
    """
    version = order.status_version

    def due() -> None:
        if order.status_version == version:
            act(world, order)

    pace = 0.5 + draw(world, f"pace after {order.status}", order.order_number)
    world.after(seconds * pace, due)
