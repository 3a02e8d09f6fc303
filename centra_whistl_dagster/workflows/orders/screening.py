"""Judge orders before they are sent: those without a fault become ready, the others blocked.

Belongs here: which orders are judged when, and what the verdict does to an order and to the
exceptions register. Does not belong here: any rule (`screening`, `domain`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

from centra_whistl_dagster.domain.exceptions.endings import FOUND_BEFORE_SENDING
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
from centra_whistl_dagster.workflows.reference.refresh import usable_age

_ROWS_PER_TRANSACTION = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Screened:
    """What a round of screening did, and its findings for the checks in the UI."""

    tally: Tally
    result: ScreeningResult | None
    """None when there was nothing to screen."""
    reference_age: timedelta | None
    """How old the catalogues are; None when they are too old to screen against."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An order to be judged, and a digest of what its verdict rests on."""

    row: OrderRow
    order: Order
    basis: str


def is_rescreening_due(link: Link) -> bool:
    """Say whether orders are blocked, and what they were judged by has changed since."""
    with link.ledger.reading() as tx:
        has_changed = state.read(tx, state.RESCREENED_FOR) != _all_of_the_basis(tx, link)
        return has_changed and bool(orders.in_states(tx, [OrderState.BLOCKED], limit=1))


def screen_waiting_orders(link: Link) -> Screened:
    """Judge orders not judged yet, and blocked ones whose own part of the basis has changed.

    Catalogues that cannot be read now are used as they were read last, up to the age that the
    policy allows; after that orders wait, and nothing else does.
    """
    age = usable_age(link)
    with link.ledger.reading() as tx:
        whole_basis = _all_of_the_basis(tx, link)
        rescreens = state.read(tx, state.RESCREENED_FOR) != whole_basis
        waiting = list(orders.in_states(tx, [OrderState.RECEIVED]))
        waiting += orders.blocked_by_screening(tx) if rescreens else []
        tally = Tally(read=len(waiting))
        if age is None:
            tally.add(Skipped("the catalogues are too old"), len(waiting))
            return Screened(tally=tally, result=None, reference_age=None)
        contents = order_contents.payloads(tx, [row.centra_id for row in waiting])
    # One without contents must not stop the others; the next sweep brings them again.
    tally.add(Failed("contents not stored"), len(waiting) - len(contents))
    judged_by = reference_for(link, list(contents.values()))
    known = [
        _Waiting(row, order, basis_of(order, judged_by))
        for row in waiting
        if (order := contents.get(row.centra_id)) is not None
    ]
    concerned = [
        order
        for order in known
        if order.row.state is not OrderState.BLOCKED or order.row.screened_against != order.basis
    ]
    tally.add(Fate.UNCHANGED, len(known) - len(concerned))
    result = screen([one.order for one in concerned], judged_by) if concerned else None
    _settle_all(link, concerned, result, judged_by, tally)
    if rescreens:
        with link.ledger.transaction() as tx:
            state.set_to(tx, state.RESCREENED_FOR, whole_basis)
    return Screened(tally=tally, result=result, reference_age=age)


def _settle_all(
    link: Link,
    judged: list[_Waiting],
    result: ScreeningResult | None,
    judged_by: ScreeningReference,
    tally: Tally,
) -> None:
    verdicts = result.verdicts if result else ()
    for start in range(0, len(judged), _ROWS_PER_TRANSACTION):
        part = slice(start, start + _ROWS_PER_TRANSACTION)
        with link.ledger.transaction() as tx:
            now = orders.find_all(tx, [order.row.centra_id for order in judged[part]])
            for order, verdict in zip(judged[part], verdicts[part], strict=True):
                row, fresh = order.row, now.get(order.row.centra_id)
                if fresh is None or (fresh.state, fresh.content_hash) != (
                    row.state,
                    row.content_hash,
                ):
                    tally.add(Skipped("changed while it was screened"))
                elif isinstance(verdict, Blocked):
                    tally.add(_block(tx, fresh, order.basis, verdict))
                else:
                    body = _outgoing(link, verdict, judged_by, fresh.whistl_number)
                    tally.add(_make_ready(tx, fresh, order.basis, verdict, body))


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


def _block(tx: Transaction, row: OrderRow, basis: str, verdict: Blocked) -> Fate:
    exceptions.set_for_order(
        tx, row.centra_id, FOUND_BEFORE_SENDING, (*verdict.warnings, *verdict.problems)
    )
    kinds = ", ".join(sorted({problem.kind for problem in verdict.problems}))
    judged = OrderChange(screened_at=tx.now, screened_against=basis, due_at=None)
    orders.move(tx, row, OrderState.BLOCKED, reason=kinds, **judged)
    return Failed("blocked")


def _make_ready(
    tx: Transaction, row: OrderRow, basis: str, verdict: Cleared, body: dict[str, Any]
) -> Fate:
    exceptions.set_for_order(tx, row.centra_id, FOUND_BEFORE_SENDING, verdict.warnings)
    order_contents.store_outgoing(tx, row.centra_id, body)
    judged = OrderChange(
        screened_at=tx.now,
        screened_against=basis,
        due_at=None,
        carrier_code=verdict.service.carrier_code,
        delivery_method=verdict.service.delivery_method,
    )
    changed = ", ".join(sorted({change.field for change in verdict.changes}))
    reason = f"screened; changed: {changed}" if changed else "screened"
    orders.move(tx, row, OrderState.READY, reason=reason, **judged)
    return Fate.WRITTEN


def _outgoing(
    link: Link, verdict: Cleared, judged_by: ScreeningReference, order_number: str
) -> dict[str, Any]:
    crosses_border = verdict.needs_customs_data
    return order_body(
        verdict.order,
        order_number=order_number,
        client_code=link.settings.whistl.client_code,
        site=link.settings.whistl.site,
        service=verdict.service,
        products=judged_by.products,
        delivery=verdict.delivery,
        is_ddp=verdict.is_ddp,
        gift_value=judged_by.policy.gift_customs_value if crosses_border else Decimal(0),
        line_fields=link.settings.whistl.line_fields,
    )
