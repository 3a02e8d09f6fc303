"""Time what the ledger has to do for orders: screening blocked ones again, draining a backlog.

Centra and Whistl are stand-ins that answer at once: what is timed is our own work for each order,
with a ledger on disk.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from centra_whistl_dagster.bench import loads
from centra_whistl_dagster.bench.timing import Timing, timed
from centra_whistl_dagster.centra.client import CentraClient
from centra_whistl_dagster.config_files.configuration import Configuration, load_configuration
from centra_whistl_dagster.domain.orders.order import Order
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import catalogues, orders, state
from centra_whistl_dagster.ledger.engine import Ledger
from centra_whistl_dagster.settings import load_settings
from centra_whistl_dagster.whistl.client import Acceptance, WhistlClient
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.screening import screen_waiting_orders
from centra_whistl_dagster.workflows.orders.submission import submit_ready_orders

_NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)
_CONFIG = Path(__file__).resolve().parents[2] / "config"
_MAPPED = "Standard,GB"
_MAPPED_ELSEWHERE = "Standard,FR"


@dataclass
class _Centra:
    """A Centra that shows each order as it was placed."""

    placed: Mapping[str, Order]

    def orders_with_ids(self, ids: Sequence[str]) -> list[Order]:
        return [self.placed[centra_id] for centra_id in ids]


@dataclass
class _Whistl:
    """A Whistl that takes every order at once."""

    taken: int = 0

    def submit_order(self, body: Mapping[str, Any], *, idempotency_key: str) -> Acceptance:  # noqa: ARG002 - the client's signature
        self.taken += 1
        return Acceptance(
            order_number=body["order_number"],
            whistl_order_id="W1",
            status="RECEIVED",
            status_version=1,
            is_replayed=False,
        )


def rejudge(count: int) -> Timing:
    """Time an edit of the shipping table after which so many blocked orders pass."""
    batch = _orders(count)
    with tempfile.TemporaryDirectory() as folder, _link(Path(folder), batch) as link:
        elsewhere = loads.reference(_MAPPED_ELSEWHERE).mapping
        before_the_edit = replace(
            link.configuration, services=elsewhere, fingerprint="before the edit"
        )

        def blocked() -> Link:
            with link.ledger.transaction() as tx:
                for row in orders.in_states(tx, list(OrderState)):
                    orders.move(tx, row, OrderState.RECEIVED, reason="once more")
            screen_waiting_orders(replace(link, configuration=before_the_edit))
            return link

        return timed(
            f"screen {count:,} blocked orders again", screen_waiting_orders, prepare=blocked
        )


def drain(count: int) -> Timing:
    """Time the sending of so many orders that wait, once."""
    batch = _orders(count)
    with tempfile.TemporaryDirectory() as folder, _link(Path(folder), batch) as link:
        screen_waiting_orders(link)
        began = time.perf_counter()
        while submit_ready_orders(link).written:
            pass
        seconds = time.perf_counter() - began
        if link.whistl.taken != count:  # type: ignore[attr-defined]  # the stand-in counts
            raise RuntimeError("not every order was sent, so the time says nothing")
    name = f"send {count:,} waiting orders"
    return Timing(name=name, runs=1, median_s=seconds, least_s=seconds, most_s=seconds)


def _orders(count: int) -> list[Order]:
    return loads.orders(2 * count, lines_per_order=2, faulty_share=0.0, seed=count)


@contextmanager
def _link(folder: Path, batch: Sequence[Order]) -> Iterator[Link]:
    """Open a ledger in a folder, with the catalogues and the orders in it, not screened yet."""
    settings = load_settings(
        {
            "CENTRA_BASE_URL": "https://centra.invalid",
            "CENTRA_TOKEN": "t",
            "WHISTL_BASE_URL": "https://whistl.invalid",
            "WHISTL_TOKEN": "t",
            "WHISTL_CLIENT_CODE": "ACME",
            "WHISTL_SITE": "SW",
            "STATE_DIR": str(folder),
            "CONFIG_DIR": str(_CONFIG),
        }
    )
    configuration: Configuration = replace(
        load_configuration(_CONFIG), services=loads.reference(_MAPPED).mapping
    )
    ledger = Ledger(
        settings.ledger_url, now=lambda: _NOW, responsibilities=configuration.exception_kinds
    )
    reference = loads.reference(_MAPPED)
    with ledger.transaction() as tx:
        catalogues.replace_services(tx, reference.services.values())
        catalogues.replace_products(tx, reference.products.values())
        state.set_to(tx, state.REFERENCE, catalogues.fingerprint(tx))
        for order in batch:
            number = f"C{order.number}"
            orders.add(
                tx, order, whistl_number=number, state=OrderState.RECEIVED, reason="confirmed"
            )
    try:
        yield Link(
            settings=settings,
            configuration=configuration,
            centra=cast("CentraClient", _Centra({order.centra_id: order for order in batch})),
            whistl=cast("WhistlClient", _Whistl()),
            ledger=ledger,
            now=lambda: _NOW,
            sleep=lambda _: None,
        )
    finally:
        ledger.close()
