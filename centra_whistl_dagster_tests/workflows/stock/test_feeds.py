"""Feeds that must not be used, over real HTTP and several pages: what Centra holds afterwards.

Each test checks on the simulated Centra's own shelves that no SKU that the building has was set to
zero, that an exception was raised for its owner, and that a refused snapshot is in quarantine.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from centra_whistl_dagster.ledger import exception_news
from centra_whistl_dagster.settings import load_settings
from centra_whistl_dagster.simulator.whistl.snapshots import SnapshotFault, take_snapshot
from centra_whistl_dagster.simulator.wire.fault_rules import FaultKind
from centra_whistl_dagster.simulator.world.clock import ManualClock
from centra_whistl_dagster.simulator.world.warehouse import goods_in, take_unseen
from centra_whistl_dagster.simulator.world.world import World
from centra_whistl_dagster.transport import ContractBroken, IntegrationError, OutcomeUnknown
from centra_whistl_dagster.transport.calls import MOST_TRIES
from centra_whistl_dagster.whistl.client import WhistlClient
from centra_whistl_dagster.workflows.stock import sync
from centra_whistl_dagster.workflows.stock.age import age_of_stock_in_use
from centra_whistl_dagster.workflows.stock.centra_levels import read_centra_levels
from centra_whistl_dagster.workflows.stock.quarantine import quarantined
from centra_whistl_dagster.workflows.stock.reconciliation import NothingToReconcile
from centra_whistl_dagster.workflows.stock.snapshots import (
    is_there_a_new_snapshot,
    read_latest_snapshot,
)
from centra_whistl_dagster_tests.workflows.conftest import Desk

SPOILED, CHANGED, SOLD_OUT = range(3)
"""Positions of SKUs: the first row, which a fault of one row hits, and two that are healthy."""

REFUSED = ("stock_snapshot_refused", "fulfilment")
LEFT_OUT = ("sku_absent_from_snapshot", "fulfilment")


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    """No buffers: Centra then holds the feed's own figures, to the unit."""
    policy = Path(environment["CONFIG_DIR"]) / "policy.toml"
    usual = policy.read_text()
    assert "cap_units = 200" in usual
    policy.write_text(usual.replace("cap_units = 200", "cap_units = 0"))
    return environment


@pytest.fixture
def desk(desk: Desk, clock: ManualClock) -> Iterator[Desk]:
    """The usual desk with ten rows a page: forty SKUs take four pages."""

    def sleep(seconds: float) -> None:
        clock.advance(seconds)

    client = WhistlClient(
        replace(load_settings(desk.environment).whistl, page_size=10),
        now=clock,
        sleep=sleep,
        rng=random.Random(7),  # noqa: S311 - spreads waits, guards nothing
    )
    desk.link = replace(desk.link, whistl=client)
    yield desk
    client.close()


@pytest.fixture
def trading(desk: Desk) -> Desk:
    """After a good sync some units of a SKU were sold elsewhere, and another SKU sold out."""
    desk.sync_stock()
    assert all(quantity > 0 for quantity in free_in_centra(desk.world).values())
    take_unseen(desk.world, desk.skus[CHANGED], 3)
    sold_out = desk.skus[SOLD_OUT]
    take_unseen(desk.world, sold_out, desk.world.whistl_available(sold_out))
    return desk


def free_in_centra(world: World) -> dict[str, int]:
    """What shoppers can buy of each SKU that the building has, by Centra's own shelves."""
    return {
        sku: world.centra_free(sku)
        for sku in world.whistl_skus()
        if world.whistl_available(sku) - world.unsent_units(sku) > 0
    }


def wrongly_zeroed(world: World) -> list[str]:
    return [sku for sku, quantity in free_in_centra(world).items() if quantity <= 0]


def physical(world: World) -> dict[str, int]:
    return {sku: world.shelves[sku].centra_physical for sku in world.items}


def raised(desk: Desk) -> list[tuple[str, str]]:
    """Kind and owner of each open exception."""
    with desk.link.ledger.reading() as tx:
        return sorted((row.kind, row.owner) for row in exception_news.listed(tx))


def in_quarantine(desk: Desk) -> list[str]:
    return [snapshot.snapshot_id for snapshot in quarantined(desk.link)]


def publish(desk: Desk, fault: SnapshotFault | None = None) -> str:
    """Let Whistl publish a snapshot a second later, spoiled or good, and return its name."""
    desk.switch(snapshot_fault=fault)
    desk.clock.advance(1)
    with desk.world.lock:
        take_snapshot(desk.world)
    desk.clock.advance(1)
    assert desk.world.latest_snapshot_id is not None
    return desk.world.latest_snapshot_id


def assert_a_good_feed_puts_everything_right(desk: Desk) -> None:
    desk.world.faults.clear()
    publish(desk)
    desk.sync_stock()

    stock = desk.truth()["stock"]
    assert (stock["unexplained"], stock["resurrected_units"]) == ([], 0)
    assert desk.world.centra_free(desk.skus[SOLD_OUT]) == 0
    assert wrongly_zeroed(desk.world) == []
    assert raised(desk) == []


# ---- the whole feed is refused
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (SnapshotFault.INCOMPLETE, "not_complete"),
        (SnapshotFault.TRUNCATED, "rows_missing"),
        (SnapshotFault.SHORTENED, "few_rows"),
        (SnapshotFault.HALF_TWICE, "bad_rows"),
        (SnapshotFault.EMPTY, "empty"),
        (SnapshotFault.ZEROED, "many_to_zero"),
        (SnapshotFault.NEGATIVE, "bad_rows"),
        (SnapshotFault.ARITHMETIC, "bad_rows"),
    ],
)
def test_an_absurd_feed_zeroes_nothing_and_waits_in_quarantine_until_a_good_one_comes(
    trading: Desk, fault: SnapshotFault, reason: str
) -> None:
    before = physical(trading.world)
    snapshot_id = publish(trading, fault)

    trading.sync_stock()

    assert wrongly_zeroed(trading.world) == []
    assert physical(trading.world) == before
    assert in_quarantine(trading) == [snapshot_id]
    assert reason in quarantined(trading.link)[0].reason.split(", ")
    assert raised(trading) == [REFUSED]
    assert_a_good_feed_puts_everything_right(trading)


# ---- one row of the feed cannot be used
@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (SnapshotFault.DUPLICATE_SKU, "named twice"),
        (SnapshotFault.NO_NUMBER, "on_hand should be a whole number"),
        (SnapshotFault.ONE_NEGATIVE, "on_hand should be a whole number from 0"),
    ],
)
def test_one_bad_row_leaves_its_sku_alone_says_what_is_wrong_and_stops_no_other_sku(
    trading: Desk, fault: SnapshotFault, message: str
) -> None:
    world, spoiled, changed = trading.world, trading.skus[SPOILED], trading.skus[CHANGED]
    take_unseen(world, spoiled, 3)
    shown = world.shelves[spoiled].centra_physical
    publish(trading, fault)

    trading.sync_stock()

    assert wrongly_zeroed(world) == []
    assert world.shelves[spoiled].centra_physical == shown
    assert world.centra_free(changed) == world.whistl_available(changed)
    assert world.centra_free(trading.skus[SOLD_OUT]) == 0
    assert in_quarantine(trading) == []
    assert (trading.problems(spoiled), raised(trading)) == ([LEFT_OUT[0]], [LEFT_OUT])
    assert message in trading.messages()[0]
    assert_a_good_feed_puts_everything_right(trading)


def test_a_garbled_sku_raises_an_exception_about_the_missing_sku_only(trading: Desk) -> None:
    garbled = trading.skus[SPOILED]
    snapshot = trading.world.snapshots[publish(trading)]
    row = next(row for row in snapshot.rows if row["sku"] == garbled)
    row |= {"sku": "TEE0?1", "on_hand": -5}

    trading.sync_stock()

    assert raised(trading) == [LEFT_OUT]
    assert trading.problems(garbled) == ["sku_absent_from_snapshot"]
    assert_a_good_feed_puts_everything_right(trading)


def test_a_sku_that_vanishes_from_the_feed_keeps_its_stock_and_an_exception_until_it_is_back(
    trading: Desk,
) -> None:
    world, gone = trading.world, trading.skus[SPOILED]
    shown = world.shelves[gone].centra_physical
    world.items[gone].is_known_to_whistl = False
    for _ in range(2):
        publish(trading)
        trading.sync_stock()
    meanwhile = world.shelves[gone].centra_physical
    world.items[gone].is_known_to_whistl = True

    assert meanwhile == shown
    assert wrongly_zeroed(world) == []
    assert in_quarantine(trading) == []
    assert (trading.problems(gone), raised(trading)) == ([LEFT_OUT[0]], [LEFT_OUT])
    assert_a_good_feed_puts_everything_right(trading)


# ---- the feed cannot be read to its end
UNREADABLE = {
    "a figure is NaN": (SnapshotFault.NOT_A_NUMBER, None, ContractBroken, [REFUSED]),
    "cut within a page": (None, FaultKind.TRUNCATE, ContractBroken, [REFUSED]),
    "pages end in nothing": (None, FaultKind.EMPTY_200, ContractBroken, [REFUSED]),
    "a proxy's page": (None, FaultKind.HTML_200, ContractBroken, [REFUSED]),
    # Nothing is wrong with the feed. An outage that lasts raises an exception of its own.
    "pages stop coming": (None, FaultKind.ERROR_503_BEFORE, OutcomeUnknown, []),
    "the connection breaks": (None, FaultKind.LOSE_ANSWER_AFTER, OutcomeUnknown, []),
}


@pytest.mark.parametrize(
    ("fault", "on_the_wire", "error", "expected"), UNREADABLE.values(), ids=UNREADABLE.keys()
)
def test_of_a_feed_that_breaks_off_nothing_is_kept_and_nothing_written(
    trading: Desk,
    fault: SnapshotFault | None,
    on_the_wire: FaultKind | None,
    error: type[IntegrationError],
    expected: list[tuple[str, str]],
) -> None:
    before = physical(trading.world)
    publish(trading, fault)
    if on_the_wire:
        for page in range(3, 3 + MOST_TRIES):
            trading.fault("whistl", "snapshot_items", on_the_wire, nth=page)

    with pytest.raises(error, match="snapshot_items"):
        read_latest_snapshot(trading.link)
    read_centra_levels(trading.link)
    sync.publish_stock(trading.link)

    assert wrongly_zeroed(trading.world) == []
    assert physical(trading.world) == before
    assert in_quarantine(trading) == []
    assert raised(trading) == expected
    assert_a_good_feed_puts_everything_right(trading)


# ---- the feed goes back in time, or stands still
@pytest.fixture
def old_and_new(desk: Desk) -> tuple[str, str]:
    """A snapshot from before goods came in for SKUs that were sold out, and one from after."""
    for sku in desk.skus[:3]:
        take_unseen(desk.world, sku, desk.world.whistl_available(sku))
    old = publish(desk)
    for sku in desk.skus[:3]:
        goods_in(desk.world, sku, 30)
    return old, publish(desk)


def go_back_to(desk: Desk, snapshot_id: str) -> None:
    with desk.world.lock:
        desk.world.latest_snapshot_id = snapshot_id


def test_an_old_snapshot_that_comes_after_a_newer_one_is_refused(
    desk: Desk, old_and_new: tuple[str, str]
) -> None:
    old, _ = old_and_new
    desk.sync_stock()
    before = physical(desk.world)
    go_back_to(desk, old)

    desk.sync_stock()

    assert wrongly_zeroed(desk.world) == []
    assert physical(desk.world) == before
    assert in_quarantine(desk) == [old]
    assert "older_than_last" in quarantined(desk.link)[0].reason
    assert raised(desk) == [REFUSED]


def test_a_feed_that_goes_back_to_what_was_used_before_changes_nothing(
    desk: Desk, old_and_new: tuple[str, str]
) -> None:
    old, new = old_and_new
    for snapshot_id in (old, new):
        go_back_to(desk, snapshot_id)
        desk.sync_stock()
    before = physical(desk.world)
    go_back_to(desk, old)

    desk.sync_stock()

    assert wrongly_zeroed(desk.world) == []
    assert physical(desk.world) == before
    assert (in_quarantine(desk), raised(desk)) == ([], [])


@pytest.mark.parametrize("fault", [SnapshotFault.STALE, SnapshotFault.OLD_AFTER_NEW])
def test_a_feed_that_stands_still_raises_an_exception_and_is_no_longer_written(
    trading: Desk, fault: SnapshotFault
) -> None:
    before = physical(trading.world)
    trading.clock.advance(3_700)
    publish(trading, fault)

    with pytest.raises(NothingToReconcile, match="minutes old"):
        trading.sync_stock()

    assert wrongly_zeroed(trading.world) == []
    assert physical(trading.world) == before
    assert in_quarantine(trading) == []
    assert raised(trading) == [REFUSED]
    assert_a_good_feed_puts_everything_right(trading)


def republish(desk: Desk) -> None:
    """Let Whistl publish the stock of the same moment under another name."""
    with desk.world.lock:
        assert desk.world.latest_snapshot_id is not None
        newest = desk.world.snapshots[desk.world.latest_snapshot_id]
        again = replace(newest, snapshot_id=f"{newest.snapshot_id}-again")
        desk.world.snapshots[again.snapshot_id] = again
        desk.world.latest_snapshot_id = again.snapshot_id


def test_a_feed_that_stands_still_under_new_names_raises_an_exception_and_is_not_read_again(
    trading: Desk,
) -> None:
    publish(trading)
    trading.sync_stock()
    read_before = trading.world.calls["whistl snapshot_items"]
    republish(trading)
    is_new = is_there_a_new_snapshot(trading.link)
    again = read_latest_snapshot(trading.link)
    problems_while_young = raised(trading)

    trading.clock.advance(9 * 3_600)
    republish(trading)
    read = read_latest_snapshot(trading.link)

    assert read_before > 0
    assert (is_new, again.is_accepted, problems_while_young) == (False, True, [])
    assert (read.is_new, read.is_accepted, read.reason) == (False, False, "too_old")
    assert raised(trading) == [REFUSED]
    assert trading.world.calls["whistl snapshot_items"] == read_before
    assert_a_good_feed_puts_everything_right(trading)


def test_stock_that_grows_too_old_raises_an_exception_though_no_sync_runs(trading: Desk) -> None:
    publish(trading)
    trading.sync_stock()
    young = age_of_stock_in_use(trading.link)
    assert (young and young.is_too_old, raised(trading)) == (False, [])

    trading.clock.advance(3_700)
    old = age_of_stock_in_use(trading.link)

    assert (old and old.is_too_old, raised(trading)) == (True, [REFUSED])
    assert_a_good_feed_puts_everything_right(trading)


def test_the_reason_of_a_refused_feed_stays_in_its_exception_when_the_stock_in_use_grows_old(
    trading: Desk,
) -> None:
    publish(trading, SnapshotFault.EMPTY)
    trading.sync_stock()
    messages = trading.messages()
    trading.clock.advance(3_700)

    age_of_stock_in_use(trading.link)

    assert "no rows at all" in messages[0]
    assert trading.messages() == messages


def test_before_any_stock_was_used_it_has_no_age(desk: Desk) -> None:
    assert age_of_stock_in_use(desk.link) is None


def test_all_faults_of_a_feed_one_after_the_other_zero_nothing(trading: Desk) -> None:
    for fault in SnapshotFault:
        publish(trading, fault)
        with suppress(ContractBroken):
            trading.sync_stock()
        assert wrongly_zeroed(trading.world) == []

    assert_a_good_feed_puts_everything_right(trading)
