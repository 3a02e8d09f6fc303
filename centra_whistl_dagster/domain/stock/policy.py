"""What operators set for stock in `config/policy.toml`, and what of it holds for a SKU now."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from fnmatch import fnmatchcase

from centra_whistl_dagster.domain.stock.availability import Convention
from centra_whistl_dagster.domain.stock.buffer import BufferPolicy
from centra_whistl_dagster.domain.stock.cadence import CadencePolicy
from centra_whistl_dagster.domain.stock.guard_policy import GuardPolicy
from centra_whistl_dagster.domain.stock.velocity import Pooling


@dataclass(frozen=True, slots=True, kw_only=True)
class SkuRule:
    """A buffer of their own for the SKUs that a pattern names. The last rule that matches holds."""

    pattern: str
    """A SKU, or a pattern with `*` and `?`: `DRESS-*` names every size of a product."""
    buffer: BufferPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """A period in which listed SKUs are synced more often and more is held back of them."""

    name: str
    starts_at: datetime
    ends_at: datetime
    """The first moment after the sale, which ends by itself."""
    skus: tuple[str, ...]
    """Patterns, as in `SkuRule`."""
    risk: float
    most_minutes: int
    """The longest interval between two syncs of its SKUs."""

    def is_on(self, now: datetime) -> bool:
        """Say whether the sale is running."""
        return self.starts_at <= now < self.ends_at

    def includes(self, sku: str) -> bool:
        """Say whether a SKU is listed."""
        return any(fnmatchcase(sku, pattern) for pattern in self.skus)


@dataclass(frozen=True, slots=True, kw_only=True)
class StockPolicy:
    """Everything that operators set for stock."""

    buffer: BufferPolicy = field(default_factory=BufferPolicy)
    cadence: CadencePolicy = field(default_factory=CadencePolicy)
    guard: GuardPolicy = field(default_factory=GuardPolicy)
    pooling: Pooling = field(default_factory=Pooling)
    convention: Convention = field(default_factory=Convention)
    sku_rules: tuple[SkuRule, ...] = ()
    sales: tuple[Sale, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SkuPolicy:
    """What holds for one SKU now. SKUs with equal policies are worked out together."""

    buffer: BufferPolicy
    most_minutes: int
    sale: str = ""
    """The sale that tightens it, if one does."""


def policy_for(sku: str, now: datetime, policy: StockPolicy) -> SkuPolicy:
    """Return what holds for a SKU now: its last matching rule, tightened by the sales it is in."""
    buffer = policy.buffer
    for rule in policy.sku_rules:
        if fnmatchcase(sku, rule.pattern):
            buffer = rule.buffer
    chosen = SkuPolicy(buffer=buffer, most_minutes=policy.cadence.ladder_minutes[-1])
    for sale in policy.sales:
        if sale.is_on(now) and sale.includes(sku):
            chosen = SkuPolicy(
                buffer=replace(buffer, risk=min(chosen.buffer.risk, sale.risk)),
                most_minutes=min(chosen.most_minutes, sale.most_minutes),
                sale=sale.name,
            )
    return chosen


def sale_begun(policy: StockPolicy, since: datetime | None, now: datetime) -> str:
    """Return the name of a sale that began after a moment and is on; empty when there is none."""
    if since is None:
        return ""
    begun = (sale.name for sale in policy.sales if since < sale.starts_at and sale.is_on(now))
    return next(begun, "")
