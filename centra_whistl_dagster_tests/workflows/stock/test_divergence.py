"""What is called a difference between the two systems, and what is only a matter of seconds."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

from centra_whistl_dagster.centra.client import CentraClient
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.workflows.stock.divergence import measure_divergence


class CentraThatIsBusy:
    """Centra, with something that happens just after all stock was read."""

    def __init__(self, client: CentraClient, *meanwhile: Callable[[], Any]) -> None:
        self._client, self._meanwhile = client, list(meanwhile)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def stock_levels(self) -> Iterator[Any]:
        levels = list(self._client.stock_levels())
        if self._meanwhile:
            self._meanwhile.pop(0)()
        return iter(levels)


def test_an_order_that_nobody_has_read_yet_is_no_difference(desk: Any) -> None:
    desk.sync_stock()
    order = desk.order((desk.skus[0], 2))

    compared = measure_divergence(desk.link)

    assert compared.unexplained == []
    assert compared.units_by_cause["in_flight"] == 2
    assert desk.state(order) is OrderState.RECEIVED


def test_orders_that_come_while_stock_is_read_are_no_difference(desk: Any) -> None:
    desk.sync_stock()
    busy = CentraThatIsBusy(desk.link.centra, lambda: desk.order((desk.skus[0], 2)), desk.order)

    compared = measure_divergence(dataclasses.replace(desk.link, centra=busy))

    assert compared.unexplained == []


def test_a_figure_that_somebody_typed_in_is_a_difference_without_a_cause(desk: Any) -> None:
    desk.sync_stock()
    desk.world.shelves[desk.skus[0]].centra_physical += 3

    compared = measure_divergence(desk.link)

    assert [row["unexplained"] for row in compared.unexplained] == [3]


def test_what_is_mended_while_it_is_looked_at_is_looked_at_once_more(desk: Any) -> None:
    desk.sync_stock()
    shelf = desk.world.shelves[desk.skus[0]]
    shelf.centra_physical += 3

    def mend() -> None:
        shelf.centra_physical -= 3

    busy = CentraThatIsBusy(desk.link.centra, mend)
    compared = measure_divergence(dataclasses.replace(desk.link, centra=busy))

    assert compared.unexplained == []
