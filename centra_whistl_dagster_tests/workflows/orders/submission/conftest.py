"""A Whistl that forgives nothing.

It stores a repeated number as a second order and ignores idempotency keys: nothing but this project
keeps an order from being shipped twice. Judged by what the simulated Whistl holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from centra_whistl_dagster_tests.workflows.conftest import Desk


@pytest.fixture(autouse=True)
def _whistl_that_forgives_nothing(desk: Desk) -> None:
    desk.switch(whistl_accepts_repeated_numbers=True, whistl_ignores_idempotency_key=True)
