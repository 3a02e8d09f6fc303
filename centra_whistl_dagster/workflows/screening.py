"""Judge orders before they are sent: those without a fault become ready, the others blocked.

Belongs here: which orders are judged when, and what the verdict does to an order and to the
exceptions register. Does not belong here: any rule (`screening`, `domain`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from centra_whistl_dagster.domain.orders import Order
from centra_whistl_dagster.domain.states import OrderState
from centra_whistl_dagster.domain.tally import Tally
from centra_whistl_dagster.ledger import cursors, orders, reference
from centra_whistl_dagster.ledger.engine import Row, Transaction
from centra_whistl_dagster.screening.reference import ScreeningReference
from centra_whistl_dagster.screening.screen import Blocked, Cleared, ScreeningResult, screen
from centra_whistl_dagster.whistl.mapping import order_body
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.reference import is_due, refresh_reference

LONDON = ZoneInfo("Europe/London")


class Fate(StrEnum):
    """What became of one order in a round of screening."""

    READY = "ready"
    BLOCKED = "blocked"
    CHANGED = "changed while it was screened"


@dataclass(frozen=True, slots=True, kw_only=True)
class Screened:
    """What a round of screening did, and its findings for the checks in the UI."""

    tally: Tally
    result: ScreeningResult | None
    """None when there was nothing to screen."""


def reference_fingerprint(link: Link, reference_data: str | None) -> str:
    """Return a digest of everything but the order itself that a verdict depends on."""
    parts = f"{link.configuration.fingerprint}|{reference_data}"
    return sha256(parts.encode()).hexdigest()


def screen_waiting_orders(link: Link) -> Screened:
    """Judge orders not judged yet, and blocked ones whose reference data has changed since.

    Raises:
        IntegrationError: the reference data was never read, and cannot be read now.
    """
    if is_due(link):
        refresh_reference(link)
    with link.ledger.reading() as tx:
        fingerprint = reference_fingerprint(link, cursors.read(tx, cursors.REFERENCE))
        rows = [
            *orders.in_states(tx, [OrderState.RECEIVED]),
            *orders.blocked_against_another_reference(tx, fingerprint),
        ]
        contents = {row.centra_id: orders.payload(tx, row.centra_id) for row in rows}
    if not rows:
        return Screened(tally=Tally(), result=None)
    result = screen(list(contents.values()), _screening_reference(link, list(contents.values())))
    tally = Tally(read=len(rows))
    for row, verdict in zip(rows, result.verdicts, strict=True):
        tally_of = _settle(link, row, verdict, fingerprint)
        if tally_of is Fate.READY:
            tally.written += 1
        elif tally_of is Fate.BLOCKED:
            tally.failed[Fate.BLOCKED] += 1
        else:
            tally.skipped[Fate.CHANGED] += 1
    return Screened(tally=tally, result=result)


def _screening_reference(link: Link, contents: list[Order]) -> ScreeningReference:
    """Gather what these orders are judged against; of the catalogues only what they mention."""
    mentioned = {line.sku for order in contents for line in order.lines}
    with link.ledger.reading() as tx:
        return ScreeningReference(
            mapping=link.configuration.services,
            services=reference.services(tx),
            products=reference.products(tx, mentioned),
            colliding=reference.collisions(tx, mentioned),
            policy=link.configuration.screening,
            today=link.now().astimezone(LONDON).date(),
            order_number_prefix=link.settings.order_number_prefix,
        )


def _settle(link: Link, row: Row, verdict: Cleared | Blocked, fingerprint: str) -> Fate:
    now = link.now()
    findings = (*verdict.warnings, *(verdict.problems if isinstance(verdict, Blocked) else ()))
    judged = {"screened_at": now, "screened_against": fingerprint, "due_at": None}
    with link.ledger.transaction() as tx:
        fresh = orders.find(tx, row.centra_id)
        if fresh is None or (fresh.state, fresh.content_hash) != (row.state, row.content_hash):
            return Fate.CHANGED
        link.set_exceptions_of_order(tx, row.centra_id, findings)
        if isinstance(verdict, Blocked):
            kinds = ", ".join(sorted({problem.kind for problem in verdict.problems}))
            orders.move(tx, fresh, OrderState.BLOCKED, reason=kinds, now=now, **judged)
            return Fate.BLOCKED
        orders.store_outgoing(tx, row.centra_id, _outgoing(tx, link, verdict))
        orders.move(
            tx,
            fresh,
            OrderState.READY,
            reason="screened",
            now=now,
            carrier_code=verdict.service.carrier_code,
            delivery_method=verdict.service.delivery_method,
            **judged,
        )
    return Fate.READY


def _outgoing(tx: Transaction, link: Link, verdict: Cleared) -> dict[str, Any]:
    skus = {line.sku for line in verdict.order.lines}
    return order_body(
        verdict.order,
        order_number=verdict.order_number,
        client_code=link.settings.whistl.client_code,
        site=link.settings.whistl.site,
        service=verdict.service,
        products=reference.products(tx, skus),
        delivery=verdict.delivery,
    )
