"""A proposed change gives the policy that the file would give with the same lines in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from centra_whistl_dagster.config_files.policy import load_policy
from centra_whistl_dagster.domain.stock.buffer import BufferPolicy
from centra_whistl_dagster.domain.stock.policy import SkuRule, StockPolicy
from centra_whistl_dagster.domain.stock.policy_change import PolicyChange, PolicyChangeInvalid

DELIVERED = (Path(__file__).parents[3] / "config" / "policy.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "change",
    [
        PolicyChange(floors=(("DRESS-RED-M", 2), ("COAT-*", 5))),
        PolicyChange(risk=0.001, only="DRESS-*"),
        PolicyChange(share_of_daily_sales=0.1, risk=0.05, only='A"B', floors=(("DRESS-RED-M", 2),)),
    ],
)
def test_the_lines_that_it_shows_make_the_policy_that_it_previewed(change: PolicyChange) -> None:
    before = load_policy(DELIVERED, "policy.toml").stock

    after = load_policy(f"{DELIVERED}\n{change.as_toml()}\n", "policy.toml").stock

    assert after == change.applied_to(before)
    assert after != before


def test_a_common_value_is_shown_under_the_table_that_it_belongs_to() -> None:
    change = PolicyChange(risk=0.001, share_of_daily_sales=0.1)

    assert change.as_toml() == "[stock.buffer]\nrisk = 0.001\nshare_of_daily_sales = 0.1"
    assert change.applied_to(StockPolicy()).buffer == BufferPolicy(
        risk=0.001, share_of_daily_sales=0.1
    )


def test_rules_keep_what_is_their_own_and_follow_what_is_common() -> None:
    rule = SkuRule(pattern="DRESS-*", buffer=BufferPolicy(floor_units=3))

    changed = PolicyChange(risk=0.001).applied_to(StockPolicy(sku_rules=(rule,)))

    assert changed.sku_rules[0].buffer == BufferPolicy(risk=0.001, floor_units=3)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (PolicyChange(risk=0), "risk must be above 0"),
        (PolicyChange(risk=1), "risk must be above 0"),
        (PolicyChange(risk=float("nan")), "risk must be above 0"),
        (PolicyChange(share_of_daily_sales=-0.1), "share must be 0 or more"),
        (PolicyChange(share_of_daily_sales=float("nan")), "share must be 0 or more"),
        (PolicyChange(floors=(("A", 201),)), "floor of A must be 0 to 200 units"),
    ],
)
def test_what_the_file_would_not_take_is_refused_by_name(change: PolicyChange, words: str) -> None:
    with pytest.raises(PolicyChangeInvalid, match=words):
        change.applied_to(StockPolicy())
