"""Time the screening of a fashion brand's orders."""

from __future__ import annotations

from centra_whistl_dagster.bench import loads
from centra_whistl_dagster.bench.timing import Timing, timed
from centra_whistl_dagster.domain.orders.order import Order
from centra_whistl_dagster.screening.screen import screen


def many_orders(lines: int, *, lines_per_order: int) -> Timing:
    """Time a batch of orders with that many lines in all, one order in a hundred faulty."""
    batch = loads.orders(lines, lines_per_order=lines_per_order, faulty_share=0.01, seed=lines)
    return _timed(f"screen {lines:,} order lines, {lines_per_order} an order, 1 % failing", batch)


def one_order() -> Timing:
    """Time a single order, which is what an urgent one waits for."""
    batch = loads.orders(2, lines_per_order=2, faulty_share=0.0, seed=1)
    return _timed("screen one order", batch, runs=15)


def _timed(name: str, batch: list[Order], *, runs: int = 5) -> Timing:
    reference = loads.reference()
    return timed(name, lambda orders: screen(orders, reference), prepare=lambda: batch, runs=runs)
