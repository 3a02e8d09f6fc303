"""A refusal is tried again only where every reason of it may pass by itself."""

from __future__ import annotations

from datetime import timedelta

import pytest

from centra_whistl_dagster.domain.orders.refusals import pause_before_retry


def test_the_pauses_grow_up_to_a_day_and_stay_there() -> None:
    pauses = [pause_before_retry(["unknown_sku"], refused) for refused in (0, 1, 4, 5, 400)]

    assert pauses[:2] == [timedelta(minutes=5), timedelta(minutes=15)]
    assert pauses[2:] == [timedelta(days=1)] * 3


@pytest.mark.parametrize(
    "codes",
    [[], [""], ["invalid_postcode"], ["unknown_sku", "missing_phone"], ["a_code_nobody_knows"]],
)
def test_a_reason_that_only_a_change_removes_and_one_we_do_not_know_are_not_tried_again(
    codes: list[str],
) -> None:
    assert pause_before_retry(codes, 0) is None
