"""A restored ledger repeats nothing, and loses nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from centra_whistl_dagster_tests.faults.restoring import AGES, HABITS, Way, drilled, table
from centra_whistl_dagster_tests.workflows.conftest import PROJECT


@pytest.mark.parametrize("is_locking", [True, False], ids=["locks", "no locks"])
@pytest.mark.parametrize("habit", HABITS)
@pytest.mark.parametrize("age", AGES)
def test_a_restored_ledger_sends_nothing_twice_and_loses_nothing(
    age: str, habit: str, is_locking: bool, tmp_path: Path
) -> None:
    with drilled(tmp_path, habit=habit, is_locking=is_locking) as drill:
        drill.lose(AGES[age])
        drill.restore(Way.FILE)
        assert drill.until_at_rest().faults() == {}


@pytest.mark.parametrize("way", [Way.COMMAND, Way.EVERYTHING])
@pytest.mark.parametrize("age", AGES)
def test_it_does_not_matter_how_the_old_ledger_came_back(
    age: str, way: Way, tmp_path: Path
) -> None:
    with drilled(tmp_path, habit="takes it as a second order") as drill:
        drill.lose(AGES[age])
        drill.restore(way)
        assert drill.until_at_rest().faults() == {}


def test_the_document_has_the_result_of_each_drill_above() -> None:
    text = (PROJECT / "docs" / "reliability.md").read_text(encoding="utf-8")
    _, _, rest = text.partition("<!-- restores: begin -->\n")
    shown, end, _ = rest.partition("<!-- restores: end -->")
    assert end
    assert shown.splitlines() == table()
