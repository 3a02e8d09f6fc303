"""A change of the stock policy is previewed: what it would withhold, and what it would avoid."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from click.testing import CliRunner, Result

from centra_whistl_dagster.cli.main import commands
from centra_whistl_dagster.domain.stock.exposure import HEADS_KEPT
from centra_whistl_dagster.domain.stock.policy_change import PolicyChange
from centra_whistl_dagster.domain.stock.shortfall import shortfall
from centra_whistl_dagster.ledger import stock
from centra_whistl_dagster.simulator.world.catalogue import UNKNOWN_SKUS
from centra_whistl_dagster.workflows.stock.exposure import note_published
from centra_whistl_dagster.workflows.stock.preview import (
    PolicyPreview,
    UnknownSkus,
    preview_policy,
)
from centra_whistl_dagster.workflows.stock.reconciliation import (
    NothingToReconcile,
    reconcile_with,
)
from centra_whistl_dagster_tests.workflows.conftest import Desk


@pytest.fixture
def synced(desk: Desk) -> Desk:
    """An installation that has sold something, and whose stock has come to rest."""
    desk.sync_stock()
    desk.order_some()
    desk.relay(2)
    desk.wait(60)
    for _ in range(3):  # how long a write takes is measured, and is part of the buffer
        desk.sync_stock()
    return desk


def previewed(desk: Desk, change: PolicyChange) -> PolicyPreview:
    proposed = change.applied_to(desk.link.configuration.stock)
    return preview_policy(desk.link, proposed, named=change.patterns())


def apply(desk: Desk, change: PolicyChange) -> None:
    """Edit the file as the preview says, and let the next sync come."""
    policy = Path(desk.environment["CONFIG_DIR"]) / "policy.toml"
    text = policy.read_text()
    if change.only or change.floors:
        text += f"\n{change.as_toml()}\n"
    if change.share_of_daily_sales is not None and not change.only:
        share = f"share_of_daily_sales = {change.share_of_daily_sales}"
        text = text.replace("share_of_daily_sales = 0.0", share)
    policy.write_text(text)
    desk.reopen()
    desk.sync_stock()


def for_sale(desk: Desk) -> dict[str, int]:
    return {sku: desk.world.centra_free(sku) for sku in desk.skus}


@pytest.mark.parametrize("what", ["floor", "pattern", "share", "share of some"])
def test_what_a_preview_withholds_is_what_the_shop_no_longer_offers_once_it_is_made(
    synced: Desk, what: str
) -> None:
    change = {
        "floor": PolicyChange(floors=((synced.skus[0], 20),)),
        "pattern": PolicyChange(floors=((f"{synced.skus[0][:6]}*", 150),)),
        "share": PolicyChange(share_of_daily_sales=0.5),
        "share of some": PolicyChange(share_of_daily_sales=0.5, only=f"{synced.skus[0][:6]}*"),
    }[what]
    before = for_sale(synced)
    found = previewed(synced, change)

    apply(synced, change)

    after = for_sale(synced)
    withheld = {sku: before[sku] - after[sku] for sku in before if before[sku] != after[sku]}
    assert {line.sku: line.more for line in found.changed} == withheld
    assert found.withheld_then - found.withheld_now == sum(withheld.values()) > 0
    assert {line.sku: line.for_sale_then for line in found.changed} == {
        sku: after[sku] for sku in withheld
    }


def test_it_says_what_risk_is_avoided_and_what_the_units_sell_for(synced: Desk) -> None:
    sku = synced.skus[0]
    found = previewed(synced, PolicyChange(floors=((sku, 20),)))

    (line,) = found.changed
    price = synced.world.items[sku].price
    assert line.chance_then < line.chance_now
    assert line.oversold_a_day_then < line.oversold_a_day_now
    assert found.oversold_a_day_then < found.oversold_a_day_now
    assert (line.price, line.value) == (price, price * line.more)
    assert found.value_by_currency() == {line.currency: line.value}


def test_no_more_is_oversold_a_day_than_on_as_many_snapshots_as_whistl_publishes(
    synced: Desk,
) -> None:
    sku, now = synced.skus[0], synced.clock()
    with synced.link.ledger.transaction() as tx:
        for hours in range(HEADS_KEPT):
            note_published(tx, now - timedelta(hours=hours))
        snapshot = stock.latest_accepted(tx)
    assert snapshot is not None
    side = reconcile_with(synced.link, snapshot)
    hours_exposed = side.demand.exposure_minutes / 60 * side.demand.busyness
    beyond = shortfall(side.demand.unseen_clumps, hours_exposed, side.catalogue.steps.buffer_used)
    on_one_snapshot = beyond.units[side.skus.index(sku)]

    (line,) = previewed(synced, PolicyChange(floors=((sku, 20),))).changed

    assert side.demand.exposure.publishing_minutes == pytest.approx(60)
    assert line.oversold_a_day_now == pytest.approx(24 * on_one_snapshot)
    assert on_one_snapshot > 0


def test_units_without_a_known_price_have_no_value(desk: Desk) -> None:
    desk.sync_stock()

    (line,) = previewed(desk, PolicyChange(floors=((desk.skus[0], 7),))).changed

    assert line.more > 0
    assert line.value is None


def test_less_can_be_withheld_too(synced: Desk) -> None:
    apply(synced, PolicyChange(floors=((synced.skus[0], 9),)))

    (line,) = previewed(synced, PolicyChange(floors=((synced.skus[0], 8),))).changed

    assert (line.withheld_now, line.withheld_then, line.more) == (9, 8, -1)


def test_a_preview_writes_nothing_to_either_system_or_to_the_ledger(synced: Desk) -> None:
    effects, problems = synced.effects(), synced.problems()
    state = Path(synced.environment["STATE_DIR"])
    files = {path: path.stat().st_mtime_ns for path in state.rglob("*.parquet")}
    ledger = (state / "ledger.db").read_bytes()

    previewed(synced, PolicyChange(share_of_daily_sales=1.0))

    assert (synced.effects(), synced.problems()) == (effects, problems)
    assert {path: path.stat().st_mtime_ns for path in state.rglob("*.parquet")} == files
    assert (state / "ledger.db").read_bytes() == ledger


def test_before_any_stock_was_read_there_is_nothing_to_preview(desk: Desk) -> None:
    with pytest.raises(NothingToReconcile):
        previewed(desk, PolicyChange(share_of_daily_sales=1.0))


def test_every_sku_that_is_unknown_is_named_with_what_was_likely_meant(synced: Desk) -> None:
    known = synced.skus[0]
    change = PolicyChange(floors=((known.lower(), 1), (UNKNOWN_SKUS[0], 1), ("ZZZ-*", 1)))

    with pytest.raises(UnknownSkus) as caught:
        previewed(synced, change)

    told = str(caught.value)
    assert f"{known.lower()} is a SKU of neither system. Did you mean" in told
    assert known in told
    assert f"{UNKNOWN_SKUS[0]} is in Centra's stock and not in Whistl's snapshot" in told
    assert "ZZZ-* matches no SKU that both systems have" in told


# ---- the command
@pytest.fixture
def wall_clock(synced: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The command reads the environment and the wall clock, which here are the desk's own."""
    for name, value in synced.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("COLUMNS", "300")
    with time_machine.travel(synced.clock(), tick=False):
        yield


def run(*arguments: str) -> Result:
    return CliRunner().invoke(commands, ["stock", "preview", *arguments], catch_exceptions=False)


@pytest.mark.usefixtures("wall_clock")
def test_the_command_shows_the_change_and_the_lines_to_put_into_the_file(synced: Desk) -> None:
    sku = synced.skus[0]

    shown = run("--floor", f"{sku}=20").stdout

    assert "Nothing has been changed" in shown
    assert f'[[stock.sku]]\npattern = "{sku}"\nfloor_units = 20' in shown
    assert "→ 20" in shown
    assert "GBP" in shown


@pytest.mark.usefixtures("wall_clock")
def test_a_sale_in_an_edited_file_is_previewed_for_a_moment_inside_it(
    synced: Desk, tmp_path: Path
) -> None:
    sku, starts_at = synced.skus[0], synced.clock() + timedelta(days=1)
    edited = tmp_path / "policy.toml"
    edited.write_text(
        (Path(synced.environment["CONFIG_DIR"]) / "policy.toml").read_text()
        + f"""
[[stock.sale]]
name = "Black Friday"
starts_at = {starts_at.isoformat()}
ends_at = {(starts_at + timedelta(days=1)).isoformat()}
skus = ["{sku}", "NOT-A-SKU"]
risk = 0.00001
most_minutes = 1
"""
    )

    before_it = run("--policy", str(edited)).stdout
    inside = run("--policy", str(edited), "--at", (starts_at + timedelta(hours=1)).isoformat())

    assert "The change concerns no SKU." in before_it
    assert "NOT-A-SKU matches no SKU" in before_it
    assert sku in inside.stdout
    assert "The change concerns no SKU." not in inside.stdout


@pytest.mark.usefixtures("wall_clock")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Say what to change"),
        (("--floor", "A"), "must be a SKU and whole units"),
        (("--floor", "A=-1"), "must be a SKU and whole units"),
        (("--floor", "NOPE=1"), "NOPE is a SKU of neither system"),
        (("--risk", "2"), "risk must be above 0"),
        (("--only", "A"), "give one of them"),
        (("--share", "0.1", "--at", "tomorrow"), "must be a moment such as"),
        (("--share", "0.1", "--at", "2026-11-27T09:00"), "must be a moment such as"),
    ],
)
def test_a_wrong_option_is_refused_in_words(arguments: tuple[str, ...], words: str) -> None:
    result = run(*arguments)

    assert result.exit_code != 0
    assert words in " ".join(result.stderr.replace("│", " ").split())
