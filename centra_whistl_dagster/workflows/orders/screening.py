"""Judge orders before they are sent: those without a fault become ready, the others blocked.

Belongs here: which orders are judged when, and what the verdict does to an order and to the
exceptions register. Does not belong here: any rule (`screening`, `domain`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any

from centra_whistl_dagster.domain.london import LONDON
from centra_whistl_dagster.domain.orders.order import Order
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.domain.tally import Failed, Fate, Skipped, Tally
from centra_whistl_dagster.ledger import catalogues, exceptions, order_contents, orders, state
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import OrderChange, OrderRow
from centra_whistl_dagster.screening.basis import basis_of
from centra_whistl_dagster.screening.reference_data import ScreeningReference
from centra_whistl_dagster.screening.screen import Blocked, Cleared, ScreeningResult, screen
from centra_whistl_dagster.whistl.mapping import order_body
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.reference.refresh import is_due, refresh_reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Screened:
    """What a round of screening did, and its findings for the checks in the UI."""

    tally: Tally
    result: ScreeningResult | None
    """None when there was nothing to screen."""


def is_another_look_due(link: Link) -> bool:
    """Say whether orders are blocked, and what they were judged by has changed since."""
    with link.ledger.reading() as tx:
        has_changed = state.read(tx, state.LOOKED_AGAIN_FOR) != _all_of_the_basis(tx, link)
        return has_changed and orders.counts_by_state(tx)[OrderState.BLOCKED] > 0


def screen_waiting_orders(link: Link) -> Screened:
    """Judge orders not judged yet, and blocked ones whose own part of the basis has changed.

    Raises:
        IntegrationError: the reference data was never read, and cannot be read now.
    """
    if is_due(link):
        refresh_reference(link)
    with link.ledger.reading() as tx:
        whole_basis = _all_of_the_basis(tx, link)
        looks_again = state.read(tx, state.LOOKED_AGAIN_FOR) != whole_basis
        waiting = list(orders.in_states(tx, [OrderState.RECEIVED]))
        waiting += orders.blocked_by_screening(tx) if looks_again else []
        # One without contents must not stop the others; the next sweep brings them again.
        rows = [row for row in waiting if order_contents.has_payload(tx, row.centra_id)]
        contents = [order_contents.payload(tx, row.centra_id) for row in rows]
    judged_by = reference_for(link, contents)
    bases = [basis_of(order, judged_by) for order in contents]
    concerned = [
        (row, order, basis)
        for row, order, basis in zip(rows, contents, bases, strict=True)
        if row.state is not OrderState.BLOCKED or row.screened_against != basis
    ]
    tally = Tally(read=len(waiting))
    tally.add(Fate.UNCHANGED, len(rows) - len(concerned))
    tally.add(Failed("contents not stored"), len(waiting) - len(rows))
    result = screen([order for _, order, _ in concerned], judged_by) if concerned else None
    for (row, _, basis), verdict in zip(concerned, result.verdicts if result else (), strict=True):
        tally.add(_settle(link, row, verdict, basis))
    if looks_again:
        with link.ledger.transaction() as tx:
            state.set_to(tx, state.LOOKED_AGAIN_FOR, whole_basis)
    return Screened(tally=tally, result=result)


def _all_of_the_basis(tx: Transaction, link: Link) -> str:
    """Return a digest of everything that any verdict rests on; the day is part of it."""
    known = state.read(tx, state.REFERENCE)
    parts = f"{link.configuration.fingerprint}|{known}|{_today(link)}"
    return sha256(parts.encode()).hexdigest()


def _today(link: Link) -> date:
    return link.now().astimezone(LONDON).date()


def reference_for(link: Link, contents: list[Order]) -> ScreeningReference:
    """Gather what these orders are judged against; of the catalogues only what they mention."""
    mentioned = {line.sku for order in contents for line in order.lines}
    with link.ledger.reading() as tx:
        return ScreeningReference(
            mapping=link.configuration.services,
            services=catalogues.services(tx),
            products=catalogues.products(tx, mentioned),
            colliding=catalogues.collisions(tx, mentioned),
            policy=link.configuration.screening,
            today=_today(link),
            order_number_prefix=link.settings.order_number_prefix,
        )


def _settle(link: Link, row: OrderRow, verdict: Cleared | Blocked, basis: str) -> Fate:
    findings = (*verdict.warnings, *(verdict.problems if isinstance(verdict, Blocked) else ()))
    with link.ledger.transaction() as tx:
        judged = OrderChange(screened_at=tx.now, screened_against=basis, due_at=None)
        fresh = orders.find(tx, row.centra_id)
        if fresh is None or (fresh.state, fresh.content_hash) != (row.state, row.content_hash):
            return Skipped("changed while it was screened")
        exceptions.set_for_order(tx, row.centra_id, findings)
        if isinstance(verdict, Blocked):
            kinds = ", ".join(sorted({problem.kind for problem in verdict.problems}))
            orders.move(tx, fresh, OrderState.BLOCKED, reason=kinds, **judged)
            return Failed("blocked")
        order_contents.store_outgoing(tx, row.centra_id, _outgoing(tx, link, verdict))
        judged["carrier_code"] = verdict.service.carrier_code
        judged["delivery_method"] = verdict.service.delivery_method
        changed = ", ".join(sorted({change.field for change in verdict.changes}))
        reason = f"screened; changed: {changed}" if changed else "screened"
        orders.move(tx, fresh, OrderState.READY, reason=reason, **judged)
    return Fate.WRITTEN


def _outgoing(tx: Transaction, link: Link, verdict: Cleared) -> dict[str, Any]:
    skus = {line.sku for line in verdict.order.lines}
    return order_body(
        verdict.order,
        order_number=verdict.order_number,
        client_code=link.settings.whistl.client_code,
        site=link.settings.whistl.site,
        service=verdict.service,
        products=catalogues.products(tx, skus),
        delivery=verdict.delivery,
        is_ddp=verdict.is_ddp,
    )
