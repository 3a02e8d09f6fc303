"""Between two passes over every SKU, stock is passed over where it cannot wait, and only there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from centra_whistl_dagster.domain.cadence import Decision, Pass
from centra_whistl_dagster.simulator.warehouse import goods_in, take_unseen
from centra_whistl_dagster.simulator.whistl_snapshots import take_snapshot
from centra_whistl_dagster.workflows import stock_sync
from centra_whistl_dagster.workflows.sales_velocity import count_demand
from centra_whistl_dagster.workflows.stock_cadence import decide_stock_pass
from centra_whistl_dagster.workflows.stock_reconciliation import read_centra_levels
from centra_whistl_dagster.workflows.stock_snapshots import read_latest_snapshot
from centra_whistl_dagster.workflows.stock_sync import publish_stock

SALE = """
[[stock.sale]]
name = "Black Friday"
starts_at = {starts_at}
ends_at = 2099-12-01T00:00:00Z
skus = ["{sku}"]
risk = 0.001
most_minutes = 1
"""


def put_on_sale(desk: Any, sku: str, *, starts_at: str = "2000-01-01T00:00:00Z") -> None:
    policy = Path(desk.environment["CONFIG_DIR"]) / "policy.toml"
    policy.write_text(policy.read_text() + SALE.format(sku=sku, starts_at=starts_at))
    desk.reopen()


def set_cadence(desk: Any, name: str, value: str) -> None:
    policy = Path(desk.environment["CONFIG_DIR"]) / "policy.toml"
    before, found, rest = policy.read_text().partition("\n[stock.cadence]\n")
    lines = [
        f"{name} = {value}" if line.startswith(f"{name} =") else line for line in rest.splitlines()
    ]
    policy.write_text(before + found + "\n".join(lines) + "\n")
    desk.reopen()


def new_snapshot(desk: Any) -> None:
    desk.clock.advance(1)
    with desk.world.lock:
        take_snapshot(desk.world)
    desk.clock.advance(1)


def pass_over(desk: Any, within_minutes: int | None = None) -> Any:
    """Do what the job does with a new snapshot."""
    new_snapshot(desk)
    read_latest_snapshot(desk.link)
    count_demand(desk.link)
    read_centra_levels(desk.link, within_minutes=within_minutes)
    return publish_stock(desk.link)


def settle_down(desk: Any) -> None:
    """Pass over everything twice: after the first nothing is known of demand yet."""
    pass_over(desk)
    pass_over(desk)


def tick(desk: Any) -> Decision:
    """Let a minute go by, and do what the schedule decides."""
    desk.wait(60)
    new_snapshot(desk)
    decision = decide_stock_pass(desk.link)
    if decision.does is not Pass.NONE:
        pass_over(desk, None if decision.does is Pass.FULL else decision.minutes)
    return decision


def free(desk: Any, sku: str) -> int:
    return int(desk.world.centra_free(sku))


def looks(desk: Any) -> dict[str, int]:
    found: dict[str, int] = desk.truth()["stock"]["looks"]
    return found


def test_a_pass_over_some_skus_reads_and_writes_those_and_leaves_the_rest_for_the_full_one(
    desk: Any,
) -> None:
    hot, slow = desk.skus[:2]
    put_on_sale(desk, hot)
    settle_down(desk)
    before, offered = looks(desk), {sku: free(desk, sku) for sku in (hot, slow)}
    for sku in (hot, slow):
        goods_in(desk.world, sku, 30)

    tally = pass_over(desk, within_minutes=1)

    assert (tally.read, tally.written) == (1, 1)
    assert free(desk, hot) == offered[hot] + 30
    assert free(desk, slow) == offered[slow]
    assert looks(desk)[slow] == before[slow]
    assert looks(desk)[hot] > before[hot]

    pass_over(desk)

    assert free(desk, slow) == offered[slow] + 30
    assert desk.truth()["stock"]["agreeing"] == desk.truth()["stock"]["skus"]


def test_what_was_told_of_a_sku_stands_until_it_is_passed_over_again(desk: Any) -> None:
    hot, gone = desk.skus[:2]
    put_on_sale(desk, hot)
    desk.order((gone, desk.world.centra_free(gone)))
    with desk.world.lock:
        take_unseen(desk.world, gone, 1)
    settle_down(desk)
    told = desk.problems(gone)
    assert "oversold" in told
    goods_in(desk.world, gone, 50)

    pass_over(desk, within_minutes=1)
    assert desk.problems(gone) == told

    pass_over(desk)
    assert desk.problems(gone) == []


def test_after_the_first_pass_of_all_the_next_minute_passes_over_everything_again(
    desk: Any,
) -> None:
    tick(desk)
    before = looks(desk)

    decision = tick(desk)

    assert (decision.does, decision.minutes) == (Pass.DUE, 1)
    assert all(looks(desk)[sku] > before[sku] for sku in desk.skus)
    assert tick(desk).does is Pass.NONE


def test_over_a_quarter_of_an_hour_a_hot_sku_is_looked_at_each_minute_and_a_slow_one_once(
    desk: Any,
) -> None:
    hot, slow = desk.skus[:2]
    put_on_sale(desk, hot)
    settle_down(desk)
    before = looks(desk)

    decisions = [tick(desk) for _ in range(15)]

    assert sum(each.does is Pass.FULL for each in decisions) == 1
    assert sum(each.does is Pass.DUE for each in decisions) == 14
    assert f"1 SKU needs a pass each 1 min, the fastest {hot}" in decisions[0].reason
    assert looks(desk)[slow] - before[slow] == 1
    assert looks(desk)[hot] - before[hot] >= 15


def test_a_sale_is_passed_over_as_soon_as_it_begins_and_each_minute_then(
    desk: Any,
) -> None:
    settle_down(desk)
    assert tick(desk).does is Pass.NONE

    put_on_sale(desk, desk.skus[0], starts_at=f"{desk.world.now():%Y-%m-%dT%H:%M:%SZ}")
    decision = tick(desk)

    assert decision.does is Pass.FULL
    assert decision.reason == "the sale 'Black Friday' has begun"
    assert tick(desk).does is Pass.DUE


def test_what_centras_quota_does_not_suffice_for_is_left_for_the_next_minute(desk: Any) -> None:
    pass_over(desk)
    for sku in desk.skus[:3]:
        goods_in(desk.world, sku, 30)
    desk.reopen(CENTRA_PLAN="growth")
    set_cadence(desk, "reserved_for_orders", "1.0")

    kept_for_orders = pass_over(desk)

    assert kept_for_orders.written == 0
    left = "left for the next pass: the rest of Centra's quota is for orders"
    assert kept_for_orders.skipped[left] == 3
    set_cadence(desk, "reserved_for_orders", "0.5")
    desk.clock.advance(30)
    assert tick(desk).does is Pass.DUE
    assert desk.truth()["stock"]["agreeing"] == desk.truth()["stock"]["skus"]


def test_a_short_quota_goes_to_what_must_not_be_sold_before_what_may_be(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    more, less = desk.skus[:2]
    pass_over(desk)
    right = {sku: free(desk, sku) for sku in (more, less)}
    goods_in(desk.world, more, 30)
    with desk.world.lock:
        take_unseen(desk.world, less, 2)
    desk.reopen(CENTRA_PLAN="growth", CENTRA_QUOTA_SHARE="0.1")
    monkeypatch.setattr(stock_sync, "_ROWS_PER_WRITE", 1)
    new_snapshot(desk)
    read_latest_snapshot(desk.link)
    read_centra_levels(desk.link)
    desk.clock.advance(11)

    tally = publish_stock(desk.link)

    assert tally.written == 1
    assert free(desk, less) == right[less] - 2
    assert free(desk, more) == right[more]


def test_where_no_size_that_was_due_is_left_in_centra_nothing_is_passed_over(desk: Any) -> None:
    hot, slow = desk.skus[:2]
    put_on_sale(desk, hot)
    settle_down(desk)
    desk.world.items[hot].is_active_in_centra = False
    goods_in(desk.world, slow, 30)

    tally = pass_over(desk, within_minutes=1)

    assert (tally.read, tally.written) == (0, 0)
    assert pass_over(desk).written == 1
