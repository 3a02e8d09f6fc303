"""Every screening rule there is."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from centra_whistl_dagster.domain.orders.screening_policy import ScreeningPolicy
from centra_whistl_dagster.screening.address_rules import address_rules
from centra_whistl_dagster.screening.line_facts import LineFacts, SkuFacts
from centra_whistl_dagster.screening.line_rules import line_rules, sku_rules
from centra_whistl_dagster.screening.order_facts import OrderFacts
from centra_whistl_dagster.screening.order_rules import order_rules
from centra_whistl_dagster.screening.rulebook import RuleBook


class RuleBooks(NamedTuple):
    """The rules by what they are about."""

    orders: RuleBook[OrderFacts]
    lines: RuleBook[LineFacts]
    skus: RuleBook[SkuFacts]


@lru_cache(maxsize=8)
def rule_books(policy: ScreeningPolicy) -> RuleBooks:
    """Return the rules with the limits that the client has chosen."""
    return RuleBooks(
        orders=RuleBook([*order_rules(policy), *address_rules(policy)]),
        lines=RuleBook(line_rules(policy)),
        skus=RuleBook(sku_rules(policy)),
    )


CHECKS = {rule.kind: rule.check for book in rule_books(ScreeningPolicy()) for rule in book.rules}
"""The asset check that each kind turns red; the limits make no difference to it."""
