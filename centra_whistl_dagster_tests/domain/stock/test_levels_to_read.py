from __future__ import annotations

import numpy as np
import pytest

from centra_whistl_dagster.domain.stock.cadence import may_differ

AT_REST = {
    "wanted": 10, "shown": 10, "held": 3, "left": 0,
    "wanted_before": 10, "held_before": 3, "left_before": 0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("case", "changes", "is_read"),
    [
        ("nothing moved", {}, False),
        ("another channel took two", {"wanted": 8}, True),
        ("the last figure did not get through", {"shown": 7}, True),
        ("written and back again since it was read", {"wanted_before": 8}, True),
        ("a shipment completed, as much came in", {"held": 0}, True),
        ("a shipment completed after the snapshot", {"left": 3}, True),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_level_is_read_unless_nothing_of_its_sum_has_moved(
    case: str, changes: dict[str, int], is_read: bool
) -> None:
    figures = {name: np.array([units]) for name, units in (AT_REST | changes).items()}

    assert may_differ(**figures).tolist() == [is_read]
