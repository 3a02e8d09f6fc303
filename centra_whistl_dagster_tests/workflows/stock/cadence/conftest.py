"""An installation whose stock is synced as the schedule decides, minute by minute."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from centra_whistl_dagster.domain.stock.cadence import Decision, StockSync
from centra_whistl_dagster.domain.tally import Tally
from centra_whistl_dagster.simulator.whistl.snapshots import take_snapshot
from centra_whistl_dagster.simulator.world.world import World
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.stock import archive
from centra_whistl_dagster.workflows.stock.cadence import decide_stock_sync
from centra_whistl_dagster.workflows.stock.centra_levels import read_centra_levels
from centra_whistl_dagster.workflows.stock.last_sync import last_sync
from centra_whistl_dagster.workflows.stock.levels_needed import skus_to_read
from centra_whistl_dagster.workflows.stock.sales_velocity import count_demand
from centra_whistl_dagster.workflows.stock.snapshots import read_latest_snapshot
from centra_whistl_dagster.workflows.stock.sync import publish_stock
from centra_whistl_dagster_tests.workflows.conftest import Desk

SALE = """
[[stock.sale]]
name = "Black Friday"
starts_at = {starts_at}
ends_at = 2099-12-01T00:00:00Z
skus = ["{sku}"]
risk = 0.001
most_minutes = 1
"""


@dataclass
class Watch:
    """A desk, and somebody who watches its stock."""

    desk: Desk

    @property
    def link(self) -> Link:
        """The desk's connection as it is open now."""
        return self.desk.link

    @property
    def world(self) -> World:
        return self.desk.world

    @property
    def skus(self) -> list[str]:
        return self.desk.skus

    # ---- what operators set
    def put_on_sale(self, sku: str, *, starts_at: str = "2000-01-01T00:00:00Z") -> None:
        policy = self._policy()
        policy.write_text(policy.read_text() + SALE.format(sku=sku, starts_at=starts_at))
        self.desk.reopen()

    def set_policy(self, name: str, value: str) -> None:
        policy = self._policy()
        line = re.compile(rf"(?m)^{name} = .*$")
        policy.write_text(line.sub(f"{name} = {value}", policy.read_text()))
        self.desk.reopen()

    def _policy(self) -> Path:
        return Path(self.desk.environment["CONFIG_DIR"]) / "policy.toml"

    # ---- what this project does
    def new_snapshot(self) -> None:
        self.desk.clock.advance(1)
        with self.desk.world.lock:
            take_snapshot(self.desk.world)
        self.desk.clock.advance(1)

    def sync(self, within_minutes: int | None = None) -> Tally:
        """Do what the job does with a new snapshot."""
        self.new_snapshot()
        return self.sync_again(within_minutes)

    def sync_again(self, within_minutes: int | None = None) -> Tally:
        """Do what the job does with the newest snapshot there is."""
        read_latest_snapshot(self.desk.link)
        count_demand(self.desk.link)
        skus = skus_to_read(self.desk.link, within_minutes)
        read_centra_levels(self.desk.link, within_minutes=within_minutes, skus=skus)
        return publish_stock(self.desk.link)

    def settle_down(self) -> None:
        """Sync everything twice: after the first sync nothing is known of demand yet."""
        self.sync()
        self.sync()

    def tick(self, *, is_new: bool = True) -> Decision:
        """Let a minute go by, and do what the schedule decides."""
        if is_new:
            self.desk.wait(60)
            self.new_snapshot()
        else:
            self.desk.clock.advance(60)
        decision = decide_stock_sync(self.desk.link)
        if decision.does is not StockSync.NONE:
            self.sync_again(None if decision.does is StockSync.FULL else decision.minutes)
        return decision

    # ---- what can be seen
    def free(self, sku: str) -> int:
        return int(self.desk.world.centra_free(sku))

    def reads(self) -> dict[str, int]:
        """How often Centra was asked for each SKU's stock."""
        reads: dict[str, int] = self.desk.truth()["stock"]["reads"]
        return reads

    def synced_at(self) -> dict[str, pd.Timestamp]:
        """When each SKU was last synced, with or without a call."""
        with self.link.ledger.reading() as tx:
            last = last_sync(tx)
        assert last is not None
        frame = archive.fetch(self.link.settings.archive_path, last.file)
        return dict(zip(frame["sku"], frame["looked_at"], strict=True))

    def assert_the_shop_is_right(self) -> None:
        stock = self.desk.truth()["stock"]
        assert stock["agreeing"] == stock["skus"] > 0


@pytest.fixture
def watch(desk: Desk) -> Watch:
    return Watch(desk)
