from __future__ import annotations

from dataclasses import replace

import pytest

from centra_whistl_dagster.domain.exceptions.responsibilities import UNCONFIGURED


@pytest.mark.parametrize(
    ("minutes", "said"), [(15, "15 min"), (60, "1 h"), (90, "90 min"), (1440, "24 h")]
)
def test_a_time_limit_is_said_in_whole_hours_or_in_minutes(minutes: int, said: str) -> None:
    assert replace(UNCONFIGURED, time_limit_minutes=minutes).time_limit == said
