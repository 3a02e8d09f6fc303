"""A shop that is too large to be read whole at each sync: what moved is read, the rest in turn."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from math import ceil

import numpy as np
import pandas as pd
import pytest

from centra_whistl_dagster.centra.client import CentraClient
from centra_whistl_dagster.domain.stock.pace import pages_of_a_reading
from centra_whistl_dagster.simulator.whistl.snapshots import take_snapshot
from centra_whistl_dagster.simulator.world.warehouse import goods_in, take_unseen
from centra_whistl_dagster.simulator.world.world import Settings
from centra_whistl_dagster.workflows.orders import intake
from centra_whistl_dagster.workflows.reference.refresh import refresh_reference
from centra_whistl_dagster.workflows.stock import levels_due
from centra_whistl_dagster.workflows.stock.centra_levels import last_levels
from centra_whistl_dagster.workflows.stock.divergence import measure_divergence
from centra_whistl_dagster.workflows.stock.new_orders import with_new_orders
from centra_whistl_dagster_tests.workflows.conftest import Desk

PER_PAGE = 2
MOST = pages_of_a_reading(1250, 15) * PER_PAGE
"""Levels of one reading, on half of half of the Growth plan."""
SKUS = 250


@pytest.fixture
def settings() -> Settings:
    return Settings(
        seed=7,
        skus=SKUS,
        speed=20,
        centra_limits=None,
        switches={"whistl_requests_per_minute": None},
    )


@pytest.fixture
def large(desk: Desk) -> Iterator[Desk]:
    """A shop whose levels are 127 small pages, of which a reading may take 52."""
    config = replace(desk.link.centra._config, plan="growth", page_size=PER_PAGE)
    rng = random.Random(7)  # noqa: S311 - spreads retries
    centra = CentraClient(config, now=desk.clock, sleep=desk.sleep, rng=rng)
    desk.link = replace(desk.link, centra=centra)
    full_sync(desk)
    full_sync(desk)
    yield desk
    centra.close()


def full_sync(desk: Desk) -> None:
    """A quarter of an hour later, with a snapshot of its own."""
    desk.wait(3600 / 4)
    with desk.world.lock:
        take_snapshot(desk.world)
    desk.wait(1)
    desk.sync_stock()


def levels_read(desk: Desk) -> int:
    """Return how many levels the last reading asked for."""
    known = last_levels(desk.link)
    assert known is not None
    return int((known.frame["read_at"] == known.read_at).sum())


def not_as_it_should_be(desk: Desk) -> dict[str, tuple[int, int]]:
    """Return what the shop offers of a SKU and what it should, where they differ.

    Judged by the simulators' own shelves; no order may be open.
    """
    buffers = desk.buffers()
    found = {}
    for sku in desk.skus:
        shelf = desk.world.shelves[sku]
        available = shelf.on_hand - shelf.quarantined - desk.world.whistl_allocated(sku)
        should = max(0, available - buffers[sku])
        if desk.world.centra_free(sku) != should:
            found[sku] = (desk.world.centra_free(sku), should)
    return found


def test_a_full_sync_reads_no_more_levels_than_its_quota_allows(large: Desk) -> None:
    full_sync(large)

    assert SKUS > MOST
    assert 0 < levels_read(large) <= MOST


def test_what_moved_at_whistl_is_written_at_once_though_not_everything_is_read(
    large: Desk,
) -> None:
    dice = np.random.default_rng(7)
    for _ in range(4):
        moved = dice.choice(large.skus, 8, replace=False).tolist()
        with large.world.lock:
            for sku in moved:
                shelf = large.world.shelves[sku]
                shelf.on_hand = max(0, shelf.on_hand - int(dice.integers(1, 4)))
        full_sync(large)

        assert levels_read(large) <= MOST
        apart = not_as_it_should_be(large)
        assert {sku: apart[sku] for sku in moved if sku in apart} == {}


def test_what_moved_at_whistl_is_among_the_levels_that_are_read(large: Desk) -> None:
    with large.world.lock:
        take_snapshot(large.world)
    before = last_levels(large.link)
    assert before is not None
    # Those read last: in turn they would come last.
    moved = before.frame.sort_values("read_at")["sku"].tolist()[-5:]
    with large.world.lock:
        for sku in moved:
            large.world.shelves[sku].on_hand += 3

    full_sync(large)

    after = last_levels(large.link)
    assert after is not None
    assert set(after.frame.set_index("sku").loc[moved, "read_at"]) == {after.read_at}


def test_orders_and_despatches_are_seen_though_not_everything_is_read(large: Desk) -> None:
    placed = [large.order((sku, 1)) for sku in large.skus[::25]]
    for _ in range(6):
        large.relay(2, every=60)
        full_sync(large)

        known = last_levels(large.link)
        assert known is not None
        shown = known.frame.set_index("sku")["allocated"]
        held = {sku: large.world.centra_allocated(sku) for sku in large.skus[::25]}
        assert {sku: int(shown[sku]) for sku in held} == held

    large.assert_every_parcel_is_right()
    assert all(large.state(order) == "completed" for order in placed)
    assert not_as_it_should_be(large) == {}
    assert large.problems() == []


def test_a_level_that_could_not_be_read_in_time_is_not_taken_for_a_fresh_one(
    large: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    large.switch(centra_stock_below_allocated="take")
    known = last_levels(large.link)
    assert known is not None
    by_age = [sku for sku in known.frame.sort_values("read_at")["sku"] if sku in large.skus]
    buffers = large.buffers()
    sold_out = next(
        sku for sku in by_age[::-1] if buffers[sku] == 0 and large.world.centra_free(sku) > 3
    )
    others = [sku for sku in by_age if sku != sold_out][:12]
    monkeypatch.setattr(levels_due, "pages_of_a_reading", lambda *_: 2)
    large.order((sold_out, large.world.centra_free(sold_out)))
    take_unseen(large.world, sold_out, 3)

    problems = []
    for _ in range(2):
        for sku in others:
            goods_in(large.world, sku, 1)
        full_sync(large)
        problems.append(large.problems(sold_out))

    after = last_levels(large.link)
    assert after is not None
    was_read_at = known.frame.set_index("sku")["read_at"]
    assert after.frame.set_index("sku")["read_at"][sold_out] == was_read_at[sold_out]
    assert problems == [["oversold"], ["oversold"]]


def test_an_order_counts_for_those_levels_alone_that_were_read_before_it_was_known(
    desk: Desk,
) -> None:
    first, second = desk.skus[:2]
    early = desk.clock()
    desk.wait(60)
    desk.order((first, 2), (second, 3))
    intake.take_in_orders(desk.link)
    desk.wait(60)
    levels = pd.DataFrame(
        {
            "sku": [first, second],
            "allocated": [2, 0],
            "free": [8, 10],
            "read_at": pd.to_datetime([desk.clock(), early], utc=True),
        }
    )

    shown = with_new_orders(desk.link, levels)

    assert shown["allocated"].tolist() == [2, 3]
    assert shown["free"].tolist() == [8, 7]


def test_a_level_changed_by_hand_in_centra_is_found_as_the_reading_comes_round(
    large: Desk,
) -> None:
    with large.world.lock:
        for sku in large.skus:
            large.world.shelves[sku].centra_physical += 500

    full_sync(large)
    assert any(large.world.centra_free(sku) >= 500 for sku in large.skus)
    # A level that was wrong is read again to be seen right: it takes two readings.
    for _ in range(2 * ceil(SKUS / MOST)):
        full_sync(large)

    assert [sku for sku in large.skus if large.world.centra_free(sku) >= 500] == []


def test_a_size_that_is_new_in_both_systems_is_read_and_written(large: Desk) -> None:
    world, like = large.world, large.world.items[large.skus[0]]
    with world.lock:
        product = replace(like.product, sku="NEW-1")
        world.items["NEW-1"] = replace(like, sku="NEW-1", size_id=99_999, product=product)
        world.shelves["NEW-1"].on_hand = 9
        world.shelves["NEW-1"].centra_physical = 0
    refresh_reference(large.link)

    full_sync(large)

    assert 0 < world.centra_free("NEW-1") <= 9


def test_the_comparison_after_a_sync_reads_no_more_either_and_finds_nothing_unexplained(
    large: Desk,
) -> None:
    large.order_some()
    large.relay(3)
    with large.world.lock:
        large.world.shelves[large.skus[-1]].on_hand += 5
    full_sync(large)

    compared = measure_divergence(large.link)

    assert levels_read(large) <= MOST
    assert compared.unexplained == []
    assert compared.oversold == []
    assert compared.skus >= SKUS


def test_a_shop_that_fits_is_read_whole(desk: Desk) -> None:
    full_sync(desk)
    full_sync(desk)

    assert levels_read(desk) >= SKUS
