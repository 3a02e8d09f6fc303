"""The simulated Whistl shows stock, services and products as specified, or with a fault."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from centra_whistl_dagster.simulator.whistl.snapshots import take_snapshot
from centra_whistl_dagster.simulator.world.clock import ManualClock
from centra_whistl_dagster.simulator.world.warehouse import goods_in, take_unseen
from centra_whistl_dagster.simulator.world.world import World


def latest(whistl: httpx.Client) -> dict[str, Any]:
    head: dict[str, Any] = whistl.get("/v2/stock/snapshots/latest").json()
    return head


def rows_of(whistl: httpx.Client, snapshot_id: str, limit: int = 70) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    query: dict[str, Any] = {"limit": limit}
    for _ in range(20):
        page = whistl.get(f"/v2/stock/snapshots/{snapshot_id}/items", params=query).json()
        rows += page["data"]
        if not page["page"]["has_more"]:
            return rows
        query["cursor"] = page["page"]["next_cursor"]
    raise AssertionError("the pages do not end")


def test_a_snapshot_holds_every_sku_once_and_its_figures_add_up(
    whistl: httpx.Client, world: World, skus: list[str]
) -> None:
    take_unseen(world, skus[0], 3)
    take_snapshot(world)

    head = latest(whistl)
    rows = rows_of(whistl, head["snapshot_id"])

    assert head["complete"] is True
    assert head["item_count"] == len(rows)
    assert [row["sku"] for row in rows] == skus
    for row in rows:
        assert row["available"] == row["on_hand"] - row["allocated"] - row["quarantined"]
    assert rows[0]["allocated"] == 3


def test_a_snapshot_does_not_change_once_taken(
    whistl: httpx.Client, world: World, skus: list[str]
) -> None:
    head = latest(whistl)
    before = rows_of(whistl, head["snapshot_id"])

    goods_in(world, skus[0], 50)

    assert rows_of(whistl, head["snapshot_id"]) == before


def test_a_new_snapshot_is_published_every_quarter_of_an_hour(
    whistl: httpx.Client, world: World, clock: ManualClock
) -> None:
    first = latest(whistl)
    clock.run(world, 900)
    second = latest(whistl)

    assert second["snapshot_id"] != first["snapshot_id"]
    assert second["taken_at"] > first["taken_at"]


def test_a_snapshot_older_than_a_day_is_gone(
    whistl: httpx.Client, world: World, clock: ManualClock
) -> None:
    first = latest(whistl)["snapshot_id"]
    clock.run(world, 86_401)

    gone = whistl.get(f"/v2/stock/snapshots/{first}/items")

    assert (gone.status_code, gone.json()["error"]["code"]) == (410, "snapshot_expired")
    assert whistl.get("/v2/stock/snapshots/S-0/items").status_code == 404


def spoil(world: World, fault: str) -> None:
    world.settings.switches["snapshot_fault"] = fault
    take_snapshot(world)


@pytest.mark.parametrize("fault", ["incomplete", "truncated", "shortened"])
def test_half_a_snapshot_says_so_or_hides_it(
    whistl: httpx.Client, world: World, fault: str
) -> None:
    whole = latest(whistl)["item_count"]
    spoil(world, fault)

    head = latest(whistl)

    assert len(rows_of(whistl, head["snapshot_id"])) == whole // 2
    assert head["complete"] is (fault != "incomplete")
    assert head["item_count"] == (whole if fault == "truncated" else whole // 2)


def test_half_a_snapshot_can_come_twice_and_look_whole(whistl: httpx.Client, world: World) -> None:
    whole = latest(whistl)["item_count"]
    spoil(world, "half_twice")

    head = latest(whistl)
    skus = [row["sku"] for row in rows_of(whistl, head["snapshot_id"])]

    assert (head["complete"], head["item_count"], len(skus)) == (True, whole, whole)
    assert len(set(skus)) == whole - whole // 2


@pytest.mark.parametrize(
    ("fault", "is_spoiled"),
    [
        ("empty", lambda rows: rows == []),
        ("zeroed", lambda rows: not any(row["on_hand"] or row["available"] for row in rows)),
        ("negative", lambda rows: any(row["on_hand"] < 0 for row in rows)),
        ("one_negative", lambda rows: sum(row["on_hand"] < 0 for row in rows) == 1),
        ("no_number", lambda rows: any(row["on_hand"] is None for row in rows)),
        ("not_a_number", lambda rows: any(math.isnan(row["on_hand"]) for row in rows)),
        ("duplicate_sku", lambda rows: len({row["sku"] for row in rows}) == len(rows) - 1),
        ("arithmetic", lambda rows: any(row["available"] > row["on_hand"] for row in rows)),
    ],
)
def test_a_snapshot_can_be_spoiled(
    whistl: httpx.Client,
    world: World,
    fault: str,
    is_spoiled: Callable[[list[dict[str, Any]]], bool],
) -> None:
    good = rows_of(whistl, latest(whistl)["snapshot_id"])
    spoil(world, fault)

    assert not is_spoiled(good)
    assert is_spoiled(rows_of(whistl, latest(whistl)["snapshot_id"]))


def test_the_feed_can_stand_still_or_go_back(
    whistl: httpx.Client, world: World, clock: ManualClock
) -> None:
    first = latest(whistl)["snapshot_id"]
    clock.run(world, 900)
    second = latest(whistl)["snapshot_id"]

    spoil(world, "stale")
    stale = latest(whistl)["snapshot_id"]
    spoil(world, "old_after_new")
    old = latest(whistl)["snapshot_id"]

    assert (stale, old) == (second, first)


def test_skus_can_vanish_from_a_snapshot_that_calls_itself_complete(
    whistl: httpx.Client, world: World, skus: list[str]
) -> None:
    world.settings.switches["vanishing_sku_share"] = 0.1
    take_snapshot(world)

    head = latest(whistl)
    seen = {row["sku"] for row in rows_of(whistl, head["snapshot_id"])}

    assert head["complete"] is True
    assert 0 < len(set(skus) - seen) < len(skus) / 2


def test_quarantine_can_push_available_below_zero(
    whistl: httpx.Client, world: World, clock: ManualClock, skus: list[str]
) -> None:
    for sku in skus:
        take_unseen(world, sku, 1_000)
    world.settings.switches["quarantined_per_snapshot"] = 5
    clock.run(world, 900)

    rows = rows_of(whistl, latest(whistl)["snapshot_id"])

    assert sum(row["quarantined"] for row in rows) == 5
    assert sum(row["available"] for row in rows) == -5


def test_services_are_listed_with_what_they_need(whistl: httpx.Client) -> None:
    services = {s["delivery_method"]: s for s in whistl.get("/v2/services").json()}

    assert services["NEXTDAY"]["requires_phone"] is True
    assert services["NEXTDAY"]["excluded_postcode_areas"] == ["BT", "HS", "KW", "ZE"]
    assert services["SATURDAY"]["active"] is False
    assert all(s["carrier_code"].startswith("SIM-") for s in services.values())


def test_products_are_paged_found_and_written(
    whistl: httpx.Client, clock: ManualClock, skus: list[str]
) -> None:
    first = whistl.get("/v2/products", params={"limit": 150}).json()
    rest = whistl.get("/v2/products", params={"cursor": first["page"]["next_cursor"]}).json()
    clock.advance(60)
    put = whistl.put("/v2/products/NEW-SS26-01", json={"description": "Shirt", "hs_code": "620520"})
    changed = whistl.get("/v2/products", params={"updated_since": put.json()["updated_at"]}).json()
    one = whistl.get("/v2/products", params={"sku": skus[3]}).json()

    assert [p["sku"] for p in [*first["data"], *rest["data"]]] == skus
    assert [p["sku"] for p in changed["data"]] == ["NEW-SS26-01"]
    assert [p["sku"] for p in one["data"]] == [skus[3]]


def test_a_product_that_centra_lacks_is_whistls_alone(whistl: httpx.Client, world: World) -> None:
    whistl.put("/v2/products/ONLY-WHISTL", json={"unit_weight_kg": "0.5"})
    bad = whistl.put("/v2/products/NOT%20OURS", json={})

    assert "ONLY-WHISTL" in world.whistl_skus()
    assert "ONLY-WHISTL" not in world.items
    assert bad.status_code == 422
    assert whistl.get("/v2/capabilities").json()["stock_per_sku"] is False
