"""What people do: shop, pay late, cancel, correct an address, buy elsewhere, deliver goods.

Does not belong here: the work inside the warehouse (`warehouse`), and what a system makes of it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate

from centra_whistl_dagster.simulator.centra.rules import cancel_order, release
from centra_whistl_dagster.simulator.people.checkout import enter, make_order
from centra_whistl_dagster.simulator.people.shoppers import shopper
from centra_whistl_dagster.simulator.people.spoilage import NEEDS_EXPRESS, SPOILAGE_KINDS, spoil
from centra_whistl_dagster.simulator.world import warehouse
from centra_whistl_dagster.simulator.world.catalogue import EXPRESS, STANDARD
from centra_whistl_dagster.simulator.world.world import CentraOrder, World

FIRST_NEVER_CORRECTED = len(SPOILAGE_KINDS) + 1
"""The first spoiled order whose customer never answers: each kind is corrected once before."""

EXPRESS_SHARE = 0.3
HOLD_SECONDS = (60.0, 900.0)
CANCEL_SECONDS = (5.0, 600.0)
GOODS_IN_UNITS = (20, 60)
MAX_LINES = 4
PICKS_BEFORE_GIVING_UP = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """How many orders of each sort are placed the moment the shop opens, left to no chance."""

    healthy: int = 0
    held: int = 0
    """On hold or unpaid at first, released later."""
    cancelled: int = 0
    """Healthy, and cancelled by the customer soon."""
    spoiled: int = 0
    """Each with the next kind of fault in turn, `SPOILAGE_KINDS` first to last."""


NO_OPENING = Opening()


class People:
    """Everybody who acts on a world while it trades."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._rng = random.Random(f"{world.settings.seed} people")
        self._day = 0
        self._placed = 0
        self._spoiled = 0
        self._healthy = 0
        self._unheld = 0
        self._skus: list[str] = []
        self._weights: list[float] = []

    def open(self, opening: Opening = NO_OPENING) -> None:
        """Let people act from now on. A shop that is open already takes no second opening."""
        world = self._world
        with world.lock:
            if world.is_trading:
                return
            world.is_trading = True
            self._day += 1
            wanted = {sku: item.popularity for sku, item in world.items.items() if item.popularity}
            self._skus, self._weights = list(wanted), list(accumulate(wanted.values()))
            self._place(opening)
            settings = world.settings
            for rate, act in (
                (settings.orders_per_minute, self._shop),
                (settings.unseen_orders_per_minute, self._buy_elsewhere),
                (settings.goods_in_per_minute, self._deliver_goods),
            ):
                if rate:
                    self._again(rate, act, world.now(), self._day)

    def close(self) -> None:
        """Stop shopping, the second channel and goods-in; what is under way goes on."""
        with self._world.lock:
            self._world.is_trading = False

    def report(self, order_numbers: Iterable[int]) -> None:
        """Let customer service know of bad orders; those it knows already change nothing.

        Only where `Settings.corrections_wait_for_report`.
        """
        world = self._world
        with world.lock:
            for number in order_numbers:
                if (fix := world.unreported.pop(number, None)) is not None:
                    world.after(world.settings.correction_seconds, fix)

    def _again(self, per_minute: float, act: Callable[[], None], after: datetime, day: int) -> None:
        """Do something at random moments, so many a minute, until the shop closes."""
        when = after + timedelta(minutes=self._rng.expovariate(per_minute))

        def do() -> None:
            if self._world.is_trading and day == self._day:
                act()
                self._again(per_minute, act, when, day)

        self._world.at(when, do, moves_orders=False)

    # ---- shoppers
    def _place(self, opening: Opening) -> None:
        for _ in range(opening.healthy):
            self._place_healthy(self._basket())
        for _ in range(opening.held):
            self._place_healthy(self._basket(), is_held=True)
        for _ in range(opening.cancelled):
            self._place_healthy(self._basket(), is_cancelled=True)
        for _ in range(opening.spoiled):
            self._place_spoiled(self._basket())

    def _shop(self) -> None:
        basket = self._basket()
        if not basket:
            return
        settings = self._world.settings
        is_spoiled = falls_on(self._placed, settings.spoiled_share)
        self._placed += 1
        if is_spoiled:
            self._place_spoiled(basket)
            return
        is_held = falls_on(self._healthy, settings.hold_share)
        self._healthy += 1
        is_cancelled = not is_held and falls_on(self._unheld, settings.cancelled_share)
        self._unheld += not is_held
        self._place_healthy(basket, is_held=is_held, is_cancelled=is_cancelled)

    def _basket(self) -> list[tuple[str, int]]:
        """Fill a basket with what Centra shows as free; empty when the shop is sold out."""
        basket: dict[str, int] = {}
        wanted = self._rng.choices(range(1, MAX_LINES + 1), weights=(60, 25, 10, 5))[0]
        for _ in range(PICKS_BEFORE_GIVING_UP):
            sku = self._rng.choices(self._skus, cum_weights=self._weights)[0]
            units = 2 if self._rng.random() < 0.15 else 1
            if sku not in basket and self._world.centra_free(sku) >= units:
                basket[sku] = units
            if len(basket) == wanted:
                break
        return list(basket.items())

    def _place_healthy(
        self,
        basket: list[tuple[str, int]],
        *,
        is_held: bool = False,
        is_cancelled: bool = False,
    ) -> None:
        world = self._world
        address, customer = shopper(self._rng, mark=world.settings.mark)
        is_mainland = address["country"]["code"] == "GB" and address["city"] != "Belfast"
        wants_express = is_mainland and self._rng.random() < EXPRESS_SHARE
        order = make_order(
            world,
            basket,
            address=address,
            customer=customer,
            option=EXPRESS if wants_express else None,
        )
        if is_held:
            self._hold(order)
        enter(world, order)
        if is_cancelled:
            world.after(self._rng.uniform(*CANCEL_SECONDS), lambda: _withdraw(world, order))

    def _hold(self, order: CentraOrder) -> None:
        """Hold for a fraud check, or for the payment."""
        if self._rng.random() < 0.5:
            order.is_on_hold, order.hold_reason = True, "WAITING_FOR_FRAUD_CHECK"
        else:
            order.is_waiting_for_payment, order.hold_reason = True, "WAITING_FOR_PAYMENT"
        wait = self._rng.uniform(*HOLD_SECONDS)
        self._world.after(wait, lambda: release(self._world, order))

    def _place_spoiled(self, basket: list[tuple[str, int]]) -> None:
        world, settings = self._world, self._world.settings
        kind = SPOILAGE_KINDS[self._spoiled % len(SPOILAGE_KINDS)]
        self._spoiled += 1
        address, customer = shopper(self._rng, at_home=True, mark=settings.mark)
        option = EXPRESS if kind in NEEDS_EXPRESS else STANDARD
        order = make_order(world, basket, address=address, customer=customer, option=option)
        correct = spoil(order, kind, self._spoiled // len(SPOILAGE_KINDS))
        enter(world, order)
        if is_never_corrected(self._spoiled, settings.never_corrected_share):
            return
        if settings.corrections_wait_for_report:
            world.unreported[order.number] = lambda: correct(world)
        else:
            world.after(settings.correction_seconds, lambda: correct(world))

    # ---- everybody else
    def _buy_elsewhere(self) -> None:
        sku = self._rng.choices(self._skus, cum_weights=self._weights)[0]
        warehouse.take_unseen(self._world, sku, 1)

    def _deliver_goods(self) -> None:
        """Bring more of the scarcest of a few SKUs."""
        few = self._rng.choices(self._skus, cum_weights=self._weights, k=5)
        scarcest = min(few, key=self._world.whistl_available)
        warehouse.expect_goods(self._world, scarcest, self._rng.randint(*GOODS_IN_UNITS))


def _withdraw(world: World, order: CentraOrder) -> None:
    """Cancel for a customer; a person at customer service may take off the lock to do it."""
    if order.status == "CONFIRMED":
        order.is_locked = False
        cancel_order(world, order)


def falls_on(place: int, share: float) -> bool:
    """Return whether a place, counted from 0, is in a share that is spread evenly."""
    return math.floor((place + 1) * share) > math.floor(place * share)


def is_never_corrected(place: int, share: float) -> bool:
    """Return whether a spoiled order, counted from 1, has a customer who never answers.

    The first comes when each kind of fault has been corrected once; the rest are spread evenly.
    """
    since = place - FIRST_NEVER_CORRECTED
    if share == 0 or since < 0:
        return False
    return math.floor(since * share + 1) > math.floor((since - 1) * share + 1)
