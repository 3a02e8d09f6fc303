"""What the simulated people do, over a trading day that takes no time."""

from __future__ import annotations

from collections import Counter

import phonenumbers
import pytest

from centra_whistl_dagster.simulator.people.behaviour import (
    Opening,
    People,
    falls_on,
    is_never_corrected,
)
from centra_whistl_dagster.simulator.people.checkout import place_order
from centra_whistl_dagster.simulator.people.spoilage import SPOILAGE_KINDS, spoil
from centra_whistl_dagster.simulator.world.catalogue import stock_world
from centra_whistl_dagster.simulator.world.clock import ManualClock
from centra_whistl_dagster.simulator.world.warehouse import open_warehouse
from centra_whistl_dagster.simulator.world.world import CentraOrder, Settings, World

HOUR = 3600.0


def fresh_world(clock: ManualClock) -> World:
    settings = Settings(
        spoiled_share=0.3, hold_share=0.1, cancelled_share=0.1, goods_in_per_minute=30.0
    )
    world = World(settings, now=clock)
    stock_world(world)
    open_warehouse(world)
    return world


def traded(seconds: float) -> World:
    """A world after trading that long, and after the hours in which corrections are made."""
    clock = ManualClock()
    world = fresh_world(clock)
    people = People(world)
    people.open()
    clock.run(world, seconds)
    people.close()
    clock.run(world, 2 * HOUR)
    return world


@pytest.fixture(scope="module")
def day() -> World:
    """Read only: the tests share it."""
    return traded(HOUR)


def spoiled(world: World) -> list[CentraOrder]:
    return [order for order in world.orders.values() if order.first_spoilage]


def test_shoppers_come_at_the_rate_asked_for(day: World) -> None:
    assert 40 * 60 * 0.85 < len(day.orders) < 40 * 60 * 1.15


def test_the_same_seed_makes_the_same_day() -> None:
    one, other = traded(HOUR / 10), traded(HOUR / 10)

    assert one.orders
    assert one.orders == other.orders


def test_nobody_buys_what_centra_does_not_show_as_free(day: World) -> None:
    assert min(day.centra_free(sku) for sku in day.items) >= 0


def test_every_kind_of_fault_comes_in_the_first_round(day: World) -> None:
    first_round = [order.first_spoilage for order in spoiled(day)[: len(SPOILAGE_KINDS)]]

    assert first_round == list(SPOILAGE_KINDS)


def test_a_fault_is_corrected_or_never(day: World) -> None:
    orders = spoiled(day)
    never = [order for order in orders if order.spoilage]

    assert orders.index(never[0]) == len(SPOILAGE_KINDS)
    assert len(never) / len(orders) == pytest.approx(0.2, abs=0.05)
    assert all((order.corrected_at is None) == bool(order.spoilage) for order in orders)
    assert {order.spoilage for order in never} == set(SPOILAGE_KINDS)


def test_a_corrected_order_is_like_any_other(day: World) -> None:
    healthy_options = {"Standard delivery", "Express delivery", "International delivery"}
    corrected = [o for o in spoiled(day) if not o.spoilage and o.status != "CANCELLED"]
    assert len(corrected) > len(SPOILAGE_KINDS)
    for order in corrected:
        assert order.address is not None
        assert order.shipping_option is not None
        assert order.shipping_option["name"] in healthy_options
        assert all(order.address[key] for key in ("firstName", "address1", "city", "zipCode"))
        assert order.address["firstName"].isalpha()
        live = [line for line in order.lines if line.quantity]
        assert all(day.items[line.sku].is_known_to_whistl for line in live)
        assert order.corrected_at == order.updated_at


def test_each_fault_is_really_there(day: World) -> None:
    seen = Counter(order.spoilage for order in spoiled(day) if _shows(day, order))

    assert set(SPOILAGE_KINDS) <= set(seen)
    assert seen.total() == sum(bool(order.spoilage) for order in spoiled(day))


def _shows(world: World, order: CentraOrder) -> bool:
    address, option = order.address or {}, order.shipping_option or {}
    skus = [line.sku for line in order.lines]
    checks = {
        "unmapped_shipping_option": option["name"] == "Pop-up collection",
        "inactive_service": option["name"] == "Saturday delivery",
        "unknown_sku": any(sku.startswith("NEW-") for sku in skus),
        "malformed_sku": any("#" in sku or " " in sku for sku in skus),
        "missing_address_line": not (address["address1"] or address["address2"]),
        "missing_city": not address["city"],
        "malformed_postcode": address["zipCode"] == "YO1 7H",
        "missing_phone": not (address["phoneNumber"] or address["cellPhoneNumber"])
        and option["name"] == "Express delivery",
        "missing_email": not (address["email"] or (order.customer or {})["email"])
        and option["name"] == "Express delivery",
        "unsupported_character": not address["firstName"].isascii(),
        "overlong_address_line": len(address["address1"] or "") > 70,
    }
    return bool(order.spoilage) and checks[order.spoilage or ""]


def test_some_orders_wait_and_are_released(day: World) -> None:
    waited = [o for o in day.orders.values() if o.confirmed_at and o.confirmed_at > o.created_at]

    assert waited
    assert {order.hold_reason for order in waited} == {None}
    assert not any(o.is_on_hold or o.is_waiting_for_payment for o in day.orders.values())


def test_some_healthy_orders_are_cancelled_soon(day: World) -> None:
    cancelled = [o for o in day.orders.values() if o.cancelled_at and not o.first_spoilage]

    assert cancelled
    for order in cancelled:
        assert order.cancelled_at is not None
        assert (order.cancelled_at - order.created_at).total_seconds() <= 600


def test_shoppers_live_at_home_and_abroad_with_telephones_that_can_ring(day: World) -> None:
    countries: Counter[str] = Counter()
    for order in day.orders.values():
        address = order.address or {}
        country = address["country"]["code"]
        countries[country] += 1
        phone = address["cellPhoneNumber"] or address["phoneNumber"]
        if phone and order.spoilage != "missing_phone":
            assert phonenumbers.is_possible_number(phonenumbers.parse(phone, country)), phone

    assert {"GB", "JE", "FR", "DE", "IE", "SE"} <= set(countries)
    assert any((o.address or {})["zipCode"].startswith("BT") for o in day.orders.values()
               if (o.address or {})["country"]["code"] == "GB")  # fmt: skip


def test_the_second_channel_and_goods_in_reach_only_whistl(day: World) -> None:
    assert sum(day.unseen_taken.values()) > 0
    assert sum(day.goods_in.values()) > 0
    untouched = fresh_world(ManualClock())
    for sku in day.items:
        assert day.shelves[sku].centra_physical == untouched.shelves[sku].centra_physical


def test_a_closed_shop_sells_nothing_until_it_opens_again(world: World, clock: ManualClock) -> None:
    people = People(world)
    people.open()
    people.open()
    clock.run(world, 60)
    people.close()
    sold = len(world.orders)
    clock.run(world, 600)
    assert len(world.orders) == sold

    people.open()
    clock.run(world, 600)
    assert len(world.orders) - sold == pytest.approx(400, rel=0.2)


OPENING = Opening(healthy=2, held=2, cancelled=1, spoiled=len(SPOILAGE_KINDS) + 1)


def test_an_opening_places_what_it_says_at_once_and_only_on_the_opening(
    world: World, clock: ManualClock
) -> None:
    people = People(world)
    people.open(OPENING)
    people.open(OPENING)
    placed = list(world.orders.values())
    clock.run(world, HOUR)

    bad = [order for order in placed if order.first_spoilage]
    assert [order.first_spoilage for order in bad] == [*SPOILAGE_KINDS, SPOILAGE_KINDS[0]]
    assert len(placed) == 5 + len(bad)
    assert sum(order.cancelled_at is not None for order in placed) >= 1
    assert sum(order.confirmed_at != order.created_at for order in placed) == 2
    assert [order.spoilage for order in bad] == [*[None] * len(SPOILAGE_KINDS), SPOILAGE_KINDS[0]]


def test_a_bad_order_is_corrected_only_some_time_after_it_was_reported(
    world: World, clock: ManualClock
) -> None:
    world.settings.corrections_wait_for_report = True
    people = People(world)
    people.open(Opening(spoiled=2))
    people.close()
    first, second = world.orders.values()
    clock.run(world, HOUR)
    before = first.spoilage
    people.report([first.number, 999_999])
    people.report([first.number])
    clock.run(world, world.settings.correction_seconds)

    assert before is not None
    assert (first.spoilage, first.corrected_at) == (None, clock())
    assert second.spoilage is not None
    assert list(world.unreported) == [second.number]


def test_nobody_corrects_an_order_that_somebody_has_locked(world: World) -> None:
    order = place_order(world, [("TEE001-BLK-M", 1)])
    correct = spoil(order, "missing_city", 0)
    order.is_locked = True

    correct(world)

    assert order.spoilage == "missing_city"


@pytest.mark.parametrize(("share", "hits"), [(0.0, 0), (0.15, 15), (0.5, 50), (1.0, 100)])
def test_a_share_is_spread_evenly(share: float, hits: int) -> None:
    assert sum(falls_on(place, share) for place in range(100)) == hits


@pytest.mark.parametrize("share", [0.05, 0.1, 0.2, 0.5, 1.0])
def test_each_kind_of_fault_is_corrected_once_before_a_customer_never_answers(share: float) -> None:
    never = [place for place in range(1, 101) if is_never_corrected(place, share)]

    assert never[0] == len(SPOILAGE_KINDS) + 1
    assert len(never) == pytest.approx((100 - len(SPOILAGE_KINDS)) * share, abs=1)
    assert not any(is_never_corrected(place, 0.0) for place in range(1, 101))
