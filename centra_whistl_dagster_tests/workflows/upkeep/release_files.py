"""A morning whose files a release leaves behind, for the release after it to open.

To keep the files of a release: check it out, copy this module there under the same path, and run
`python -m pytest centra_whistl_dagster_tests/workflows/upkeep/release_files.py`. The files are then
in `previous_release.tar.gz` beside it, which the tests of the next release read.
"""

from __future__ import annotations

import tarfile
from pathlib import Path

from centra_whistl_dagster.simulator.people.shoppers import ADA
from centra_whistl_dagster.simulator.wire.fault_rules import FaultKind
from centra_whistl_dagster.simulator.world.world import CentraOrder
from centra_whistl_dagster.workflows.stock.divergence import measure_divergence
from centra_whistl_dagster.workflows.upkeep import history
from centra_whistl_dagster_tests.workflows.conftest import Desk

FILES = Path(__file__).parent / "previous_release.tar.gz"
KEPT = ("ledger.db", "history.duckdb", "archive")


def a_morning(desk: Desk) -> dict[str, list[CentraOrder]]:
    """Live until there are orders of every kind; return them by state in the ledger."""
    completed = [desk.order() for _ in range(2)]
    desk.relay(12, every=60)
    desk.sync_stock()
    measure_divergence(desk.link)
    submitted = [desk.order() for _ in range(2)]
    blocked = [desk.order(address=ADA | {"city": None})]
    desk.relay_orders()
    desk.fault("whistl", "create_order", FaultKind.LOSE_ANSWER_AFTER, nth=1)
    in_doubt = [desk.order()]
    desk.relay_orders()
    file = history.open_history(desk.link)
    for step in (history.load_orders, history.load_exceptions, history.load_stock):
        step(desk.link, file)
    return {
        "completed": completed,
        "submitted": submitted,
        "blocked": blocked,
        "in_doubt": in_doubt,
    }


def test_keep_files(desk: Desk) -> None:
    placed = a_morning(desk)
    for state, orders in placed.items():
        assert {desk.state(order) for order in orders} == {state}
    desk._open.close()

    with tarfile.open(FILES, "w:gz") as kept:
        for name in KEPT:
            kept.add(Path(desk.environment["STATE_DIR"]) / name, arcname=name)
