"""Catalogues of many pages are read less often, and no order waits while they are read."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from centra_whistl_dagster.centra.client import CentraClient
from centra_whistl_dagster.ledger import catalogues
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.reference.refresh import (
    is_due,
    refresh_reference,
    usable_age,
)
from centra_whistl_dagster_tests.workflows.conftest import Desk

HOUR = 3600.0


@pytest.fixture
def growth(desk: Desk) -> Iterator[Link]:
    """The desk on the Growth plan, of whose quota 1,250 requests an hour are for stock."""
    config = replace(desk.link.centra._config, plan="growth")
    rng = random.Random(7)  # noqa: S311 - spreads retries
    centra = CentraClient(config, now=desk.clock, sleep=desk.sleep, rng=rng)
    yield replace(desk.link, centra=centra)
    centra.close()


def with_sizes(link: Link, sizes: int) -> None:
    """Let the catalogue of the last reading have so many sizes."""
    with link.ledger.transaction() as tx:
        catalogues.replace_centra_sizes(tx, [(n, f"S{n}", True) for n in range(1, sizes + 1)])


@pytest.mark.parametrize(
    ("sizes", "hours"), [(3_000, 0.5), (25_000, 0.5), (100_000, 2.0), (260_000, 5.2)]
)
def test_a_catalogue_of_many_pages_takes_a_fifth_of_the_lane_at_most(
    desk: Desk, growth: Link, sizes: int, hours: float
) -> None:
    refresh_reference(growth)
    with_sizes(growth, sizes)

    desk.wait(hours * HOUR - 60)
    was_due = is_due(growth)
    desk.wait(120)

    assert (was_due, is_due(growth)) == (False, True)


def test_orders_do_not_wait_while_a_large_catalogue_is_read_again(desk: Desk, growth: Link) -> None:
    refresh_reference(growth)
    with_sizes(growth, 100_000)
    desk.wait(3 * HOUR)
    before = desk.clock()

    age = usable_age(growth)

    assert is_due(growth)
    assert age == timedelta(hours=3)
    assert desk.clock() == before


def test_a_small_catalogue_is_read_again_at_once_and_one_that_is_too_old_whatever_its_size(
    desk: Desk, growth: Link
) -> None:
    refresh_reference(growth)
    desk.wait(HOUR)
    small = usable_age(growth)
    with_sizes(growth, 100_000)
    desk.wait(25 * HOUR)

    large = usable_age(growth)

    assert small is not None
    assert small < timedelta(minutes=1)
    assert large is not None
    assert large < timedelta(minutes=1)
