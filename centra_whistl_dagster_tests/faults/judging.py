"""What is wrong with a run, judged by the simulated systems' own state; the ledger is not believed.

The ledger is asked only for two things: whether an owner was alerted of an order that could not go
its way, and whether it has each confirmed order exactly once.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from centra_whistl_dagster.domain.orders.states import FINAL
from centra_whistl_dagster.ledger import exception_news, orders
from centra_whistl_dagster.simulator.truth.scoreboard import truth
from centra_whistl_dagster.simulator.world.world import CentraOrder, WhistlOrder
from centra_whistl_dagster_tests.workflows.conftest import Desk

ENDED = frozenset({"CANCELLED", "REJECTED"})


@dataclass(slots=True, kw_only=True)
class Verdict:
    """What is wrong, by sort. Empty lists are what is wanted."""

    lost: list[str] = field(default_factory=list)
    """Orders, parcels or cancellations that nobody will ever deal with."""
    twice: list[str] = field(default_factory=list)
    """Orders that Whistl would ship twice."""
    wrong: list[str] = field(default_factory=list)
    """Shipments completed in Centra that are not what left."""
    unbalanced: list[str] = field(default_factory=list)
    """Confirmed orders that the ledger does not have, or leaves in a state that is not an end."""

    def faults(self) -> dict[str, list[str]]:
        """Return the sorts that have anything in them."""
        named = {"lost": self.lost, "twice": self.twice}
        named |= {"wrong": self.wrong, "unbalanced": self.unbalanced}
        return {name: found for name, found in named.items() if found}

    @property
    def is_good(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults()


def judge(desk: Desk, *, touched: frozenset[int] = frozenset()) -> Verdict:
    """Judge a run that has come to rest.

    Args:
        desk: the installation and its world.
        touched: numbers of orders that people changed, or that Whistl did not send whole. Of these
            an open exception is enough; any other order must have gone all the way.
    """
    verdict = Verdict()
    excused = touched & _alerted(desk)
    held: defaultdict[str, list[WhistlOrder]] = defaultdict(list)
    for each in desk.world.all_whistl_orders():
        held[each.order_number.split("-")[0]].append(each)
    right = _boxes_completed(desk, verdict)
    confirmed = [order for order in desk.world.orders.values() if order.confirmed_at is not None]
    for order in confirmed:
        there = held[desk.world.whistl_number(order)]
        live = [found for found in there if found.status not in ENDED]
        if len(live) > 1:
            verdict.twice.append(f"{order.number}: {[found.order_number for found in live]}")
        if order.number not in excused:
            verdict.lost += _lost(desk, order, live, right)
    verdict.unbalanced += _unbalanced(desk, confirmed, excused)
    return verdict


def _alerted(desk: Desk) -> set[int]:
    """Return the numbers of the orders that an open exception is about, or one of their parcels."""
    with desk.link.ledger.reading() as tx:
        rows = exception_news.listed(tx)
        concerned = exception_news.orders_concerned(tx, rows)
    alerted = {order.number for of_one in concerned.values() for order in of_one}
    subjects = {row.subject for row in rows}
    of_parcels = [
        str(each["order_number"])
        for each in desk.world.despatches
        if each["despatch_id"] in subjects
    ]
    return alerted | {int(number) for number in re.findall(r"\d{6,}", " ".join(of_parcels))}


def _boxes_completed(desk: Desk, verdict: Verdict) -> int:
    shipments = truth(desk.world)["shipments"]
    verdict.wrong += [f"{each['shipment']}: {each['why']}" for each in shipments["wrong_examples"]]
    return shipments["parcels_completed"]


def _lost(
    desk: Desk, order: CentraOrder, live: list[WhistlOrder], boxes_completed: int
) -> Iterator[str]:
    if order.status == "CANCELLED":
        if live:
            yield f"{order.number}: cancelled in Centra, {live[0].status} at Whistl"
        return
    if not live:
        yield f"{order.number}: not at Whistl"
    elif live[0].status != "DESPATCHED":
        yield f"{order.number}: {live[0].status} at Whistl to the end"
    elif order.status != "SHIPPED":
        yield f"{order.number}: left the warehouse, {order.status} in Centra"
    elif boxes_completed < len(desk.world.sent_parcels) and not any(
        shipment.shipped_at for shipment in order.shipments
    ):
        yield f"{order.number}: a parcel that Centra does not know"


def _unbalanced(
    desk: Desk, confirmed: list[CentraOrder], excused: Collection[int]
) -> Iterator[str]:
    with desk.link.ledger.reading() as tx:
        rows = {
            order.number: orders.find(tx, order.order_id) for order in desk.world.orders.values()
        }
        total = sum(orders.counts_by_state(tx).values())
    for order in confirmed:
        row = rows[order.number]
        if row is None:
            if order.status != "CANCELLED":
                yield f"{order.number}: not in the ledger"
        elif row.state not in FINAL and order.number not in excused:
            yield f"{order.number}: {row.state} in the ledger to the end"
    known = sum(row is not None for row in rows.values())
    if total != known:
        yield f"{total} orders in the ledger, of which Centra has {known}"
