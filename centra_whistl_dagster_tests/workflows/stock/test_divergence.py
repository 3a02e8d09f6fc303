"""Which differences between the two systems are reported, and which are gone within seconds."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, cast

from centra_whistl_dagster.centra.client import CentraClient
from centra_whistl_dagster.centra.records import CentraStockLevel, UnreadableStockLevel
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.workflows.stock.divergence import Compared, measure_divergence
from centra_whistl_dagster_tests.workflows.conftest import Desk


class BusyCentra:
    """Centra, with something that happens just after all stock was read."""

    def __init__(self, client: CentraClient, *meanwhile: Callable[[], object]) -> None:
        self._client, self._meanwhile = client, list(meanwhile)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def stock_levels(
        self,
        unreadable: list[UnreadableStockLevel] | None = None,
        *,
        takes_hours: bool = False,
    ) -> Iterator[CentraStockLevel]:
        levels = list(self._client.stock_levels(unreadable, takes_hours=takes_hours))
        if self._meanwhile:
            self._meanwhile.pop(0)()
        return iter(levels)


def compare_while(desk: Desk, *meanwhile: Callable[[], object]) -> Compared:
    """Measure the divergence; after each reading of Centra's stock, one of these happens."""
    busy = cast("CentraClient", BusyCentra(desk.link.centra, *meanwhile))
    return measure_divergence(dataclasses.replace(desk.link, centra=busy))


def test_an_order_that_was_not_read_yet_is_no_difference(desk: Desk) -> None:
    desk.sync_stock()
    order = desk.order((desk.skus[0], 2))

    compared = measure_divergence(desk.link)

    assert compared.unexplained == []
    assert compared.units_by_cause["in_flight"] == 2
    assert desk.state(order) is OrderState.RECEIVED


def test_orders_that_come_while_stock_is_read_are_no_difference(desk: Desk) -> None:
    desk.sync_stock()

    compared = compare_while(desk, lambda: desk.order((desk.skus[0], 2)), desk.order)

    assert compared.unexplained == []


def test_a_figure_that_somebody_typed_in_is_a_difference_without_a_cause(desk: Desk) -> None:
    desk.sync_stock()
    desk.world.shelves[desk.skus[0]].centra_physical += 3

    compared = measure_divergence(desk.link)

    assert [row["unexplained"] for row in compared.unexplained] == [3]


def test_a_difference_that_is_corrected_while_it_is_measured_is_not_reported(desk: Desk) -> None:
    desk.sync_stock()
    shelf = desk.world.shelves[desk.skus[0]]
    shelf.centra_physical += 3

    def correct() -> None:
        shelf.centra_physical -= 3

    compared = compare_while(desk, correct)

    assert compared.unexplained == []
