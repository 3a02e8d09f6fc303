"""Sizes that share a SKU are taken off sale; trouble with them stops nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest
import sqlalchemy as sa

from centra_whistl_dagster.centra.client import CentraClient
from centra_whistl_dagster.domain.stock.cadence import Allowance
from centra_whistl_dagster.ledger.tables import exceptions, stock_writes
from centra_whistl_dagster.simulator.centra.permissions import ALL_PERMISSIONS
from centra_whistl_dagster.simulator.whistl.snapshots import take_snapshot
from centra_whistl_dagster.simulator.wire.fault_rules import FaultKind
from centra_whistl_dagster.simulator.world.settings import CentraToken
from centra_whistl_dagster.simulator.world.warehouse import take_unseen
from centra_whistl_dagster.transport import IntegrationError
from centra_whistl_dagster.transport.errors import Reason, Refused
from centra_whistl_dagster.workflows.stock import sync, twins
from centra_whistl_dagster.workflows.stock.last_sync import last_sync
from centra_whistl_dagster_tests.workflows.conftest import Desk


class ObservedCentra:
    """Centra, whose writes by size are counted."""

    def __init__(self, desk: Desk) -> None:
        self._client = desk.link.centra
        self.calls: list[list[int]] = []
        desk.link = replace(desk.link, centra=cast("CentraClient", self))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def set_physical_stock_of_sizes(self, levels: list[tuple[int, int]], description: str) -> Any:
        self.calls.append([size_id for size_id, _ in levels])
        return self._client.set_physical_stock_of_sizes(levels, description)


@pytest.fixture
def shared(desk: Desk) -> tuple[str, str]:
    """Two sizes that come to share the SKU of the first, both for sale."""
    desk.sync_stock()
    first, second = desk.skus[:2]
    desk.world.items[second].shown_sku = first
    assert desk.world.centra_free(first) > 0
    assert desk.world.centra_free(second) > 0
    return first, second


def sync_with_new_snapshot(desk: Desk) -> None:
    desk.clock.advance(1)
    with desk.world.lock:
        take_snapshot(desk.world)
    desk.clock.advance(1)
    desk.sync_stock()


def refuse(desk: Desk, monkeypatch: pytest.MonkeyPatch, size_id: int) -> None:
    """Let Centra refuse every quantity of one size."""
    run = desk.link.centra._graphql.run

    def refusing(kind: Any, operation: str, variables: Any, **members: Any) -> Any:
        lines = variables["input"]["productSizes"] if operation == "SetStock" else []
        if any(line["productSize"].get("id") == size_id for line in lines):
            raise Refused(
                system="Centra",
                operation="SetStock",
                detail="not_found (productSizes)",
                status=200,
                reasons=(Reason(code="not_found", field="productSizes"),),
            )
        return run(kind, operation, variables, **members)

    monkeypatch.setattr(desk.link.centra._graphql, "run", refusing)


def size_id(desk: Desk, sku: str) -> int:
    return desk.world.items[sku].size_id


def outcomes(desk: Desk, skus: tuple[str, str]) -> list[str]:
    """What came of each quantity of the shared SKU, by size."""
    sizes = [size_id(desk, sku) for sku in skus]
    query = (
        sa.select(stock_writes.c.outcome)
        .where(
            stock_writes.c.product_size_id.in_(sizes),
            stock_writes.c.sku == skus[0],
            stock_writes.c.whistl_available == 0,
            stock_writes.c.buffer == 0,
        )
        .order_by(stock_writes.c.id)
    )
    with desk.link.ledger.reading() as tx:
        return list(tx.execute(query).scalars())


def test_a_refused_size_is_reported_and_stops_neither_the_other_size_nor_the_sync(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, shared: tuple[str, str]
) -> None:
    first, second = shared
    other = desk.skus[5]
    take_unseen(desk.world, other, 2)
    refuse(desk, monkeypatch, size_id(desk, first))

    sync_with_new_snapshot(desk)

    assert desk.world.centra_free(second) == 0
    should = desk.world.whistl_available(other) - desk.buffers()[other]
    assert desk.world.centra_free(other) == should
    assert sorted(outcomes(desk, shared)) == ["refused", "written"]
    assert desk.problems(first) == ["sku_on_several_sizes", "stock_write_refused"]


def test_a_refusal_of_a_shared_size_stays_one_exception_until_the_size_is_off_sale(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, shared: tuple[str, str]
) -> None:
    first, _ = shared
    with monkeypatch.context() as patched:
        refuse(desk, patched, size_id(desk, first))
        sync_with_new_snapshot(desk)
        opened = opened_at(desk)
        sync_with_new_snapshot(desk)
        still = opened_at(desk)

    sync_with_new_snapshot(desk)

    assert opened == still
    assert len(opened) == 1
    assert desk.problems(first) == ["sku_on_several_sizes"]
    assert desk.world.centra_free(first) == 0


@pytest.mark.parametrize("is_refused", [True, False], ids=["refused", "not taken"])
def test_a_size_that_gets_a_sku_of_its_own_leaves_no_exception_with_those_that_still_share_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, shared: tuple[str, str], *, is_refused: bool
) -> None:
    first, third = shared[0], desk.skus[3]
    desk.world.items[third].shown_sku = first
    with monkeypatch.context() as patched:
        if is_refused:
            refuse(desk, patched, size_id(desk, third))
        desk.switch(centra_several_sizes_bug=not is_refused)
        sync_with_new_snapshot(desk)
    before = desk.problems(first)
    desk.switch(centra_several_sizes_bug=False)
    desk.world.items[third].shown_sku = None

    for _ in range(2):
        sync_with_new_snapshot(desk)

    kind = "stock_write_refused" if is_refused else "stock_write_not_taken"
    assert set(before) == {"sku_on_several_sizes", kind}
    assert desk.problems(first) == ["sku_on_several_sizes"]
    assert desk.world.centra_free(third) > 0


def opened_at(desk: Desk) -> list[Any]:
    """When each exception about a refused quantity was opened, resolved ones included."""
    query = sa.select(exceptions.c.id, exceptions.c.opened_at, exceptions.c.resolved_at).where(
        exceptions.c.kind == "stock_write_refused"
    )
    with desk.link.ledger.reading() as tx:
        return [tuple(row) for row in tx.execute(query)]


def test_a_token_that_may_not_write_stock_is_not_tried_again_for_shared_sizes(
    desk: Desk, shared: tuple[str, str]
) -> None:
    desk.world.settings.centra_tokens[desk.environment["CENTRA_TOKEN"]] = CentraToken(
        permissions=ALL_PERMISSIONS - {"StockChange:write"}
    )
    observed = ObservedCentra(desk)

    sync_with_new_snapshot(desk)
    sync_with_new_snapshot(desk)

    assert len(observed.calls) == 1
    assert outcomes(desk, shared) == ["not_sent", "not_sent"]
    assert "credentials_refused" in desk.problems()


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        (FaultKind.RATE_LIMITED, "not_sent"),
        (FaultKind.HTML_200, "unknown"),
        (FaultKind.ERROR_500_AFTER, "unknown"),
    ],
)
def test_what_came_of_a_shared_size_is_recorded_as_it_was_and_the_sync_is_kept(
    desk: Desk, shared: tuple[str, str], kind: FaultKind, outcome: str
) -> None:
    with desk.link.ledger.reading() as tx:
        before = last_sync(tx)
    desk.fault("centra", "setStock", kind)

    with pytest.raises(IntegrationError):
        sync_with_new_snapshot(desk)

    with desk.link.ledger.reading() as tx:
        after = last_sync(tx)
    assert set(outcomes(desk, shared)) == {outcome}
    assert before is not None
    assert after is not None
    assert after.snapshot_id != before.snapshot_id


def test_a_shared_size_that_centra_does_not_take_off_sale_is_reported(
    desk: Desk, shared: tuple[str, str]
) -> None:
    desk.switch(centra_several_sizes_bug=True)

    sync_with_new_snapshot(desk)

    assert outcomes(desk, shared) == ["written", "not_taken"]
    assert "stock_write_not_taken" in desk.problems(shared[0])


def test_shared_sizes_are_written_in_batches_and_no_more_than_the_quota_allows(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, shared: tuple[str, str]
) -> None:
    observed = ObservedCentra(desk)
    with monkeypatch.context() as patched:
        patched.setattr(twins, "SKUS_OF_A_BATCH", 1)
        one_batch = Allowance(requests=2, mutations=1)
        patched.setattr(sync, "allowed_for_stock", lambda _: one_batch)
        patched.setattr(twins, "allowed_for_stock", lambda _: one_batch)
        sync_with_new_snapshot(desk)
        calls_within_quota = list(observed.calls)
    desk.world.items[desk.skus[3]].shown_sku = shared[0]
    sync_with_new_snapshot(desk)

    assert [len(call) for call in calls_within_quota] == [1]
    assert [len(call) for call in observed.calls] == [1, 2]
    assert {desk.world.centra_free(sku) for sku in (*shared, desk.skus[3])} == {0}
