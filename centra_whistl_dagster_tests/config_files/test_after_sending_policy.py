"""`[after_sending]` of the policy: what ships is the safe choice, and a slip is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from centra_whistl_dagster.config_files.policy import load_policy
from centra_whistl_dagster.config_files.reader import ConfigError
from centra_whistl_dagster.domain.orders.after_sending_policy import (
    AfterSendingPolicy,
    OnEdit,
    OnPause,
)

SHIPPED = (Path(__file__).parents[2] / "config" / "policy.toml").read_text(encoding="utf-8")


def test_the_shipped_policy_is_the_default() -> None:
    assert load_policy(SHIPPED, "policy.toml").after_sending == AfterSendingPolicy()
    assert load_policy("", "policy.toml").after_sending == AfterSendingPolicy()


def test_what_could_lose_goods_is_stopped_unless_a_brand_chooses_otherwise() -> None:
    policy = AfterSendingPolicy()

    assert {policy.on_hold, policy.on_unpaid, policy.on_other_warehouse} == {OnPause.STOP}
    assert {policy.on_address, policy.on_fewer_units} == {OnEdit.REPLACE}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('on_hold = "replace"', "one of ask, stop"),
        ('on_address = "stop"', "one of ask, replace"),
        ("stop_attempts = 0", "a whole number from 1"),
        ("stop_follow_up_minutes = 0", "a whole number from 1"),
        ('on_colour = "ask"', "on_colour"),
    ],
)
def test_a_choice_that_there_is_not_is_named_with_its_line(line: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_policy(f"[after_sending]\n{line}\n", "policy.toml")

    (fault,) = caught.value.faults
    assert said in fault.detail
    assert fault.line == 2
