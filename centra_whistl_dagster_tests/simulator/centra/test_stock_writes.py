"""What writing stock does to the simulated Centra, and what it refuses, over real HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from centra_whistl_dagster.simulator.people.checkout import place_order
from centra_whistl_dagster.simulator.world.world import World

Do = Callable[..., Any]
Message = Callable[[Any], str]

SKU, OTHER_SKU = "TEE001-BLK-M", "TEE001-NVY-L"
SET_STOCK = """
mutation ($input: StockSetInput!) { setStock(input: $input) {
  userErrors { message path } stockChanges { id } } }
"""


def stock_input(*levels: tuple[str, int]) -> dict[str, Any]:
    return {
        "warehouse": {"id": 1},
        "description": "test",
        "stockQuantityType": "PHYSICAL",
        "productSizes": [{"productSize": {"SKU": s}, "quantity": q} for s, q in levels],
    }


def test_physical_stock_is_set_for_several_sizes(world: World, do: Do) -> None:
    place_order(world, [(SKU, 2)])

    payload = do(SET_STOCK, input=stock_input((SKU, 50), (OTHER_SKU, 7)))

    assert payload["userErrors"] == []
    assert payload["stockChanges"]
    assert world.shelves[SKU].centra_physical == 50
    assert world.centra_free(SKU) == 48
    assert world.shelves[OTHER_SKU].centra_physical == 7
    assert world.calls["centra stock lines written"] == 2


@pytest.mark.parametrize(("switch", "expected"), [("clamp", 5), ("error", None)])
def test_stock_below_what_is_allocated_is_clamped_or_refused(
    world: World, switch: str, expected: int | None, do: Do
) -> None:
    world.settings.switches["centra_stock_below_allocated"] = switch
    place_order(world, [(SKU, 5)])
    before = world.shelves[SKU].centra_physical

    payload = do(SET_STOCK, input=stock_input((SKU, 3)))

    assert bool(payload["userErrors"]) is (expected is None)
    assert world.shelves[SKU].centra_physical == (before if expected is None else expected)


@pytest.mark.parametrize(("applies_good", "expected"), [(False, "as before"), (True, 9)])
def test_one_unknown_sku_is_named_and_may_stop_the_others(
    world: World, applies_good: bool, expected: int | str, do: Do
) -> None:
    world.settings.switches["centra_applies_good_stock_lines"] = applies_good
    before = world.shelves[SKU].centra_physical

    payload = do(SET_STOCK, input=stock_input(("NO-SUCH-SKU", 1), (SKU, 9)))

    (error,) = payload["userErrors"]
    assert "NO-SUCH-SKU" in error["message"]
    assert error["path"] == ["input", "productSizes", "0", "productSize"]
    assert world.shelves[SKU].centra_physical == (before if expected == "as before" else expected)


def test_an_old_version_writes_one_of_several_sizes_and_says_nothing(world: World, do: Do) -> None:
    world.settings.switches["centra_several_sizes_bug"] = True
    before = world.shelves[OTHER_SKU].centra_physical

    payload = do(SET_STOCK, input=stock_input((SKU, 1), (OTHER_SKU, before + 5)))

    assert payload["userErrors"] == []
    assert world.shelves[SKU].centra_physical == 1
    assert world.shelves[OTHER_SKU].centra_physical == before


def test_a_negative_quantity_is_refused(world: World, do: Do, message: Message) -> None:
    before = world.shelves[SKU].centra_physical

    payload = do(SET_STOCK, input=stock_input((SKU, -1)))

    assert message(payload) == "Quantity must be greater than or equal to 0"
    assert world.shelves[SKU].centra_physical == before
